"""The video or picture that the page is about: an upload of this visitor, or the file of an earlier run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.core.errors import UserError
from studio import services
from studio.library.library import Run
from studio.ui.session_files import cached, save_upload
from studio.videos import probe as inputs
from studio.videos.probe import Probe

STILLS_KEPT = 40


@dataclass
class Source:
    """A file on this machine with what is known of it. `run` is the earlier run that it belongs to, if any."""

    key: str
    name: str
    path: Path
    probe: Probe
    run: Run | None = None
    folder: Any = None
    """Holds the temporary folder of an upload: it goes with the visitor's session, or when another file comes."""
    stills: dict[float, bytes | None] = field(default_factory=dict)

    def still(self, seconds: float) -> bytes | None:
        """The frame at that moment; decoded once. A place that cannot be read has none."""
        moment = round(seconds, 2)
        if moment not in self.stills:
            while len(self.stills) >= STILLS_KEPT:
                self.stills.pop(next(iter(self.stills)))
            try:
                self.stills[moment] = inputs.still(self.path, moment)
            except UserError:  # Damaged just there: the job itself will leave it out and say so.
                self.stills[moment] = None
        return self.stills[moment]


def of_upload(upload: Any, slot: str = "video", look: bool = True) -> Source:
    """An upload, copied to disk and probed once, not at every rerun; a `slot` holds one at a time."""
    key = f"{slot}-{upload.file_id}"

    def make() -> Source:
        folder, path = save_upload(upload, inputs.TYPES)
        return Source(key, upload.name, path, inputs.probe(path) if look else Probe(), folder=folder)

    return cached(slot, key, make)


def of_run(run: Run) -> Source:
    """The file of a run, probed once a session. Raises UserError where it is gone."""
    key = f"run-{run.id}"

    def make() -> Source:
        path = services.library().only(run.id, "input", "input")
        return Source(key, run.inputs[0]["name"], path, inputs.probe(path))

    source = cached(key, key, make)
    source.run = run  # which may have gone on since it was last looked at
    return source
