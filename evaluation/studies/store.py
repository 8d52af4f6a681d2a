"""The folder of a study: what was asked for, and its rows in Parquet, such that a kill at any moment loses nothing.

    study.json        the study, the units, the versions and models, written once
    progress.json     how far it is
    parts/*.parquet   the rows of one unit under one condition each, written whole or not at all
    rows-*.parquet    many parts together
    kept/PART/        excerpts or whole files of inputs and answers, where the study keeps them

A part is written beside and renamed, so it is whole wherever it is. Parts are joined now and then into one file, and
only deleted once that file is there; a part that is in a joined file already counts once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from backends.core.errors import BadInput
from evaluation.studies import excerpts
from evaluation.studies.excerpts import OutputFile

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
JOINED = 200
"""So many parts are joined into one file."""

SCHEMA = pa.schema(
    [
        ("part_key", pa.string()),
        ("unit", pa.string()),
        ("group", pa.string()),
        ("system", pa.string()),
        ("metric", pa.string()),
        ("part", pa.string()),
        ("condition", pa.string()),
        ("severity", pa.int8()),
        ("seed", pa.int32()),
        ("value", pa.float64()),
        ("where", pa.float64()),
        ("seconds", pa.float64()),
        ("note", pa.string()),
        ("claimed", pa.list_(pa.float32())),
        ("happened", pa.list_(pa.float32())),
    ]
)
"""One row a unit, system, metric, part, condition, severity and seed. A value that could not be had is null.
`claimed` are the confidences of single answers, 0 to 1, and `happened` how good those were; on one row an answer."""

TRUST = ("claimed", "happened")
ADDED = ("keep", "published")
"""Fields that a study may lack because it was begun before they were there."""


def part_key(unit: str, condition: str, severity: int) -> str:
    """Names the part of a unit under a condition."""
    return hashlib.sha256(json.dumps([unit, condition, severity]).encode()).hexdigest()[:24]


class StudyFolder:
    """The folder of one study, for one writer and any number of readers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The right to write. Raises BadInput where another process has it."""
        (self.path / "parts").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BadInput(
                f"Another run is writing into {self.path}: wait for it, or choose another folder."
            ) from error
        try:
            yield
        finally:
            lock.release()

    # -- what was asked for ----------------------------------------------------------------------------------------

    def begin(self, about: Mapping[str, Any]) -> None:
        """Note what this folder is for, or check that it is for the same. Raises BadInput where it is not."""
        before = self.about()
        if before is None:
            if any(self.path.glob("rows-*.parquet")):
                raise BadInput(f"{self.path} holds rows of a study that it no longer names: choose another folder.")
            self._write("study.json", json.dumps({"format": FORMAT, **about}, ensure_ascii=False, indent=1))
            return
        for name, what in (("study", "another study"), ("units", "other units of the data set")):
            now = json.loads(json.dumps(about[name]))
            if _completed(before.get(name), now) != now:
                raise BadInput(f"{self.path} holds {what}: choose another folder, or delete this one to start anew.")

    def about(self) -> dict[str, Any] | None:
        """What `begin` noted; None where there is no study. Raises BadInput where it cannot be read."""
        path = self.path / "study.json"
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise BadInput(f"{path} is damaged: delete the folder and run the study again.") from error

    def progress(self) -> dict[str, Any]:
        """What was noted last of the run; empty before it began."""
        try:
            return json.loads((self.path / "progress.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}

    def note_progress(self, values: Mapping[str, Any]) -> None:
        self._write("progress.json", json.dumps(values))

    # -- rows ------------------------------------------------------------------------------------------------------

    def add(self, key: str, rows: Sequence[Mapping[str, Any]], files: Sequence[OutputFile] = ()) -> None:
        """Store the rows of one part, whole or not at all; what is kept of it is there before them."""
        if files:
            excerpts.write(self.files(key), files)
        table = pa.Table.from_pylist([{**row, "part_key": key} for row in rows], SCHEMA)
        self._write_table(table, self.path / "parts" / f"{key}.parquet")

    def files(self, key: str) -> Path:
        """The folder of what was kept of a part."""
        return self.path / "kept" / key

    def keys(self) -> set[str]:
        """The parts that are there."""
        joined = (pq.read_table(path, columns=["part_key"]) for path in self._joined())
        known = {key for table in joined for key in table.column("part_key").unique().to_pylist()}
        return known | {path.stem for path in (self.path / "parts").glob("*.parquet")}

    def join(self, least: int = JOINED) -> None:
        """Put the parts into one file once there are `least` of them."""
        parts = sorted((self.path / "parts").glob("*.parquet"))
        if len(parts) < least or not parts:
            return
        known = {key for path in self._joined() for key in pq.read_table(path).column("part_key").unique().to_pylist()}
        fresh = [path for path in parts if path.stem not in known]
        if fresh:
            number = 1 + max((int(path.stem.split("-")[1]) for path in self._joined()), default=0)
            self._write_table(pa.concat_tables(map(_read, fresh)), self.path / f"rows-{number:05d}.parquet")
        for path in parts:
            path.unlink()

    def table(self) -> pa.Table:
        """Every row once, in an order that does not depend on when it was measured."""
        tables, known = [], set()
        for path in self._joined():
            tables.append(_read(path))
            known |= set(tables[-1].column("part_key").unique().to_pylist())
        for path in sorted((self.path / "parts").glob("*.parquet")):
            if path.stem not in known:
                try:
                    tables.append(_read(path))
                except FileNotFoundError:  # joined by the writer since it was listed
                    return self.table()
        if not tables:
            return SCHEMA.empty_table()
        order = [(name, "ascending") for name in ("condition", "severity", "unit", "system", "metric", "part", "seed")]
        return pa.concat_tables(tables).sort_by(order)

    def rows(self) -> pd.DataFrame:
        return self.table().drop_columns(["part_key", *TRUST]).to_pandas()

    def trust(self) -> pd.DataFrame:
        """The rows that say how sure a model was of its answers, and how good these were."""
        table = self.table()
        return table.filter(pc.is_valid(table["claimed"])).to_pandas()

    def _joined(self) -> list[Path]:
        return sorted(self.path.glob("rows-*.parquet"))

    def _write_table(self, table: pa.Table, path: Path) -> None:
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.replace(path)

    def _write(self, name: str, text: str) -> None:
        unfinished = self.path / f"{name}.{os.getpid()}.tmp"
        self.path.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, "utf-8")
        unfinished.replace(self.path / name)


def _completed(before: Any, now: Any) -> Any:
    """`before` with the fields that it could not have yet."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return before
    return {**{name: now[name] for name in ADDED if name in now}, **before}


def _read(path: Path) -> pa.Table:
    return pq.read_table(path, schema=SCHEMA)


def find_studies(roots: Iterable[Path]) -> list[StudyFolder]:
    """The folders directly below `roots` that hold a study, newest first."""
    found = [path.parent for root in roots if root.is_dir() for path in root.glob("*/study.json")]
    return [StudyFolder(path) for path in sorted(found, key=lambda path: -(path / "study.json").stat().st_mtime)]
