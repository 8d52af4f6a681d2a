"""How the engines answer the units of a data set: each runs as it does for a user, and is loaded once a process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backends.core.engine import Engine
from backends.core.task import task_named
from backends.serving.host import Host


def load_engine(task: str, card: str, files: Sequence[Path] = (), device: str = "cpu") -> Engine:
    """The engine of a card, loaded.

    Args:
        task: separation, matting, folding or fewshot.
        card: its id.
        files: its weights; where none are given, those that are stored on this machine.
        device: `cpu` or `cuda`; empty for the best that is there.

    Raises:
        WeightsMissing: no weights are given and none are stored.
    """
    host, found = Host(device=device or None), task_named(task)
    chosen = next(one for one in found.cards if one.id == card)
    engine = found.engine_class(chosen.engine)(chosen, tuple(files) or host.paths(chosen))
    engine.load(host.device)
    return engine
