"""One separation as a page shows it: on its way, and finished with everything that explains it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from studio import guard, media, services, song_results, songs, widgets, words
from studio.encode import FORMATS
from studio.library import Library, Run

UPLOAD_MB = 500
VIEWS = {
    "Quality": song_results.quality,
    "See the sound": song_results.spectrograms,
    "Compare with true stems": song_results.comparison,
    "About this run": song_results.about,
}


def probed(upload: Any) -> songs.Probe:
    """What is known of an upload; worked out once for each file, not at every rerun."""
    key = f"probe-{upload.file_id}"
    if key not in st.session_state:
        st.session_state[key] = songs.probe(upload)
    return st.session_state[key]


def show(run_id: str) -> None:
    """The run at this address, whether it is waiting, running, finished or gone."""
    # The job before its run: it ends there only once the run is written down, so the two never contradict each other.
    view = services.jobs().get(run_id)
    run = services.library().get(run_id)
    if run is None:
        st.warning("There is no such run here: it was deleted, or the address is not complete.", icon=":material/help:")
        st.page_link("pages/songs.py", label="Split a song", icon=":material/graphic_eq:")
        return
    _heading(run)
    live = view is not None and not view.ended
    with st.container():
        _ending(run, live)
    guard.fragment(widgets.POLL_SECONDS if live else None)(_listen)(run_id, live)
    if run.status == "done":
        _explain(run)


def _heading(run: Run) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(words.plain(run.title), width="content")
        if st.button("Split another song", icon=":material/add:"):
            st.query_params.clear()
            st.rerun()
    made = run.created.astimezone().strftime("%d %b %Y, %H:%M")
    took = f" · took {words.duration(run.seconds)}" if run.seconds and run.status == "done" else ""
    st.caption(f"{run.card.get('title', run.weights)} · {made}{took}")


def _ending(run: Run, live: bool) -> None:
    """How the run ended, where that needs saying, and what can be done about it."""
    for notice in run.notices:
        st.info(words.plain(notice), icon=":material/info:")
    if live or run.status == "done":
        return
    match run.status:
        case "failed":
            st.error(words.plain(run.error), icon=":material/error:")
        case "cancelled":
            st.info("Cancelled. The parts that were finished can be played below.", icon=":material/cancel:")
        case "interrupted":
            st.warning(f"{run.error} Your file is kept.", icon=":material/restart_alt:")
        case "running":
            st.info("This run belongs to another studio that shares this library.", icon=":material/sync:")
            return
    song_results.repeat_or_delete(run)


def _listen(run_id: str, live: bool) -> None:
    """The player, with the progress above it while the job runs; at the end the whole page is drawn once more."""
    from viz.components.stem_player import stem_player

    view = services.jobs().get(run_id)
    if live and (view is None or view.ended):
        st.rerun()
    with st.container():
        if live and view is not None:
            widgets.job_progress(view)
    library = services.library()
    run = library.get(run_id)
    if run is None or (not live and not library.count(run_id, "segment")):
        return
    state_key = f"player-state-{run_id}"
    state = stem_player(_manifest(library, run, live, st.session_state.get(state_key)), key=f"player-{run_id}")
    if state:
        st.session_state[state_key] = state


def _manifest(library: Library, run: Run, live: bool, state: Any) -> dict[str, Any]:
    from viz.components.stem_player import Export, Lane, Segment, manifest

    kept = library.artifacts(run.id)  # one reading: a segment and its tile arrive one after the other
    tiles = {(item.name, item.index): media.file_url(run.id, item) for item in kept if item.kind == "tile"}
    lanes: dict[str, list[Segment]] = {name: [] for name in _expected(run)}
    for item in kept:
        tile = tiles.get((item.name, item.index))
        # A lane ends where its first segment or tile is missing: what comes later would play at the wrong time.
        if item.kind == "segment" and tile and item.index == len(lanes.setdefault(item.name, [])):
            lanes[item.name].append(Segment(media.file_url(run.id, item), tile))
    base = media.run_url(run.id)
    formats = {name: kind.title for name, kind in FORMATS.items()}
    return manifest(
        run.id,
        run.title,
        [Lane(name, segments, kind="mix" if name == "mix" else "stem") for name, segments in lanes.items()],
        samplerate=run.facts.get("samplerate", 44100),
        frames=run.facts.get("frames"),
        live=live,
        pan=True,
        export=Export(f"{base}/mixdown", formats, f"{base}/stems.zip") if run.status == "done" else None,
        state=state,
    )


def _expected(run: Run) -> tuple[str, ...]:
    """The lanes in their order: known from the card before the first segment, so that nothing jumps later."""
    from backends.errors import BadInput
    from backends.separation.types import Grouping

    outputs = tuple(run.card.get("outputs", ()))
    try:
        names = tuple(Grouping.parse(run.options.get("stems", ""), outputs).stems)
    except BadInput:  # Made with a card that has since lost a stem; the segments themselves tell.
        names = ()
    order = [name for name in ("vocals",) if name in names] + [name for name in names if name != "vocals"]
    return (*order, "mix")


def _explain(run: Run) -> None:
    chosen = st.segmented_control(
        "Look closer", list(VIEWS), default="Quality", required=True, key=f"view-{run.id}", label_visibility="collapsed"
    )
    VIEWS[chosen or "Quality"](run)
