"""Examples in the report: what was kept of the worst and of a typical unit, as sound, pictures and turning chains."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from evaluation.report.svg import COLOURS
from evaluation.studies.excerpts import Excerpt
from evaluation.studies.results import Measured, StudyResults

TURNING = Path(__file__).with_name("turning.js")
MEDIA = {".mp3": "audio/mpeg", ".jpg": "image/jpeg"}


class Examples:
    """Hands out examples until `budget` bytes of them are used."""

    def __init__(self, budget: int) -> None:
        self.left = budget
        self.turning = False
        self.dropped = 0

    def of(self, results: StudyResults) -> Iterator[str]:
        """The worst and a typical unit of each model by the first measure; of a yardstick nothing is shown."""
        measured = results.measured[0]
        for system in results.systems:
            if results.about["systems"][system].get("yardstick"):
                continue
            for kind, unit, value in _chosen(results, measured, system):
                yield from self._one(results, system, unit, f"{kind}: {unit}, {measured.metric.format(value)}")

    def _one(self, results: StudyResults, system: str, unit: str, heading: str) -> Iterator[str]:
        files = [(each, each.read()) for each in results.excerpts(unit, system)]
        size = 4 * sum(len(data) for _, data in files) // 3
        if not files:
            return
        if size > self.left:
            self.dropped += 1
            return
        self.left -= size
        cells = "".join(self._cell(each, data) for each, data in files)
        yield f"<h4>{escape(system)}, {escape(heading)}</h4><div class='example'>{cells}</div>"

    def _cell(self, each: Excerpt, data: bytes) -> str:
        caption = f"<figcaption>{escape(each.caption)}</figcaption>"
        suffix = each.path.suffix
        if suffix == ".json":
            self.turning = True
            caption = "<figcaption>grey: the experiment; blue: the model, laid over it. Drag to turn.</figcaption>"
            return f"<figure>{_canvas(json.loads(data))}{caption}</figure>"
        if suffix not in MEDIA:
            return f"<figure>{caption}</figure>"
        address = f"data:{MEDIA[suffix]};base64,{base64.b64encode(data).decode()}"
        label = escape(each.caption, quote=True)
        if suffix == ".mp3":
            return f"<figure><audio controls src='{address}' aria-label='{label}'></audio>{caption}</figure>"
        return f"<figure><img src='{address}' alt='{label}'>{caption}</figure>"

    def script(self) -> str:
        """What turns the chains; empty where there are none."""
        return f"<script>{TURNING.read_text('utf-8')}</script>" if self.turning else ""


def _chosen(results: StudyResults, measured: Measured, system: str) -> Iterator[tuple[str, str, float]]:
    """The worst unit of a system, and the one in the middle of all."""
    ordered = results.worst(measured, system, 10**9)
    if ordered:
        yield "worst", *ordered[0][:2]
    if len(ordered) > 2:
        yield "typical", *ordered[len(ordered) // 2][:2]


def _canvas(traces: dict[str, Sequence[Sequence[float]]]) -> str:
    shown = [
        {"points": traces["truth"], "colour": "#9aa5ae", "width": 3},
        {"points": traces["answer"], "colour": COLOURS[0], "width": 4},
    ]
    text = escape(json.dumps(shown), quote=True)
    label = "Two chains: the experiment and the model, laid over each other"
    size = 'class="structure" width="360" height="360"'
    return f'<canvas {size} role="img" aria-label="{label}" data-traces="{text}"></canvas>'
