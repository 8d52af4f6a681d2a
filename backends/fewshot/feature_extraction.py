"""From files to features: images are decoded and prepared in threads while the model encodes those before them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from backends.core.engine import Event, Metric, Notice, Progress
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.data.remarks import remark
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.features import FeatureExtractor
from backends.shared.images import read

STAGE = "Looking at the pictures"
DECODING_THREADS = min(4, os.cpu_count() or 1)
PREFETCH_BATCHES = 2
"""Batches that are decoded ahead of the one that is being encoded."""

DECODE_OVERSAMPLING = 2
"""A JPEG is decoded at least this many times as large as the model's input: averaging it down by exactly two loses
nothing that the model would see."""

MIN_TIMED_IMAGES = 8
"""Fewer images than this say nothing about the speed."""

PROGRESS_INTERVAL = 500
MAX_NAMED_FILES = 5


@dataclass(frozen=True)
class FeatureTable:
    """Features of image files.

    Attributes:
        items: the files that could be read.
        features: `(N, D)`, one row per file.
        computed: how many files were encoded and not taken from the cache.
    """

    items: tuple[ImageFile, ...]
    features: np.ndarray
    computed: int = 0

    def select(self, items: Sequence[ImageFile]) -> FeatureTable:
        """The rows of those of `items` that could be read, in the order of this table."""
        wanted = set(items)
        chosen = [index for index, item in enumerate(self.items) if item in wanted]
        return FeatureTable(tuple(self.items[index] for index in chosen), self.features[chosen], self.computed)


@dataclass(frozen=True)
class _DecodedImage:
    """One file after decoding; `error` is the sentence for one that cannot be read, `remark` of one that is odd."""

    item: ImageFile
    pixels: np.ndarray | None = None
    moving: bool = False
    error: str = ""
    remark: str = ""


def extract_features(
    extractor: FeatureExtractor, items: Sequence[ImageFile], cache: FeatureCache
) -> Generator[Event, None, FeatureTable]:
    """The features of all files that can be read, in their order; yields progress, and a notice about the others.

    Raises:
        BadInput: none of them can be read.
        EngineFailed: the model gave numbers that are not finite.
    """
    yield Progress(STAGE, 0, len(items), "pictures")
    pool = ThreadPoolExecutor(DECODING_THREADS, "pictures")
    try:
        keys, errors = yield from _hash_all(pool, items)
        cached = cache.rows(extractor.space, keys.values())
        features = {key: vector for key, vector in cached.items() if vector.shape == (extractor.dimensions,)}
        new = list({key: item for item, key in keys.items() if key not in features}.values())
        done, started = len(items) - len(new), time.monotonic()
        moving, remarks = 0, []
        for batch in _batches(pool, extractor, new):
            errors.update({one.item: one.error for one in batch if one.error})
            moving += sum(one.moving for one in batch)
            remarks += [f"“{one.item.name}” {one.remark}" for one in batch if one.remark]
            fresh = _encode(extractor, {keys[one.item]: one.pixels for one in batch if one.pixels is not None})
            cache.put(extractor.space, fresh)
            features.update(fresh)
            done += len(batch)
            yield Progress(STAGE, done, len(items), "pictures")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # the files that its threads read are closed after this
    yield Progress(STAGE, len(items), len(items), "pictures")
    computed = len(new) - sum(item in errors for item in new)
    if computed >= MIN_TIMED_IMAGES:
        yield Metric("pictures a second", computed / max(time.monotonic() - started, 1e-9), "")
    readable = tuple(item for item in items if keys.get(item) in features)
    yield from _notices(items, readable, errors, moving)
    yield from (Notice(text) for text in remarks[:MAX_NAMED_FILES])
    if len(remarks) > MAX_NAMED_FILES:
        yield Notice(f"{len(remarks) - MAX_NAMED_FILES} more pictures are tiny, even or very long.")
    return FeatureTable(readable, np.stack([features[keys[item]] for item in readable]), computed)


def _hash_all(
    pool: Executor, items: Sequence[ImageFile]
) -> Generator[Event, None, tuple[dict[ImageFile, str], dict[ImageFile, str]]]:
    """The sha256 of each file that can be read, and the sentence for each that cannot."""
    keys: dict[ImageFile, str] = {}
    errors: dict[ImageFile, str] = {}
    for count, (item, key, error) in enumerate(pool.map(_hash, items), 1):
        if error:
            errors[item] = error
        else:
            keys[item] = key
        if count % PROGRESS_INTERVAL == 0:
            yield Progress(STAGE, 0, len(items), "pictures")
    return keys, errors


def _hash(item: ImageFile) -> tuple[ImageFile, str, str]:
    try:
        return item, item.sha256, ""
    except UserError as error:
        return item, "", error.sentence


def _batches(pool: Executor, extractor: FeatureExtractor, items: Sequence[ImageFile]) -> Iterator[list[_DecodedImage]]:
    """Prepared images, a batch at a time, while those after them are being decoded."""
    pending: deque[Future[_DecodedImage]] = deque()
    remaining = iter(items)
    while True:
        for item in islice(remaining, (1 + PREFETCH_BATCHES) * extractor.batch - len(pending)):
            pending.append(pool.submit(_decode, extractor, item))
        if not pending:
            return
        yield [pending.popleft().result() for _ in range(min(extractor.batch, len(pending)))]


def _decode(extractor: FeatureExtractor, item: ImageFile) -> _DecodedImage:
    try:
        picture = read(item.read(), side=DECODE_OVERSAMPLING * extractor.side)
        odd = remark(picture) or extractor.crop_remark(picture.width, picture.height)
        return _DecodedImage(item, extractor.prepare(picture.rgb), picture.moving, remark=odd)
    except UserError as error:
        return _DecodedImage(item, error=error.sentence)


def _encode(extractor: FeatureExtractor, pixels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not pixels:
        return {}
    features = extractor.encode_images(np.stack(list(pixels.values())))
    if not np.isfinite(features).all():
        raise EngineFailed("The model's numbers broke down on these pictures: try another model.")
    return dict(zip(pixels, features, strict=True))


def _notices(
    items: Sequence[ImageFile], readable: Sequence[ImageFile], errors: dict[ImageFile, str], moving: int
) -> Iterator[Notice]:
    """Which files could not be read, and how many are animations. Raises BadInput where no file could be read."""
    if errors and not readable:
        first = next(item for item in items if item in errors)
        raise BadInput(errors[first] if len(items) == 1 else f"None can be read; the first says: {errors[first]}")
    for item, error in list(errors.items())[:MAX_NAMED_FILES]:
        yield Notice(f"“{item.name}” was left out: {error}")
    if len(errors) > MAX_NAMED_FILES:
        yield Notice(f"{len(errors) - MAX_NAMED_FILES} more pictures could not be read and were left out.")
    if moving:
        which = "One picture moves" if moving == 1 else f"{moving} pictures move"
        yield Notice(f"{which}: only the first image of each was looked at.")
