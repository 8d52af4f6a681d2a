"""How good the starters are, beside the engines without weights.

    python -m benchmarks.starters --data FOLDER [TASK ...]

Every figure on a starter's card comes from here. FOLDER holds the data that the tasks are measured on, see
`training/README.md`; nothing of it was trained on. A task is one module with `measure(data)`, which yields rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from evaluation.statistics.intervals import Interval

MEASURES = {
    "songs": "benchmarks.separation_starter",
    "videos": "benchmarks.matting_starter",
    "pictures": "benchmarks.fewshot_starter",
    "flamingo": "benchmarks.flamingo_starter",
    "proteins": "benchmarks.folding_starter",
}
"""The module that measures a task's starter."""

Row = Mapping[str, Any]


def interval_columns(interval: Interval) -> dict[str, Any]:
    """An interval as the columns of a row."""
    return {
        "mean": round(interval.estimate, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "units": interval.count,
        "interval": interval.method,
    }


def rows_of(task: str, data: Path) -> Iterator[Row]:
    """The rows of one task."""
    for row in import_module(MEASURES[task]).measure(data):
        yield {"task": task} | dict(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(MEASURES)}; all if none is named")
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    if strange := set(given.tasks) - set(MEASURES):
        parser.error(f"no task is called {strange.pop()!r}")
    for task in given.tasks or MEASURES:
        for row in rows_of(task, given.data):
            print(json.dumps(row), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
