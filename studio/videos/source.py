"""The source that the page works on: a visitor's upload, or the file of an earlier run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.core.errors import UserError
from studio import services
from studio.library.library import Run
from studio.ui.session_files import cached, save_upload
from studio.ui.source import Source
from studio.videos import probe
from studio.videos.probe import Probe

MAX_STILLS = 40


@dataclass
class VideoSource(Source[Probe]):
    """A video or picture on this machine with its probe, and the single frames that were read of it, by second."""

    stills: dict[float, bytes | None] = field(default_factory=dict)

    def still(self, seconds: float) -> bytes | None:
        """The frame that is shown at `seconds`, decoded once; None where it cannot be read."""
        moment = round(seconds, 2)
        if moment not in self.stills:
            while len(self.stills) >= MAX_STILLS:
                self.stills.pop(next(iter(self.stills)))
            try:
                self.stills[moment] = probe.still(self.path, moment)
            except UserError:  # damaged at this place: the job itself leaves it out and says so
                self.stills[moment] = None
        return self.stills[moment]


def of_upload(upload: Any, slot: str = "video", examine: bool = True) -> VideoSource:
    """An upload, copied to disk and probed once a session.

    Args:
        upload: of `st.file_uploader`.
        slot: what the upload is for; a slot holds one at a time.
        examine: whether to probe it.
    """
    key = f"{slot}-{upload.file_id}"

    def make() -> VideoSource:
        folder, path = save_upload(upload, probe.TYPES)
        return VideoSource(key, upload.name, path, probe.probe(path) if examine else Probe(), folder=folder)

    return cached(slot, key, make)


def of_run(run: Run) -> VideoSource:
    """The source of a run, probed once a session. Raises UserError where its file is gone."""
    key = f"run-{run.id}"

    def make() -> VideoSource:
        path = services.library().only(run.id, "input", "input")
        return VideoSource(key, run.inputs[0]["name"], path, probe.probe(path))

    source = cached(key, key, make)
    source.run = run  # its state may have changed since the last rerun
    return source
