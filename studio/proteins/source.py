"""The protein that the page is about: pasted text, an upload of this visitor, a sample, or a file of an earlier run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import services
from studio.jobs.receiver import copy_upload
from studio.library.library import Run
from studio.proteins import probe as inputs
from studio.proteins.probe import Probe
from studio.ui.session_files import cached, save_upload, temporary_file

SESSION_KEY = "protein"
"""One is held at a time, wherever it comes from."""


@dataclass
class Source:
    """A file on this machine with what is known of it. `pae` is a confidence file that goes with a structure."""

    key: str
    name: str
    path: Path
    probe: Probe
    pae: Path | None = None
    folder: Any = None
    """Holds the temporary folder: it goes with the visitor's session, or when another protein comes."""


def from_text(text: str, name: str = "") -> Source:
    """Pasted text, read once and not at every rerun."""
    key = f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def make() -> Source:
        folder, path = temporary_file(".txt")
        path.write_text(text, encoding="utf-8")
        probe = inputs.probe(path)
        own = probe.query.chains[0].name if probe.query else ""
        return Source(key, name or (f"{own}.txt" if len(own) > 1 else "Pasted protein.txt"), path, probe, folder=folder)

    return cached(SESSION_KEY, key, make)


def from_upload(upload: Any) -> Source:
    """An upload, copied to disk and read once."""
    key = f"upload-{upload.file_id}"

    def make() -> Source:
        folder, path = save_upload(upload, inputs.TYPES)
        return Source(key, upload.name, path, inputs.probe(path), folder=folder)

    return cached(SESSION_KEY, key, make)


def from_run(run: Run) -> Source:
    """The file of a run, read once a session. Raises UserError where it is gone."""
    key = f"run-{run.id}"

    def make() -> Source:
        library = services.library()
        path = library.only(run.id, "input", "input")
        pae = [item for item in library.artifacts(run.id, "input") if item.name == "pae"]
        beside = library.local(run.id, pae[0]) if pae else None
        return Source(key, run.inputs[0]["name"], path, inputs.probe(path), beside)

    return cached(SESSION_KEY, key, make)


def add_confidence_file(upload: Any, source: Source) -> str:
    """Keep a file of confidence beside its structure; one sentence where it does not fit."""

    def make() -> tuple[Path, str, Any]:
        folder, path = temporary_file(".json")
        copy_upload(upload, path)
        return path, inputs.confidence_problem(path, source.probe.length), folder

    path, problem, _ = cached("pae", f"pae-{upload.file_id}-{source.key}", make)
    source.pae = None if problem else path
    return problem
