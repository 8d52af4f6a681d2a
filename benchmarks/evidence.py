"""Speed of the evaluation: BSS Eval of a song, rows a second, a page's worth of comparisons, the report.

    python -m benchmarks.evidence [--seconds 60] [--rows 100000] [--browser]

`museval` is timed by its own loop over a whole song (`bss_eval` of the package), ours by `evaluation.metrics`, on the
same stems; the largest difference of any value is printed beside. With `--browser`, also from the address of a study of
so many rows to its first sentence in headless Chromium: the goal is 2 s.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from evaluation.datasets.base import Sample, Unit
from evaluation.report.html import render
from evaluation.studies import runner
from evaluation.studies.results import StudyResults
from evaluation.studies.rig import Score
from evaluation.studies.store import SCHEMA, StudyFolder
from evaluation.studies.study import Study, parse_study

RATE = 22050
REPEATS = 5


def timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def bss(seconds: float) -> None:
    """museval's own loop against ours, on noise with a little of everything in everything."""
    from evaluation.metrics.separation import bss_eval

    rng = np.random.default_rng(0)
    length = round(seconds * RATE)
    true = {name: rng.normal(0, 0.1, (length, 2)) for name in ("drums", "bass", "other", "vocals")}
    estimates = {name: wave + 0.1 * sum(true.values()) for name, wave in true.items()}
    ours, found = timed(lambda: bss_eval.bss_eval(true, estimates, RATE))
    from tests.support.museval import museval

    stacks = [np.stack([signals[name] for name in sorted(true)]) for signals in (true, estimates)]
    theirs, values = timed(lambda: museval().bss_eval(*stacks, window=RATE, hop=RATE))
    ordered = np.array([[row.sdr for row in found.rows if row.stem == name] for name in sorted(true)])  # type: ignore[attr-defined]
    apart = np.nanmax(np.abs(ordered - values[0][:, : ordered.shape[1]]))  # type: ignore[index]
    say(f"BSS Eval, four stereo stems of {seconds:g} s at {RATE} Hz: ours {ours:.1f} s, museval {theirs:.1f} s "
        f"({theirs / ours:.2f} times), largest difference {apart:.1e} dB")  # fmt: skip


def example() -> Study:
    values = {"title": "A study", "task": "separation", "dataset": "drawn-songs", "metrics": ["si_sdr", "song_sdr"]}
    cards = [{"card": "dsp", "name": f"model {number}"} for number in range(4)]
    return parse_study({**values, "cards": cards, "conditions": [{"noise": [1, 3, 5]}]})


def rows_a_second(folder: Path) -> None:
    """The runner around systems that cost nothing: reading, planning, writing Parquet."""
    units = [
        Unit(f"song {n}", f"song {n}", lambda: Sample({"mixture": np.zeros((2, 8)), "samplerate": 8}))
        for n in range(100)
    ]
    runner.units_of = lambda study: units  # type: ignore[assignment]
    runner.rig = lambda task: SimpleNamespace(  # type: ignore[assignment]
        system=lambda card, options: lambda sample, seed: 1.0,
        scores=lambda output, sample, metrics: [Score(metric, output, "vocals") for metric in metrics],
        trust=lambda output, sample: None,
    )
    seconds, store = timed(lambda: runner.run(example(), folder))
    count = store.table().num_rows  # type: ignore[attr-defined]
    say(f"Rows: {count} in {seconds:.1f} s, {count / seconds:.0f} a second beside the models")


def write_rows(folder: Path, count: int) -> StudyFolder:
    """A finished study of about so many rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    study, rng = example(), np.random.default_rng(1)
    levels = list(study.levels())
    units = count // (len(levels) * 4 * 2)
    rows = {name: [] for name in SCHEMA.names}  # type: dict[str, list]
    for unit in range(units):
        for condition, severity in levels:
            for card in study.cards:
                for metric in study.metrics:
                    for name, value in zip(SCHEMA.names, (
                        f"{unit}-{condition}-{severity}", f"song {unit}", f"song {unit}", card.label, metric, "vocals",
                        condition, severity, 0, float(rng.normal(5, 2)), 1.0, 0.1, "", None, None,
                    ), strict=True):  # fmt: skip
                        rows[name].append(value)
    folder.mkdir(parents=True)
    pq.write_table(pa.table(rows, SCHEMA), folder / "rows-00001.parquet")
    store = StudyFolder(folder)
    about = {"study": study.to_json(), "units": [[f"song {n}", f"song {n}"] for n in range(units)], "versions": {}}
    about |= {"dataset": {"id": "x", "title": "Songs", "split": "all", "licence": ""}, "notes": {}}
    about |= {"systems": {card.label: {"title": "", "card": "dsp"} for card in study.cards}}
    store._write("study.json", json.dumps(about))
    store.note_progress({"state": "done", "done": units, "total": units, "updated": time.time()})
    return store


def many_rows(store: StudyFolder) -> None:
    """What the page does first with so many rows: read them, compare all systems, word the result."""
    import statsmodels.stats.multitest  # noqa: F401 (loaded once a process, for whatever study comes first)

    reading, results = timed(lambda: StudyResults.read(store))
    comparing, _ = timed(lambda: results.findings(results.measured[0]))  # type: ignore[attr-defined]
    say(f"{len(results.rows)} rows: read in {reading:.2f} s, first table in {comparing:.2f} s")  # type: ignore[attr-defined]
    writing, page = timed(lambda: render([results]))  # type: ignore[list-item]
    say(f"Report of them: {len(page.encode()) / 1e6:.2f} MB in {writing:.1f} s")  # type: ignore[attr-defined]


def browser(home: Path, name: str) -> None:
    """Times from the address of a study to its first sentence, each in a page of its own; the median counts."""
    from playwright.sync_api import sync_playwright

    from benchmarks.studio_speed import chromium, open_page, studio

    took = []
    with sync_playwright() as playwright, studio(str(home)) as address:
        shown = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for _ in range(REPEATS):
            one = shown.new_page()
            open_page(one, address)
            began = time.monotonic()
            one.goto(f"{address}/evidence?study={name}")
            one.get_by_text(re.compile("^By ")).first.wait_for(timeout=60_000)
            took.append(time.monotonic() - began)
            one.close()
        shown.close()
    say(f"Page of them in the browser: first {took[0]:.2f} s, median {statistics.median(took):.2f} s (goal 2)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180.0, help="of the song")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--browser", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        many_rows(write_rows(Path(name) / "studies" / "many", chosen.rows))
        if chosen.browser:
            browser(Path(name), "many")
        rows_a_second(Path(name) / "run")
    bss(chosen.seconds)


if __name__ == "__main__":
    main()
