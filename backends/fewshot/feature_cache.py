"""Features that were computed once, kept by the content they came from.

A classifier is taught anew with every picture that is added; only the added one should have to be looked at.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from backends.weights.locations import default_root

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MAX_BYTES = 512 * 1024**2
"""Of all features together; then those go that nobody asked for the longest."""

KEEP_FRACTION = 0.9
"""Share that stays when some have to go, so that not every later feature makes another one go."""

KEYS_PER_QUERY = 500
"""Keys in one question to the database."""

_TABLE = """
create table if not exists features (
    space text not null, key text not null, row blob not null, sum integer not null, used real not null,
    primary key (space, key)
) without rowid
"""


class FeatureCache:
    """Rows `(D,)` float32 by space and key, in one SQLite file.

    A space names everything but the content that decides a feature: model, weights, preparation. The cache is never
    worth a failed job: a file that cannot be read or written is logged, made anew where it is damaged, and done
    without. Safe to use from several threads and processes.
    """

    def __init__(self, path: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.path = path or default_root().parent / "features" / "features.sqlite"
        self.max_bytes = max_bytes
        self._lock = threading.Lock()

    def rows(self, space: str, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """What is known of `keys`; a row that was damaged on the disk is not."""
        wanted = list(dict.fromkeys(keys))

        def ask(database: sqlite3.Connection) -> dict[str, np.ndarray]:
            found: dict[str, np.ndarray] = {}
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                some = wanted[start : start + KEYS_PER_QUERY]
                where = f"where space = ? and key in ({','.join('?' * len(some))})"
                for key, blob, total in database.execute(f"select key, row, sum from features {where}", (space, *some)):
                    if zlib.crc32(blob) == total and len(blob) % 4 == 0:
                        found[key] = np.frombuffer(blob, "<f4").astype(np.float32)
                database.execute(f"update features set used = ? {where}", (time.time(), space, *some))
            return found

        return self._do(ask, {}) if wanted else {}

    def put(self, space: str, rows: Mapping[str, np.ndarray]) -> None:
        """Keep rows, in one step: a reader finds each whole or not at all."""
        now = time.time()
        blobs = {key: np.ascontiguousarray(row, "<f4").tobytes() for key, row in rows.items()}

        def keep(database: sqlite3.Connection) -> None:
            values = [(space, key, blob, zlib.crc32(blob), now) for key, blob in blobs.items()]
            database.executemany("insert or replace into features values (?, ?, ?, ?, ?)", values)
            self._evict(database)

        self._do(keep, None)

    def _evict(self, database: sqlite3.Connection) -> None:
        (pages,), (free,), (size,) = (
            database.execute(f"pragma {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        used_bytes = (pages - free) * size
        if used_bytes <= self.max_bytes:
            return
        excess = used_bytes - KEEP_FRACTION * self.max_bytes
        oldest = database.execute("select space, key, length(row) from features order by used").fetchall()
        for space, key, length in oldest:
            if excess <= 0:
                return
            database.execute("delete from features where space = ? and key = ?", (space, key))
            excess -= length

    def _do(self, work: Callable[[sqlite3.Connection], Answer], fallback: Answer) -> Answer:
        """What `work` gives, or `fallback` where there can be no database; a damaged one is thrown away."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
                    database.execute("pragma journal_mode = wal")
                    database.execute(_TABLE)
                    return work(database)
            except sqlite3.OperationalError as error:  # busy, read-only or full
                log.warning("the features kept in %s cannot be used now (%s)", self.path, error)
            except sqlite3.DatabaseError as error:
                log.warning("the features kept in %s are damaged and begun anew (%s)", self.path, error)
                self._delete_file()
            except OSError as error:
                log.warning("features cannot be kept in %s (%s)", self.path, error)
            return fallback

    def _delete_file(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
