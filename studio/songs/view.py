"""One separation as a page shows it: on its way, and finished with everything that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from studio import services
from studio.findings import exhibits
from studio.library.library import Library, Run
from studio.songs import compare, further, music, results
from studio.songs.encode import FORMATS, RATES
from studio.ui import run_page
from studio.ui.place import place
from studio.web import urls

VIEWS = {
    "Quality": results.quality,
    "See the sound": results.spectrograms,
    "Compare with true stems": compare.show,
    "Go further": further.show,
    "About this run": results.about,
}


def _listen(run_id: str, live: bool) -> None:
    """The player."""
    from viz.components.stem_player import stem_player

    library = services.library()
    run = library.get(run_id)
    if run is None or (not live and not library.count(run_id, "segment")):
        return
    state_key = f"player-state-{run_id}"
    if (at := place()) is not None and state_key not in st.session_state:
        st.session_state[state_key] = {"run": run_id, "position": at}
    player, below = st.container(), st.container()
    with below:
        heard = music.music_of(run) if run.status == "done" else None
    with player:
        data = player_data(library, run, live, st.session_state.get(state_key), heard)
        state = stem_player(data, key=f"player-{run_id}")
    if state:
        st.session_state[state_key] = state
        exhibits.remember(run_id, state)


def player_data(
    library: Library, run: Run, live: bool, state: Any, heard: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The data of the stem player for a run, as far as it has come.

    Args:
        library: where the run is kept.
        run: to play.
        live: whether more may follow.
        state: what the player begins with.
        heard: beats, chords and key, where they are known.
    """
    from viz.components.stem_player import Export, Lane, Segment, manifest

    kept = library.artifacts(run.id)  # one reading: a segment and its tile arrive one after the other
    tiles = {(item.name, item.index): urls.file_url(run.id, item) for item in kept if item.kind == "tile"}
    lanes: dict[str, list[Segment]] = {name: [] for name in _expected(run)}
    for item in kept:
        tile = tiles.get((item.name, item.index))
        # A lane ends where its first segment or tile is missing: what comes later would play at the wrong time.
        if item.kind == "segment" and tile and item.index == len(lanes.setdefault(item.name, [])):
            lanes[item.name].append(Segment(urls.file_url(run.id, item), tile))
    base = urls.run_url(run.id)
    formats = {name: kind.title for name, kind in FORMATS.items()}
    return manifest(
        run.id,
        run.title,
        [Lane(name, segments, kind="mix" if name == "mix" else "stem") for name, segments in lanes.items()],
        samplerate=run.facts.get("samplerate", 44100),
        frames=run.facts.get("frames"),
        live=live,
        pan=True,
        export=Export(f"{base}/mixdown", formats, f"{base}/stems.zip", RATES) if run.status == "done" else None,
        state=state,
        music=heard,
    )


def _expected(run: Run) -> tuple[str, ...]:
    """The lanes in their order: known from the card before the first segment, so that nothing jumps later."""
    from backends.core.errors import BadInput
    from backends.separation.types import Grouping

    outputs = tuple(run.card.get("outputs", ()))
    try:
        names = tuple(Grouping.parse(run.options.get("stems", ""), outputs).stems) if outputs else ()
    except BadInput:  # Made with a card that has since lost a stem; the segments themselves tell.
        names = ()
    order = [name for name in ("vocals",) if name in names] + [name for name in names if name != "vocals"]
    return (*order, "mix")


PAGE = run_page.RunPage(
    task="separation",
    begin="Split another song",
    cancelled="The parts that were finished can be played below.",
    watch=_listen,
    views=VIEWS,
    files=results.files,
)
