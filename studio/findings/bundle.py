"""Writing a `.fourfold` bundle: a story with its findings and the runs that they show."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio import services
from studio.findings import shelves
from studio.findings.bundle_format import FORMAT, NAME, VERSION
from studio.library import manifest
from studio.library.findings import Finding, Story, UnknownFinding
from studio.library.models import Run, StoredArtifact

HEAVY_KINDS = frozenset({"input", "stem", "mix", "export", "alpha", "matte", "features", "head", "inside"})
"""Kinds of artifacts that a small bundle leaves out: uploads, files in full quality, and answers of the page Inside,
which are shown over the upload. What is pinned of an answer stands in its finding."""

SMALL = "This copy came without the upload and without the files in full quality."
BLOCK = 1 << 20
PACKED_ENDINGS = (".json", ".cif", ".pdb", ".csv", ".txt", ".tile")
"""Endings of files that a zip makes smaller; sound and pictures are small already."""


def pack_story(story_id: str, whole: bool, target: Path) -> Path:
    """Write the bundle of a story to `target`. Raises UnknownFinding."""
    story = services.findings().story(story_id)
    if story is None:
        raise UnknownFinding
    findings = list(services.findings().findings_of(story).values())
    return pack(findings, [story], whole, target)


def pack(findings: Sequence[Finding], stories: Sequence[Story], whole: bool, target: Path) -> Path:
    """Write findings, stories and the runs behind them.

    Args:
        findings: with their evidence; runs that are gone are left out.
        stories: whose findings are among those.
        whole: whether uploads, files in full quality and picture projects go along.
        target: the file to write; it appears only once it is complete.
    """
    sources = dict.fromkeys(one.source for finding in findings for one in finding.evidence)
    runs = [run for run_id in sources if (run := services.library().get(run_id)) and run.finished]
    part = target.with_suffix(".part")
    files: dict[str, dict[str, Any]] = {}
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as bundle:
            for run in runs:
                _add_run(bundle, run, whole, files)
            if whole:
                for task, project in dict.fromkeys(
                    (one.task, one.source) for finding in findings for one in finding.evidence
                ):
                    _add_project(bundle, task, project, files)
            contents = {
                "format": FORMAT,
                "version": VERSION,
                "made": datetime.now(UTC).isoformat(),
                "files": files,
                "findings": [_plain(finding) for finding in findings],
                "stories": [_plain(story) for story in stories],
            }
            bundle.writestr(NAME, json.dumps(contents, ensure_ascii=False), zipfile.ZIP_DEFLATED)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _add_run(bundle: zipfile.ZipFile, run: Run, whole: bool, files: dict[str, dict[str, Any]]) -> None:
    library = services.library()
    stored = library.artifacts(run.id)
    taken = stored if whole else tuple(item for item in stored if item.kind not in HEAVY_KINDS)
    if len(taken) < len(stored):
        run = replace(run, notices=list(dict.fromkeys([*run.notices, SMALL])))
    entry = services.catalogue().get(run.id)
    labels = {"starred": False, "note": entry.note, "tags": ""} if entry else {}
    text = manifest.dump(run, taken, labels)
    name = f"runs/{run.id}/{manifest.FILE}"
    bundle.writestr(name, text, zipfile.ZIP_DEFLATED)
    files[name] = {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    for item in taken:
        files[f"runs/{run.id}/{item.file}"] = _add_file(bundle, item)


def _add_project(bundle: zipfile.ZipFile, task: str, project: str, files: dict[str, dict[str, Any]]) -> None:
    """Copy a project with its pictures; nothing where the evidence is of a run."""
    shelf = shelves.portable(task)
    if shelf is None or not shelf.has(project):
        return
    name = f"projects/{task}/{project}.zip"
    packed = shelf.pack(project)
    try:
        with packed.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        files[name] = {"bytes": packed.stat().st_size, "sha256": digest}
        bundle.write(packed, name)
    finally:
        packed.unlink()


def _add_file(bundle: zipfile.ZipFile, item: StoredArtifact) -> dict[str, Any]:
    """Copy one file in blocks; its size and checksum."""
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(f"runs/{item.run_id}/{item.file}")
    info.compress_type = zipfile.ZIP_DEFLATED if item.file.endswith(PACKED_ENDINGS) else zipfile.ZIP_STORED
    with services.library().open(item.run_id, item) as source, bundle.open(info, "w", force_zip64=True) as target:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _plain(one: Finding | Story) -> dict[str, Any]:
    return {**asdict(one), "created": one.created.isoformat(), "changed": one.changed.isoformat()}
