"""The songs page: what it takes, and what it asks before a song is split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo
from studio import services, tasks
from studio.library.library import Run
from studio.songs import probe, view
from studio.songs.probe import Probe
from studio.ui import form, source
from studio.ui.source import Source
from studio.ui.task_page import Request, TaskPage

SLOT = "song"
UPLOAD_MB = 500


def bring() -> Source[Probe] | None:
    """An upload, or the way to the sample song."""
    upload = st.file_uploader(
        f"Your song (it is worked on by {services.backend().place})",
        type=list(probe.TYPES),
        max_upload_size=UPLOAD_MB,
        help="WAV, MP3, FLAC, M4A, OGG, Opus, or a video whose sound you want.",
    )
    if upload is not None:
        return source.of_upload(upload, probe.TYPES, probe.probe, SLOT)
    if st.button("Or try the sample song", icon=":material/play_arrow:"):
        tasks.get("separation").start_sample()
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
    options = form.draw(card.options, before, key, without=("stems",))
    return Request({"stems": stems, **options} if stems else options)


def _estimate(card: CardInfo, song: Source[Probe] | None, device: DeviceInfo) -> str:
    return probe.estimate(card, song.probe.seconds if song is not None else 0.0)


def _unfit(card: CardInfo, song: Source[Probe], device: DeviceInfo) -> str:
    return probe.too_long(card, song.probe.seconds)


PAGE = TaskPage(
    run_page=view.PAGE,
    title="Split a song into stems",
    intro="Drop in a song and get its voice, drums, bass and the rest as separate tracks that you can play and keep.",
    bring=bring,
    of_run=of_run,
    another="Choose another song",
    nothing="Choose a song first.",
    submit_label="Split the song",
    submit_icon=":material/call_split:",
    estimate=_estimate,
    unfit=_unfit,
    form=ask,
    form_beside=True,
)
