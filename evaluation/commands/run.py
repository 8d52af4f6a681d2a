"""Run a study; the same command again goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing
from evaluation.studies.results import StudyResults
from evaluation.studies.runner import Progress
from evaluation.studies.store import StudyFolder
from evaluation.studies.study import Study, parse_study, read_study

SHIPPED = Path(__file__).parents[2] / "studies"
SCORES_SECONDS = 15.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", help="a .yaml file, a study that ships with Fourfold, or a report to be made again")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of its rows")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; 1 if not given")
    parser.add_argument("--ray", default="", metavar="ADDRESS", help="a Ray cluster that computes in their place")
    parser.add_argument("--folder", type=Path, help="where the data set lies, in place of what the study says")


def run(chosen: argparse.Namespace) -> int:
    from evaluation.studies import runner

    if not 1 <= chosen.workers <= 256:
        raise BadInput("Give a number of workers from 1 to 256.")
    studies = read_studies(find(chosen.study))
    if chosen.folder is not None:
        studies = [_at(study, chosen.folder.resolve()) for study in studies]
    for number, study in enumerate(studies, 1):
        out, screen = chosen.out if len(studies) == 1 else chosen.out / str(number), Screen()
        try:
            store = runner.run(study, out, chosen.workers, screen.show, chosen.ray)
        except DatasetMissing as error:
            raise BadInput(str(error)) from error
        screen.end()
        sys.stdout.write(StudyResults.read(store).text() + f"\nRows: {out}\n")
    return 0


def _at(study: Study, folder: Path) -> Study:
    """The study with its data set in `folder`."""
    return study.model_copy(update={"dataset": study.dataset.model_copy(update={"folder": folder})})


def read_studies(path: Path) -> list[Study]:
    """The study of a YAML file, or those that are written inside a report. Raises BadInput."""
    if path.suffix.lower() != ".html":
        return [read_study(path)]
    try:
        text = path.read_text("utf-8").split('id="report.json">')[1].split("</script>")[0]
        return [parse_study(each["about"]["study"]) for each in json.loads(text)["studies"]]
    except (OSError, UnicodeDecodeError, IndexError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name} is no report of Fourfold, or it is damaged.") from error


def find(name: str) -> Path:
    """A path as it is, or a shipped study by its name. Raises BadInput."""
    path, shipped = Path(name), SHIPPED / f"{name}.yaml"
    if path.exists() or not shipped.exists():
        if not path.exists() and not path.suffix:
            names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.yaml")))
            raise BadInput(f"There is no study called {name}; these ship with Fourfold: {names}.")
        return path
    return shipped


@dataclass
class Screen:
    """Writes how far a run is: over one line on a terminal, else a line each tenth, with the scores now and then."""

    tenth: int = -1
    scores_at: float = field(default_factory=time.monotonic)

    def show(self, progress: Progress, store: StudyFolder) -> None:
        terminal = sys.stderr.isatty()
        tenth = 10 * progress.done // progress.total
        if terminal:
            sys.stderr.write(f"\r\033[K{line(progress)}")
        elif tenth > self.tenth:
            sys.stderr.write(line(progress) + "\n")
        if tenth > self.tenth or time.monotonic() - self.scores_at > SCORES_SECONDS:
            self.scores_at = time.monotonic()
            scores = StudyResults.read(store).lines()
            sys.stderr.write(
                "".join(f"{chr(10) if terminal and not i else ''}  {text}\n" for i, text in enumerate(scores))
            )
        self.tenth = max(self.tenth, tenth)

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def line(progress: Progress) -> str:
    """“40 %, 8 of 20 parts, 2.1 a second, 6 s left”."""
    text = f"{100 * progress.done // progress.total} %, {progress.done} of {progress.total} parts"
    if progress.rate and progress.left is not None:
        text += f", {progress.rate:.2g} a second, {progress.left:.0f} s left"
    return text
