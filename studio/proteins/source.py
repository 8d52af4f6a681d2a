"""The protein that the page is about: pasted text, an upload of this visitor, a sample, or a file of an earlier run."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from studio import services
from studio.intake import copy_upload
from studio.library import Run
from studio.proteins import inputs
from studio.proteins.inputs import Probe


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


def of_text(text: str, name: str = "") -> Source:
    """Pasted text, read once and not at every rerun."""
    key = f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    held = st.session_state.get("held-protein")
    if held is None or held.key != key:
        folder, path = _place(".txt")
        path.write_text(text, encoding="utf-8")
        held = _held(Source(key, name or "Pasted protein.txt", path, inputs.probe(path), folder=folder))
        if not name and held.probe.query and len(held.probe.query.chains[0].name) > 1:
            held.name = f"{held.probe.query.chains[0].name}.txt"
    return held


def of_upload(upload: Any) -> Source:
    """An upload, copied to disk and read once."""
    key = f"upload-{upload.file_id}"
    held = st.session_state.get("held-protein")
    if held is None or held.key != key:
        ending = Path(upload.name).suffix.lower()
        folder, path = _place(ending if ending.removeprefix(".") in inputs.TYPES else "")
        copy_upload(upload, path)
        held = _held(Source(key, upload.name, path, inputs.probe(path), folder=folder))
    return held


def of_run(run: Run) -> Source:
    """The file of a run, read once a session. Raises UserError where it is gone."""
    key = f"run-{run.id}"
    held = st.session_state.get("held-protein")
    if held is None or held.key != key:
        library = services.library()
        path = library.only(run.id, "input", "input")
        held = _held(Source(key, run.inputs[0]["name"], path, inputs.probe(path)))
        pae = [item for item in library.artifacts(run.id, "input") if item.name == "pae"]
        held.pae = library.local(run.id, pae[0]) if pae else None
    return held


def pae_of_upload(upload: Any, source: Source) -> str:
    """Keep a file of confidence beside its structure; one sentence where it does not fit."""
    key = f"pae-{upload.file_id}-{source.key}"
    held = st.session_state.get("held-pae")
    if held is None or held[0] != key:
        folder, path = _place(".json")
        copy_upload(upload, path)
        held = (key, path, inputs.pae_problem(path, source.probe.length), folder)
        st.session_state["held-pae"] = held
    source.pae = None if held[2] else held[1]
    return held[2]


def _place(ending: str) -> tuple[Any, Path]:
    folder = tempfile.TemporaryDirectory(prefix="fourfold-protein-")
    return folder, Path(folder.name) / f"query{ending}"


def _held(source: Source) -> Source:
    st.session_state["held-protein"] = source
    return source
