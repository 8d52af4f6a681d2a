"""What every folding engine shares: reading and checking the query, writing the results, judging the geometry.

An engine adds `predict`, which turns a query into a Model, and its `capabilities`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.core.engine import Artifact, Engine, Event, Metric, Notice, Partial, Progress, Result
from backends.core.errors import BadInput, EngineFailed, TooLarge
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.capabilities import FoldingCapabilities
from backends.folding.resources import max_residues, memory_needed
from backends.folding.types import Folding, Model, Step
from backends.shared import strict_json
from backends.shared.disk_errors import writing
from backends.shared.interruptible import run_interruptible

PredictionEvents = Iterator[Event | Step | Model]

REQUIRED_INPUTS = {
    "alignment": "an alignment of related sequences (A3M, Stockholm or aligned FASTA)",
    "structure": "a structure file (PDB or mmCIF)",
}

OUT_OF_MEMORY = (
    "There is not enough memory for this protein: close other programs, set “chunk” to a smaller number, "
    "or fold its domains one by one."
)


class FoldingEngine(Engine):
    """Turns a protein's sequence, alignment or structure file into a structure with its confidence.

    `capabilities` says what it takes; `run` refuses what does not fit before `predict` sees it.
    """

    task: ClassVar[str] = "folding"
    capabilities: ClassVar[FoldingCapabilities] = FoldingCapabilities()
    device: str = "cpu"

    def load(self, device: str) -> None:
        self.device = device

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Residues; networks, whose work grows faster than the chain, count in `resources.work_units`."""
        return float(result.length) if isinstance(result, Folding) else 0.0

    @abstractmethod
    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        """Yield events, a Step for each structure on the way, and one Model as the last thing.

        The query has been checked: of the kind this engine takes, one chain unless it takes complexes, not too long.
        Yields at least once a chunk of device work, so that closing frees the device.
        """

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Fold `inputs["query"]` into `out/model.pdb`, `model.cif`, `confidence.json` and `sanity.json`, and
        of a complex `interfaces.json`.

        Yields Progress, the structures on the way as Partials of kind "recycle", Notices, Metrics, then a Folding.
        """
        if "query" not in inputs:
            raise BadInput("There is no protein to fold: paste a sequence or choose a file first.")
        query = yield from _read(inputs["query"], str(options.get("chain") or ""))
        query = replace(query, extra_inputs={name: path for name, path in inputs.items() if name != "query"})
        yield from (Notice(sentence) for sentence in query.notices)
        query, notices = self.adapt_query(query, options)
        yield from (Notice(sentence) for sentence in notices)
        with writing():
            out.mkdir(parents=True, exist_ok=True)
        model: Model | None = None
        with closing(self.predict(query, options)) as found:  # type: ignore[type-var]
            for item in found:
                if isinstance(item, Step):
                    with writing():
                        yield Partial(write_step(item, out))
                elif isinstance(item, Model):
                    model = item
                else:
                    yield item
        if model is None:
            raise RuntimeError(f"{type(self).__name__} found no model")
        yield from write_results(model, out)

    def adapt_query(self, query: Query, options: Mapping[str, Any]) -> tuple[Query, list[str]]:
        """The query as this engine takes it, and what was left out in sentences. Raises BadInput and TooLarge."""
        notices: list[str] = []
        takes = self.capabilities.takes
        if takes in REQUIRED_INPUTS and query.kind != takes:
            raise BadInput(
                f"“{self.card.title}” needs {REQUIRED_INPUTS[takes]}, and this is {query.kind_name}: "
                "choose another model."
            )
        if takes == "structure":
            return query, notices
        if str(options.get("chain") or "") or (len(query.chains) > 1 and not self.capabilities.complexes):
            query = query.select_chain(str(options.get("chain") or ""))
        if query.kind == "sequence" and len(query.chains) > 1:
            notices.append(
                f"The {len(query.chains)} sequences are folded together, as chains of one complex: bring proteins that "
                "have nothing to do with each other one by one."
            )
        if query.kind == "alignment" and not self.capabilities.alignment:
            notices.append("This model works from one sequence: it used the first of the alignment and no other.")
        if query.kind == "structure":
            notices.append("The structure in the file was not used, only its sequence: it is folded from scratch.")
        self.require_length(query.length)
        return query, notices

    def require_length(self, length: int) -> None:
        """Raises TooLarge where this device cannot take so many residues."""
        parameters = self.card.parameters
        limit = self.card.limit(self.device).residues
        most = max_residues(self.capabilities, parameters, self.device, device_memory(self.device), limit)
        if most == 0:
            needed = memory_needed(self.capabilities, parameters, self.device, length) / 1e9
            raise TooLarge(
                f"“{self.card.title}” needs {needed:.0f} GB of memory for this protein, more than there is here."
            )
        if length > most:
            raise TooLarge(
                f"This protein has {length:,} residues; “{self.card.title}” takes up to {most:,} on this machine. "
                "Fold its domains one by one."
            )


def device_memory(device: str) -> int:
    """Bytes the device has in all, whether they are free or not."""
    if device == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory)
    import psutil

    return int(psutil.virtual_memory().total)


def write_step(step: Step, out: Path) -> Artifact:
    """Write a structure on the way as `out/recycles/NN.pdb`."""
    from backends.folding.structure.writer import to_pdb

    path = out / "recycles" / f"{step.number:02d}.pdb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_pdb(step.structure))
    meta = {"number": step.number, "total": step.total, **_summary(step.confidence)}
    return Artifact("recycle", path.stem, path, meta)


def _read(path: Path, chain: str) -> Generator[Event, None, Query]:
    """The query in a file; a large one is read for many seconds, in which the job can be cancelled."""
    item: Any = None
    for item in run_interruptible(lambda _: read_input(path, chain), wait=False):
        if item is None:
            yield Progress("Reading the file", 0, 1)
    return item


def write_results(model: Model, out: Path) -> Iterator[Event]:
    """Write the files of a model, judge its geometry and tell both; the last event is a Folding."""
    from backends.folding.structure import interfaces
    from backends.folding.structure.plausibility_checks import check_structure
    from backends.folding.structure.writer import pdb_with_losses, to_cif, to_pdb

    structure = model.structure
    if not np.isfinite(structure.atoms[structure.mask]).all():
        raise EngineFailed("The model's output broke down on this protein: try another model, or full precision.")
    sanity = check_structure(structure)
    summary = _summary(model.confidence)
    confidence = {**model.confidence.to_json(), "sequence": structure.sequence, "method": model.method}
    pdb, losses = pdb_with_losses(structure)
    with writing():
        artifacts = [_text("structure", "model.pdb", pdb, out)] if pdb else []
        artifacts += [
            _text("structure", "model.cif", to_cif(structure), out),
            _text("confidence", "confidence.json", strict_json.dumps(confidence), out, summary),
            _text("sanity", "sanity.json", strict_json.dumps(sanity.to_json()), out, {"verdict": sanity.verdict}),
        ]
        if found := interfaces.interfaces(structure, model.confidence):
            artifacts.append(_text("interfaces", "interfaces.json", interfaces.dumps(found), out))
        artifacts += [_array(name, array, model.meta.get(name, {}), out) for name, array in model.extras.items()]
        for rank, (other, its_confidence) in enumerate(model.others, 2):
            artifacts.append(_text("ranked", f"ranked-{rank}.pdb", to_pdb(other), out, _summary(its_confidence)))
    yield Metric("residues", len(structure.sequence), "")
    yield from (Metric(name, value, "") for name, value in summary.items() if value is not None)
    yield from (Notice(sentence) for sentence in losses)
    yield Notice(sanity.sentence)
    yield Folding(
        tuple(artifacts),
        sequence=structure.sequence,
        chains=tuple(dict.fromkeys(str(chain) for chain in structure.chains)),
        length=len(structure.sequence),
        sanity=sanity.verdict,
        sanity_sentence=sanity.sentence,
        method=model.method,
        **summary,
    )


def _summary(confidence: Any) -> dict[str, float | None]:
    plddt = confidence.plddt
    known = plddt is not None and np.isfinite(plddt).any()
    mean = float(np.nanmean(plddt)) if known else None
    return {"plddt": mean, "ptm": _number(confidence.ptm), "iptm": _number(confidence.iptm)}


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _text(kind: str, name: str, text: str, out: Path, meta: Mapping[str, Any] | None = None) -> Artifact:
    (out / name).write_text(text, encoding="utf-8")
    return Artifact(kind, name, out / name, meta or {})


def _array(name: str, array: np.ndarray, meta: Mapping[str, object], out: Path) -> Artifact:
    path = out / f"{name}.npz"
    np.savez_compressed(path, **{name: array})  # type: ignore[arg-type]
    return Artifact(name, path.name, path, {"shape": list(array.shape), **meta})
