"""The songs page: what it takes, and what it asks before a song is split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo
from studio import services
from studio.library.library import Run
from studio.songs import probe, view
from studio.songs.probe import Probe
from studio.songs.task import start_sample
from studio.ui import file_chooser, form, source, task_page
from studio.ui.source import Source
from studio.ui.task_page import Request, TaskPage

SLOT = "song"
UPLOAD_MB = 500
ICON = ":material/call_split:"


def bring() -> Source[Probe] | None:
    """Uploads."""
    uploads = file_chooser.choose_files(
        f"Your songs, one or several (they are worked on by {services.backend().place})",
        "songs",
        most_mb=UPLOAD_MB,
        instead="Cut it into parts, or use the command line: `python -m backends run separation FILE --out FOLDER`.",
        help="Any sound file (WAV, MP3, FLAC, M4A, OGG, Opus and many more), or a video whose sound you want.",
    )
    if uploads:
        first, *others = [
            source.of_upload(upload, probe.TYPES, probe.probe, f"{SLOT}-{number}")
            for number, upload in enumerate(uploads[: task_page.MOST_FILES + 1])
        ]
        first.others = others
        return first
    return None


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
    if song is None or not song.probe.tracks or song.others:
        return {}
    numbers = list(song.probe.tracks)
    asked = before.get("track", "")
    first = asked if asked in numbers else song.probe.track
    chosen = st.selectbox(
        "Sound track",
        numbers,
        numbers.index(first),
        format_func=lambda number: song.probe.tracks[number],  # a list of choices is no Markdown
        key=f"track-{song.key}-{key}",
        help="The file has several. If the default one is silent, the next is used.",
    )
    return {"track": chosen} if chosen != song.probe.track else {}


def _estimate(card: CardInfo, song: Source[Probe] | None, device: DeviceInfo) -> str:
    return probe.estimate(card, sum(each.probe.seconds for each in song.all) if song is not None else 0.0)


def _unfit(card: CardInfo, song: Source[Probe], device: DeviceInfo) -> str:
    return next(filter(None, (probe.too_long(card, each.probe.seconds) for each in song.all)), "")


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
    noun="song",
    verb="Split",
    estimate=_estimate,
    unfit=_unfit,
    form=ask,
    form_beside=True,
    sample_label="Or try the sample song",
    start_sample=start_sample,
)
