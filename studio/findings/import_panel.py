"""Opening a bundle that was saved elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from backends.core.errors import UserError
from studio.findings.bundle_import import Imported, read_bundle
from studio.jobs.uploads import copy_upload
from studio.ui import file_chooser, formatting

UPLOAD_MB = 1000
LAST_BUNDLE = "opened-bundle"


def show() -> None:
    """The upload, and what the last one brought."""
    upload = file_chooser.choose_file(
        "A .fourfold file",
        "bundle",
        most_mb=UPLOAD_MB,
        help="Runs, findings and stories of another Fourfold. What is here already stays as it is.",
    )
    if upload is None:
        return
    if st.session_state.get(LAST_BUNDLE, ("",))[0] != upload.file_id:
        st.session_state[LAST_BUNDLE] = (upload.file_id, *_open(upload))
        st.rerun()
    _, sentence, good = st.session_state[LAST_BUNDLE]
    if good:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.error(formatting.escape(sentence), icon=":material/error:")


def _open(upload: object) -> tuple[str, bool]:
    """What to say of a bundle once it was read."""
    with st.spinner("Checking every file of the bundle…"), tempfile.TemporaryDirectory(prefix="fourfold-up-") as folder:
        path = Path(folder) / "bundle.zip"
        try:
            copy_upload(upload, path)  # type: ignore[arg-type]
            return summary(read_bundle(path)), True
        except UserError as error:
            return error.sentence, False


def summary(imported: Imported) -> str:
    """What a bundle brought, in words."""
    new = [
        formatting.count(number, one, many)
        for number, one, many in (
            (imported.runs, "result", ""),
            (imported.projects, "picture project", ""),
            (imported.findings, "finding", ""),
            (imported.stories, "story", "stories"),
        )
        if number
    ]
    if not new:
        return "Everything in this bundle was here already."
    known = f"; {formatting.count(imported.known_runs, 'result')} were here already" if imported.known_runs else ""
    return f"Taken in: {', '.join(new)}{known}."
