"""The songs page: what it takes, and what it asks before a song is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo
from studio import launch, services, tasks
from studio.library.library import Run
from studio.songs import probe, view
from studio.songs.probe import Probe
from studio.ui import form, formatting, source, task_page
from studio.ui.source import Source
from studio.ui.task_page import Request, TaskPage

SLOT = "song"
UPLOAD_MB = 500
MOST_SONGS = 12
"""Songs at once; the model server keeps a few places more free for others."""

ICON = ":material/call_split:"


@dataclass
class Songs(Source[Probe]):
    """One song, or several that are to be split alike: `others` are those after the first."""

    others: list[Source[Probe]] = field(default_factory=list)


def bring() -> Songs | None:
    """Uploads, or the way to the sample song."""
    uploads = st.file_uploader(
        f"Your songs, one or several (they are worked on by {services.backend().place})",
        accept_multiple_files=True,
        max_upload_size=UPLOAD_MB,
        help="Any sound file (WAV, MP3, FLAC, M4A, OGG, Opus and many more), or a video whose sound you want.",
    )
    if uploads:
        first, *others = [
            source.of_upload(upload, probe.TYPES, probe.probe, f"{SLOT}-{number}")
            for number, upload in enumerate(uploads)
        ]
        return Songs(first.key, first.name, first.path, first.probe, folder=first.folder, others=others)
    if st.button("Or try the sample song", icon=":material/play_arrow:"):
        tasks.get("separation").start_sample()
    return None


def tell(song: Source[Probe]) -> None:
    """What was read of each song, or why it cannot be split."""
    for each in _all(song):
        task_page.tell_probe(each)


def _all(song: Source[Probe] | None) -> list[Source[Probe]]:
    return [] if song is None else [song, *(song.others if isinstance(song, Songs) else [])]


def of_run(run: Run) -> Source[Probe]:
    """The song of an earlier run."""
    return source.of_run(run, probe.probe, SLOT)


def ask(card: CardInfo, song: Source[Probe] | None, before: Mapping[str, Any]) -> Request:
    """Which stems, and what the model's engine can be told besides."""
    key = f"{song.key}-{card.id}" if song is not None and song.run is not None else card.id
    choices = probe.stem_choices(card.outputs)
    values = list(choices.values())
    first = values.index(before["stems"]) if before.get("stems") in values else 0
    stems = choices[st.radio("Stems", list(choices), first, key=f"stems-{key}")]
    options = {**_track(song, before, key), **form.draw(card.options, before, key, without=("stems", "track"))}
    return Request({"stems": stems, **options} if stems else options)


def _track(song: Source[Probe] | None, before: Mapping[str, Any], key: str) -> dict[str, str]:
    """The sound track to use, as an option, where a file has several; none where its default one is to be used."""
    if song is None or not song.probe.tracks or len(_all(song)) > 1:
        return {}
    numbers = list(song.probe.tracks)
    asked = before.get("track", "")
    first = asked if asked in numbers else song.probe.track
    chosen = st.selectbox(
        "Sound track",
        numbers,
        numbers.index(first),
        format_func=lambda number: formatting.escape(song.probe.tracks[number]),
        key=f"track-{song.key}-{key}",
        help="The file has several. If the default one is silent, the next is used.",
    )
    return {"track": chosen} if chosen != song.probe.track else {}


def _estimate(card: CardInfo, song: Source[Probe] | None, device: DeviceInfo) -> str:
    return probe.estimate(card, sum(each.probe.seconds for each in _all(song)))


def _unfit(card: CardInfo, song: Source[Probe], device: DeviceInfo) -> str:
    return next(filter(None, (probe.too_long(card, each.probe.seconds) for each in _all(song))), "")


def _buttons(song: Source[Probe] | None, card: CardInfo, request: Request) -> None:
    """The way to the job, or to a job for each song: all wait in the list of runs, the first is shown."""
    songs = _all(song)
    problem = request.problem or next((each.probe.problem for each in songs if each.probe.problem), "")
    if len(songs) > MOST_SONGS:
        problem = f"Choose at most {MOST_SONGS} songs at once."
    label = f"Split {len(songs)} songs" if len(songs) > 1 else "Split the song"
    pressed = st.button(label, type="primary", disabled=bool(problem), help=problem or None, icon=ICON)
    if not pressed or song is None:
        return
    run_ids = [services.jobs().submit("separation", each.name, each.path, card.id, request.options) for each in songs]
    launch.go_to(run_ids[0], "separation")


PAGE = TaskPage(
    run_page=view.PAGE,
    title="Split a song into stems",
    intro="Drop in a song and get its voice, drums, bass and the rest as separate tracks that you can play and keep.",
    bring=bring,
    of_run=of_run,
    another="Choose another song",
    nothing="Choose a song first.",
    submit_label="Split the song",
    submit_icon=ICON,
    tell=tell,
    buttons=_buttons,
    estimate=_estimate,
    unfit=_unfit,
    form=ask,
    form_beside=True,
)
