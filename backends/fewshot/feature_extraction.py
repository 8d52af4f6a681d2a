"""From files to features: pictures are read and prepared in threads while the engine looks at those before them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from backends.core.engine import Event, Metric, Notice, Progress
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.fewshot.data.image_collection import Item
from backends.fewshot.feature_cache import FeatureCache
from backends.shared.images import read

if TYPE_CHECKING:
    from backends.fewshot.base import FeatureEngine

STAGE = "Looking at the pictures"
READERS = min(4, os.cpu_count() or 1)
AHEAD = 2
"""Batches that are read ahead of the one that is looked at."""

FINER = 2
"""How many times the side a JPEG is read at least: halving it again by exact averages loses nothing that is seen."""


TELLING = 8
"""Fewer pictures than this tell nothing of the speed."""

HEARTBEAT = 500
NAMED = 5


@dataclass(frozen=True)
class Looked:
    """`rows[i]` `(D,)` are the features of `items[i]`; what could not be read is not among them.

    `computed` counts those that had to be looked at and were not remembered.
    """

    items: tuple[Item, ...]
    rows: np.ndarray
    computed: int = 0

    def only(self, items: Sequence[Item]) -> Looked:
        wanted = set(items)
        chosen = [index for index, item in enumerate(self.items) if item in wanted]
        return Looked(tuple(self.items[index] for index in chosen), self.rows[chosen], self.computed)


@dataclass(frozen=True)
class _Ready:
    """One picture as a reader leaves it; `trouble` is the sentence of one that cannot be read."""

    item: Item
    pixels: np.ndarray | None = None
    moving: bool = False
    trouble: str = ""


def look(engine: FeatureEngine, items: Sequence[Item], cache: FeatureCache) -> Generator[Event, None, Looked]:
    """The features of all items that can be read, in their order; says which cannot.

    Raises:
        BadInput: none of them can be read. EngineFailed: the engine's numbers broke down.
    """
    yield Progress(STAGE, 0, len(items), "pictures")
    pool = ThreadPoolExecutor(READERS, "pictures")
    try:
        keys, troubles = yield from _identify(pool, items)
        kept = cache.rows(engine.space, keys.values())
        rows = {key: row for key, row in kept.items() if row.shape == (engine.dimensions,)}
        new = list({key: item for item, key in keys.items() if key not in rows}.values())
        done, started = len(items) - len(new), time.monotonic()
        moving = 0
        for batch in _batches(pool, engine, new):
            troubles.update({one.item: one.trouble for one in batch if one.trouble})
            moving += sum(one.moving for one in batch)
            fresh = _features(engine, {keys[one.item]: one.pixels for one in batch if one.pixels is not None})
            cache.put(engine.space, fresh)
            rows.update(fresh)
            done += len(batch)
            yield Progress(STAGE, done, len(items), "pictures")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # what is read here is closed after
    yield Progress(STAGE, len(items), len(items), "pictures")
    computed = len(new) - sum(item in troubles for item in new)
    if computed >= TELLING:
        yield Metric("pictures a second", computed / max(time.monotonic() - started, 1e-9), "")
    seen = tuple(item for item in items if keys.get(item) in rows)
    yield from _notices(items, seen, troubles, moving)
    return Looked(seen, np.stack([rows[keys[item]] for item in seen]), computed)


def _identify(pool: Executor, items: Sequence[Item]) -> Generator[Event, None, tuple[dict[Item, str], dict[Item, str]]]:
    """The sha256 of each item that can be read, and the sentence of each that cannot."""
    keys: dict[Item, str] = {}
    troubles: dict[Item, str] = {}
    for count, (item, key, trouble) in enumerate(pool.map(_key, items), 1):
        if trouble:
            troubles[item] = trouble
        else:
            keys[item] = key
        if count % HEARTBEAT == 0:
            yield Progress(STAGE, 0, len(items), "pictures")
    return keys, troubles


def _key(item: Item) -> tuple[Item, str, str]:
    try:
        return item, item.sha256, ""
    except UserError as error:
        return item, "", error.sentence


def _batches(pool: Executor, engine: FeatureEngine, items: Sequence[Item]) -> Iterator[list[_Ready]]:
    """Prepared pictures, a batch at a time, while those after them are being read."""
    coming: deque[Future[_Ready]] = deque()
    left = iter(items)
    while True:
        for item in islice(left, (1 + AHEAD) * engine.batch - len(coming)):
            coming.append(pool.submit(_ready, engine, item))
        if not coming:
            return
        yield [coming.popleft().result() for _ in range(min(engine.batch, len(coming)))]


def _ready(engine: FeatureEngine, item: Item) -> _Ready:
    try:
        picture = read(item.read(), side=FINER * engine.side)
        return _Ready(item, engine.prepare(picture.rgb), picture.moving)
    except UserError as error:
        return _Ready(item, trouble=error.sentence)


def _features(engine: FeatureEngine, pixels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not pixels:
        return {}
    rows = engine.features(np.stack(list(pixels.values())))
    if not np.isfinite(rows).all():
        raise EngineFailed("The model's numbers broke down on these pictures: try another model.")
    return dict(zip(pixels, rows, strict=True))


def _notices(items: Sequence[Item], seen: Sequence[Item], troubles: dict[Item, str], moving: int) -> Iterator[Notice]:
    """What could not be read, and of what only the first picture was; raises BadInput where nothing was left."""
    if troubles and not seen:
        first = next(item for item in items if item in troubles)
        raise BadInput(troubles[first] if len(items) == 1 else f"None can be read; the first says: {troubles[first]}")
    for item, trouble in list(troubles.items())[:NAMED]:
        yield Notice(f"“{item.name}” was left out: {trouble}")
    if len(troubles) > NAMED:
        yield Notice(f"{len(troubles) - NAMED} more pictures could not be read and were left out.")
    if moving:
        which = "One picture moves" if moving == 1 else f"{moving} pictures move"
        yield Notice(f"{which}: only the first image of each was looked at.")
