"""run.json: what the database knows of a run, written into its folder, so that the folder explains itself.

A library whose database was lost or moved enters such folders again (`maintenance.repair`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from studio.library.models import FINISHED, ArtifactRow, Run, RunRow, StoredArtifact, jsonable

FILE = "run.json"
FORMAT = 1
SAFE_FILE = re.compile(r"[a-z0-9-]{1,80}\.[a-z0-9]{1,8}")


LABELS: Mapping[str, tuple[type, ...]] = {
    "starred": (bool,),
    "note": (str,),
    "tags": (str,),
    "trashed": (float, type(None)),
}
"""What people add to a run, with the types that each may have."""


def dump(
    run: Run, stored: tuple[StoredArtifact, ...], labels: Mapping[str, Any] | None = None, visitor: str = ""
) -> bytes:
    """The manifest of a finished run, with what people added to it, and whose it is in this library."""
    artifacts = [{key: value for key, value in asdict(item).items() if key != "run_id"} for item in stored]
    whole = {
        "format": FORMAT,
        **asdict(run),
        "created": run.created.isoformat(),
        "artifacts": artifacts,
        "labels": labels or {},
        **({"visitor": visitor} if visitor else {}),
    }
    return json.dumps(jsonable(whole), ensure_ascii=False, indent=1).encode()


def load(text: bytes, run_id: str) -> tuple[RunRow, list[ArtifactRow]]:
    """The rows that a manifest speaks of. Raises ValueError, KeyError or TypeError on any that `dump` did not write."""
    whole: dict[str, Any] = json.loads(text)
    if whole["format"] != FORMAT or whole["id"] != run_id or whole["status"] not in FINISHED:
        raise ValueError("not the manifest of this folder")
    created = datetime.fromisoformat(whole["created"]).timestamp()
    names = set(Run.__dataclass_fields__) - {"created"}
    values = {name: whole[name] for name in names}
    artifacts = [ArtifactRow(run_id=run_id, **item) for item in whole["artifacts"]]
    if not all(SAFE_FILE.fullmatch(row.file) for row in artifacts):
        raise ValueError("a file name that the library never gives")
    texts = [values[name] for name in ("task", "title", "engine", "weights", "error")]
    texts += [text for row in artifacts for text in (row.kind, row.name)]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("something else where text belongs")
    return RunRow(**values, owner="", created=created, touched=created), artifacts


def load_labels(text: bytes) -> dict[str, Any]:
    """What people added to the run of a manifest; empty for one of an older Fourfold."""
    labels = json.loads(text).get("labels")
    if not isinstance(labels, dict):
        return {}
    return {name: labels[name] for name, kinds in LABELS.items() if isinstance(labels.get(name, ...), kinds)}


def load_visitor(text: bytes) -> str:
    """Whose the run of a manifest is; only for one that lies in the library's own storage, as anybody can write one."""
    visitor = json.loads(text).get("visitor")
    return visitor if isinstance(visitor, str) else ""
