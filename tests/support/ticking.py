"""A task for tests whose engine only counts: real events, real files, no model.

`python -m tests.support.ticking` serves it; words after that are passed on to `serve`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core import task as registry
from backends.core.engine import Artifact, Engine, Event, Metric, Notice, Partial, Progress, Result
from backends.core.errors import BadInput
from backends.core.model_card import Limits, ModelCard
from backends.core.options import Options, option
from backends.core.task import Capabilities, EngineSpec, Task

TICKS: list[str] = []
"""The input's text at each chunk of work of every run in this process; a test that counts has a text of its own."""
CLOSED: list[str] = []
"""The input's text of each run that let go of the device."""


class TickingOptions(Options):
    ticks: int = option(3, title="Ticks", meaning="How many.", least=0, most=1_000_000)
    delay: float = option(0.01, title="Delay", meaning="Seconds each.", least=0, unit="seconds", advanced=True)


class TickingCapabilities(Capabilities):
    counts: bool = False
    backwards: bool = False


class Ticking(Engine):
    """Does `ticks` chunks of `delay` seconds; the input's first word may ask for trouble."""

    name = "ticking"
    task = "ticking"

    def load(self, device: str) -> None:
        self.device = device

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        text = inputs["file"].read_text()
        if text.startswith("bad"):
            raise BadInput("This file is bad; choose a good one.")
        if text.startswith("crash"):
            raise RuntimeError("a fault of ours")
        settings = TickingOptions.read(options)
        ticks, delay = settings.ticks, settings.delay
        try:
            for tick in range(ticks):
                time.sleep(delay)
                TICKS.append(text)
                part = out / f"part-{tick}.txt"
                part.write_text(f"{text} {tick}")
                yield Partial(Artifact("part", "count", part, {"index": tick}))
                yield Progress("Counting", tick + 1, ticks, "ticks")
            yield Metric("ticks", ticks)
            yield Metric("unmeasurable", float("nan"))
            yield Notice("Counting is over.")
            whole = out / "whole.txt"
            more = inputs["more"].read_text() if "more" in inputs else ""
            whole.write_text(text * 2 + more)
            yield Result((Artifact("whole", "text", whole),))
        finally:
            CLOSED.append(text)


TASK = Task(
    name="ticking",
    title="Count",
    verb="tick",
    inputs=("file",),
    optional=("more",),
    engines={"ticking": EngineSpec("tests.support.ticking:Ticking", TickingOptions, TickingCapabilities(counts=True))},
    cards=(
        ModelCard(
            id="ticker",
            task="ticking",
            engine="ticking",
            title="Ticker",
            summary="Counts.",
            weak_at="Everything else.",
            licence="MIT",
            tier="builtin",
            outputs=("count",),
            limits={"cpu": Limits(seconds=60)},
        ),
    ),
)

if __name__ == "__main__":
    registry.PACKAGES = ("tests.support.ticking",)
    from backends.__main__ import main

    sys.exit(main(["serve", "--port", "0", "--supervised", *sys.argv[1:]]))
