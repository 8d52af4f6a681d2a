"""What the library knows of a run: the frozen records that callers see, and the tables behind them."""

from __future__ import annotations

import math
import os
import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import psutil
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from backends.core.errors import UserError

SCHEMA = 3
"""The version of all tables. A change adds one to it, and to `migrations.MIGRATIONS` the steps that lead there."""

RUN_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
Status = Literal["running", "done", "failed", "cancelled", "interrupted"]
FOREIGN_SILENCE = 6 * 3600.0
START_FIELD = 19
"""The place of a process's start among the fields of /proc/PID/stat that follow its name."""

EPOCH_SECONDS = 1e9
"""More seconds than any machine has been up."""

FINISHED: tuple[Status, ...] = ("done", "failed", "cancelled", "interrupted")


class LibraryError(UserError):
    """The library of runs cannot do what was asked; the sentence says what to do about it."""

    code = "library"


class UnknownRun(LibraryError):
    """No run has this id: it was deleted, or the address is mistyped."""

    code = "unknown_run"

    def __init__(self) -> None:
        super().__init__("There is no such run in the library: it was deleted, or the address is not complete.")


class FileGone(LibraryError):
    """The library knows the file, the storage has lost it."""

    code = "file_gone"

    def __init__(self) -> None:
        super().__init__("A file of this run is no longer in the storage folder: run it again, or delete the run.")


@dataclass(frozen=True)
class StoredArtifact:
    """One file of a run. `file` is its name in the run's folder; the bytes under one `file` never change."""

    run_id: str
    kind: str
    name: str
    index: int
    file: str
    bytes: int
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run, as it was when read. `seconds` is how long it took; `error` one sentence where it failed."""

    id: str
    task: str
    title: str
    engine: str
    weights: str
    status: Status
    created: datetime
    seconds: float | None
    error: str
    card: Mapping[str, Any]
    options: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]
    metrics: Mapping[str, Any]
    notices: Sequence[str]
    facts: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 (SQLAlchemy reads it as it stands)


def visitor_column() -> MappedColumn[str]:
    """Whose row it is (`studio.visitors`); "" for the one user of a studio without a log-in."""
    return mapped_column(server_default="", index=True)


class SchemaRow(Base):
    __tablename__ = "schema"

    version: Mapped[int] = mapped_column(primary_key=True)


class RunRow(Base):
    """`status` may also be "deleting": a delete that was cut short, finished by the next `maintenance.repair`."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    engine: Mapped[str]
    weights: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created: Mapped[float] = mapped_column(index=True)
    touched: Mapped[float]
    seconds: Mapped[float | None]
    error: Mapped[str] = mapped_column(default="")
    card: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    inputs: Mapped[list[Any]]
    versions: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notices: Mapped[list[Any]] = mapped_column(default=list)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    visitor: Mapped[str] = visitor_column()

    def record(self) -> Run:
        values = {name: getattr(self, name) for name in Run.__dataclass_fields__}
        return Run(**{**values, "created": datetime.fromtimestamp(self.created, UTC)})


class ArtifactRow(Base):
    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("run_id", "kind", "name", "index"),
        UniqueConstraint("run_id", "file"),
        Index("artifacts_order", "run_id", "kind", "name", "index"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str]
    index: Mapped[int]
    file: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    meta: Mapped[dict[str, Any]]

    def record(self) -> StoredArtifact:
        return StoredArtifact(self.run_id, self.kind, self.name, self.index, self.file, self.bytes, self.meta)


def check_run_id(run_id: str) -> str:
    """`run_id` itself once it is known to be safe in a path. Raises UnknownRun."""
    if not RUN_ID.fullmatch(run_id):
        raise UnknownRun
    return run_id


def new_run_id() -> str:
    return secrets.token_hex(16)  # Streamlit refuses components whose key has two underscores in a row


def safe_file(wanted: str, suffix: str) -> str:
    """A file name that no user chose: harmless letters of `wanted`, a token that makes it unique, a plain suffix."""
    stem = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:40]
    ending = suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".bin"
    return f"{stem or 'file'}-{secrets.token_hex(6)}{ending}"


def jsonable(value: Any) -> Any:
    """`value` as strict JSON: mappings, lists, text, finite numbers and null; NumPy numbers become plain ones."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return jsonable(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"the library cannot keep a {type(value).__name__}")


@cache
def own_owner(pid: int) -> str:
    """Names this process so that another one can tell later whether it is still alive."""
    return f"{socket.gethostname()}/{pid}/{_started(pid):.2f}"


def _started(pid: int) -> float:
    """When a process started, in seconds since the machine did: a number that no setting of the clock changes.

    Raises psutil.NoSuchProcess.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
        return int(after_name.split()[START_FIELD]) / os.sysconf("SC_CLK_TCK")  # proc(5): starttime, in clock ticks
    except (OSError, ValueError):  # not on Linux, or there is no such process
        return psutil.Process(pid).create_time() - psutil.boot_time()


def alive(owner: str, silent: float) -> bool:
    """Whether the process that began a run, last heard of `silent` seconds ago, still lives.

    Nobody here can look into another machine, so a run of one counts as dead only after a long silence.
    """
    host, pid, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return silent < FOREIGN_SILENCE
    if int(pid) == os.getpid():
        return owner == own_owner(os.getpid())  # a restarted container gives the same number again
    try:
        if float(started) > EPOCH_SECONDS:  # written by a version that took the time of day
            return abs(psutil.Process(int(pid)).create_time() - float(started)) < 60
        return abs(_started(int(pid)) - float(started)) < 0.5
    except psutil.NoSuchProcess:
        return False


def owner() -> str:
    return own_owner(os.getpid())


def now() -> float:
    return time.time()
