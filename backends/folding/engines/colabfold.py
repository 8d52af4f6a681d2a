"""The `colabfold` engine: AlphaFold2 through an installed `colabfold_batch` (Mirdita et al. 2022).

It writes the program's input, follows its log, and reads the files it leaves. Nothing is sent anywhere: without an
alignment of the user's own the program is told to work from the single sequence.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from backends.core.engine import Progress
from backends.core.errors import EngineFailed, WeightsMissing
from backends.folding.alignment.alignment import GAP, Alignment
from backends.folding.alignment.sequence import Query
from backends.folding.base import FoldingEngine, PredictionEvents
from backends.folding.capabilities import COLABFOLD, FoldingCapabilities
from backends.folding.cards import COLABFOLD_HOW
from backends.folding.options import ColabFoldOptions
from backends.folding.structure.confidence import Confidence, read_confidence
from backends.folding.structure.reader import parse_structure
from backends.folding.structure.structure import Structure
from backends.folding.types import Model, Step
from backends.shared.interruptible import HEARTBEAT_SECONDS

COMMAND = "colabfold_batch"
JOB = "query"
STAGE = "Folding"
STARTING = "Starting ColabFold"
GRACE = 5.0
MAX_LOG_LINES = 200

RECYCLE = re.compile(r"(\S+_model_\d\S*) recycle=(\d+) (.*)")
TOOK = re.compile(r"(\S+_model_\d\S*) took ")
RANKED = re.compile(r"_unrelaxed_rank_(\d+)_([^.]+)\.pdb$")
MEMORY = ("resource_exhausted", "out of memory", "not enough gpu memory", "bad_alloc")


@dataclass
class ColabFoldLog:
    """What the program's log has told: passes done, and the last lines, for the case that it fails."""

    passes: int
    steps: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        self.lines = [*self.lines[-MAX_LOG_LINES:], line.strip()]
        if found := RECYCLE.search(line):
            numbers = dict(re.findall(r"(\w+)=([\d.]+)", found[3]))
            values = {name.lower(): float(value) for name, value in numbers.items()}
            self.steps.setdefault(found[1], []).append(values)
        elif found := TOOK.search(line):
            self.finished.add(found[1])

    @property
    def passes_so_far(self) -> int:
        """Passes of all models so far; one that stopped early counts as whole."""
        return sum(
            self.passes if name in self.finished else min(len(steps), self.passes) for name, steps in self.steps.items()
        )


class ColabFoldEngine(FoldingEngine):
    """AlphaFold2 on one or several chains.

    Of several `models` the best comes first.
    """

    name: ClassVar[str] = "colabfold"
    capabilities: ClassVar[FoldingCapabilities] = COLABFOLD

    def load(self, device: str) -> None:
        super().load(device)
        found = shutil.which(COMMAND)
        if found is None:
            raise WeightsMissing(COLABFOLD_HOW)
        self.command = found

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = ColabFoldOptions.read(options)
        recycles, models, seed = settings.recycles, settings.models, settings.seed
        with tempfile.TemporaryDirectory(prefix="fourfold-colabfold-") as folder:
            work = Path(folder)
            arguments = ["--num-recycle", str(recycles), "--num-models", str(models), "--random-seed", str(seed)]
            source, mode = write_input(query, work)
            arguments += [*mode, "--save-recycles", str(source), str(work / "out")]
            log = ColabFoldLog(recycles + 1)
            yield Progress(STARTING, 0, 1)
            for _ in self._follow([self.command, *arguments], work, log):
                yield Progress(STAGE, min(log.passes_so_far, models * log.passes), models * log.passes, "passes")
            yield from read_output(work / "out", log, query)

    def _follow(self, command: list[str], work: Path, log: ColabFoldLog) -> Iterator[None]:
        """Run the program, reading its log; yields now and then. Closing kills it and all it started."""
        lines: queue.Queue[str | None] = queue.Queue()
        with subprocess.Popen(
            command,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:
            reader = threading.Thread(target=_read_into, args=(process, lines), daemon=True)
            reader.start()
            try:
                while True:
                    try:
                        line = lines.get(timeout=HEARTBEAT_SECONDS)
                    except queue.Empty:
                        yield
                        continue
                    if line is None:
                        break
                    log.read(line)
                    yield
                code = process.wait()
            finally:
                _end(process)
        if code != 0:
            raise EngineFailed(failure(log, code))


def _read_into(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the program's whole session: it starts others of its own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, sign)
            process.wait(GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def failure(log: ColabFoldLog, code: int) -> str:
    """One sentence on why the program gave nothing, as far as its log tells."""
    text = "\n".join(log.lines).lower()
    if any(words in text for words in MEMORY):
        return (
            "ColabFold ran out of memory on this protein: use a larger graphics card, or fold its domains one by one."
        )
    error_line = next(
        (line for line in reversed(log.lines) if "error" in line.lower() or "could not" in line.lower()), ""
    )
    quote = f" Its log says: “{error_line[-160:]}”." if error_line else ""
    return f"ColabFold stopped without a result (exit code {code}).{quote}"


def write_input(query: Query, work: Path) -> tuple[Path, list[str]]:
    """The program's input file and the options that go with it; names of the user's never become file names."""
    if query.alignment is not None:
        path = work / f"{JOB}.a3m"
        path.write_text(a3m(query.alignment))
        return path, []
    path = work / f"{JOB}.fasta"
    path.write_text(f">{JOB}\n{':'.join(chain.sequence for chain in query.chains)}\n")
    return path, ["--msa-mode", "single_sequence"]


def a3m(alignment: Alignment) -> str:
    """The alignment with its insertions as “x”: the program counts them and does not look at the letters.

    Of a complex, the first line tells the lengths and copies of its proteins, and a row that pairs them has a name for
    each, as the program writes it.
    """
    chosen = [index for index, row in enumerate(alignment.rows) if index == 0 or (row != GAP).any()]
    if not alignment.lengths:
        return "".join(f">{index or JOB}\n{alignment.a3m_row(index)}\n" for index in chosen)
    header = f"#{','.join(map(str, alignment.lengths))}\t{','.join(map(str, alignment.copies))}\n"
    spans = alignment.columns_of_proteins()
    lines = []
    for index in chosen:
        covered = [span for span in spans if (alignment.rows[index, span] != GAP).any()]
        count = len(spans) if len(covered) == len(spans) else 1
        lines.append("\t".join(str(101 + 1000 * index + place) for place in range(count)))
    return header + "".join(f">{name}\n{alignment.a3m_row(index)}\n" for index, name in zip(chosen, lines, strict=True))


def read_output(folder: Path, log: ColabFoldLog, query: Query) -> Iterator[Step | Model]:
    """The recycles of the best model as Steps, then all ranked models as one Model with others.

    Raises EngineFailed where the program left nothing.
    """
    found = {int(match[1]): (path, match[2]) for path in folder.glob("*.pdb") if (match := RANKED.search(path.name))}
    ranked = [found[rank] for rank in sorted(found)]
    if not ranked:
        raise EngineFailed(failure(log, 0))
    models = [_model(path, folder, rank, tag) for rank, (path, tag) in enumerate(ranked, 1)]
    path, tag = ranked[0]
    steps = next((steps for name, steps in log.steps.items() if tag.startswith(name) or name.endswith(tag)), [])
    for index in range(len(steps)):
        step = path.with_name(f"{path.stem}.r{index}.pdb")
        if step.is_file():
            structure = _read(step)
            confidence = Confidence(
                plddt=structure.confidence, pae=None, ptm=steps[index].get("ptm"), iptm=steps[index].get("iptm")
            )
            yield Step(structure, confidence, index, len(steps) - 1)
    source = "an alignment" if query.alignment is not None else "one sequence"
    structure, confidence = models[0]
    yield Model(
        structure, confidence, method=f"predicted from {source} by AlphaFold2 (ColabFold)", others=tuple(models[1:])
    )


def _read(path: Path) -> Structure:
    """The program's PDB files do not say what their B-factors are."""
    return parse_structure(f"REMARK   1 B-factors are pLDDT\n{path.read_text()}")


def _model(path: Path, folder: Path, rank: int, tag: str) -> tuple[Structure, Confidence]:
    scores = folder / path.name.replace("_unrelaxed_rank_", "_scores_rank_").replace(".pdb", ".json")
    if not scores.is_file():
        raise EngineFailed(f"ColabFold left a structure without its confidence (rank {rank}): run it again.")
    confidence = read_confidence(scores)
    structure = _read(path)
    if confidence.plddt is not None:
        structure = structure.with_confidence(confidence.plddt)
    return structure, confidence
