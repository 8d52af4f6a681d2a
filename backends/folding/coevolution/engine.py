"""The `coevolution` engine: a fold from an alignment alone. It is the yardstick for the others.

Columns that change together → contacts (`dca`, `profile`, `contacts`) → a chain that satisfies them (`restraints`,
`population_descent`).
Nothing of it is learned, unless the option “language” asks the bundled language model for helices and strands.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backends.core.engine import Metric, Notice, Progress
from backends.core.errors import BadInput
from backends.folding.alignment.alignment import Alignment, sequence_weights
from backends.folding.alignment.profile import column_frequencies, secondary_structure
from backends.folding.alignment.sequence import Query
from backends.folding.base import FoldingEngine, PredictionEvents
from backends.folding.capabilities import COEVOLUTION, FoldingCapabilities
from backends.folding.coevolution.chain import backbone
from backends.folding.coevolution.contacts import MIN_SEPARATION, contact_probabilities
from backends.folding.coevolution.dca import coupling_scores, mean_field
from backends.folding.coevolution.population_descent import ROUNDS, search, total_steps
from backends.folding.coevolution.restraints import Restraints
from backends.folding.options import CoevolutionOptions
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from backends.folding.types import Model, Step

if TYPE_CHECKING:
    from backends.folding.engines.secondary_head import SecondaryPredictor

MIN_COVERAGE = 0.7
"""Sequences that cover less of the query are left out: their ends couple to each other by missing together."""
MAX_CELLS = 1_500_000
MIN_DEPTH = 3.0
"""Effective sequences a residue below which the result is a guess."""

READING, COUPLING, FOLDING = "Weighing the sequences", "Finding what changes together", "Folding the chain"


class CoevolutionEngine(FoldingEngine):
    """Direct coupling analysis, then torsion-space descent."""

    name: ClassVar[str] = "coevolution"
    capabilities: ClassVar[FoldingCapabilities] = COEVOLUTION

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = CoevolutionOptions.read(options)
        seed = settings.seed
        predictor = _predictor() if settings.language else None
        if query.alignment is None:
            raise BadInput("“Coevolution” needs an alignment of related sequences (A3M, Stockholm or aligned FASTA).")
        yield Progress(READING, 0, 1)
        alignment, notices = usable_sequences(query.alignment)
        yield from (Notice(sentence) for sentence in notices)
        weights = sequence_weights(alignment.rows)
        yield Progress(READING, 1, 1)
        yield Metric("effective_sequences", float(weights.sum()), "")
        if weights.sum() < MIN_DEPTH * alignment.length:
            yield Notice(
                f"These {len(alignment):,} sequences count as {weights.sum():.0f} different ones, and at least "
                f"{MIN_DEPTH * alignment.length:.0f} are needed for {alignment.length} residues: the fold is a guess."
            )
        if predictor is not None:
            yield Notice("Helices and strands are told by a small language model too, not by the columns alone.")
        contacts, states = yield from analyse_alignment(alignment, weights, predictor)
        yield from fold_chain(query.sequence, contacts, states, seed, predictor.name if predictor else "propensities")


def _predictor() -> SecondaryPredictor:
    """The language model that ships; with it comes torch, which a fold without it does not wait for."""
    from backends.folding.engines.secondary_head import bundled_predictor

    return bundled_predictor()


def usable_sequences(alignment: Alignment) -> tuple[Alignment, list[str]]:
    """The sequences that can be used, and what was left out in sentences. Raises BadInput where too few are left."""
    notices = []
    chosen = alignment.unique().filtered(coverage=MIN_COVERAGE)
    if len(chosen) < 2:
        raise BadInput(
            "This holds no second sequence that covers the protein, so nothing can change together: bring an alignment "
            "of hundreds of related sequences (A3M or Stockholm), as a search with HHblits, jackhmmer or MMseqs2 gives."
        )
    most = MAX_CELLS // alignment.length
    if len(chosen) > most:
        notices.append(f"Of {len(chosen):,} sequences {most:,}, evenly spread over the alignment, were used.")
        chosen = chosen.take(np.linspace(0, len(chosen) - 1, most).astype(int))
    return chosen, notices


def analyse_alignment(
    alignment: Alignment, weights: np.ndarray, predictor: SecondaryPredictor | None = None
) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray]]:
    """Progress; returns (L, L) probabilities of contacts and (L, 3) of helix, strand and loop."""
    for step in mean_field(alignment.rows, weights):
        done, couplings = step
        yield Progress(COUPLING, done, alignment.length)
    scores = coupling_scores(couplings)
    predicted = None if predictor is None else predictor.alignment(alignment, weights)
    states = secondary_structure(alignment, weights, scores, predicted)
    _, occupancy = column_frequencies(alignment, weights)
    return contact_probabilities(scores, states, np.minimum(occupancy, 1), float(weights.sum())), states


def fold_chain(
    sequence: str, contacts: np.ndarray, states: np.ndarray, seed: int = 0, predictor: str = "propensities"
) -> Iterator[Any]:
    """Progress, a Step after each turn, and the Model of lowest energy; `predictor` is who told the states."""
    total = total_steps()
    yield Progress(FOLDING, 0, total)
    satisfied, crowd, chains = 0.0, None, None
    restraints = Restraints(contacts, states)
    for state in search(restraints, seed):
        if isinstance(state, int):
            yield Progress(FOLDING, state, total)
            continue
        atoms = backbone(state.torsions[state.order])  # (B, L, 5, 3)
        satisfied, chains = float(restraints.satisfied_fraction(atoms[:1])), atoms.numpy()
        if state.steps == total:
            break
        crowd = chains[:, :, 1]
        yield Step(*_with_confidence(chains[0], crowd, satisfied, sequence), state.round_number, ROUNDS)
    assert chains is not None and crowd is not None
    yield Progress(FOLDING, total, total)
    yield Notice(
        "The confidence is an estimate and no trained pLDDT: how well chains folded from different starts agree, times "
        f"how far the fold meets its predicted contacts ({satisfied:.0%})."
    )
    structure, confidence = _with_confidence(chains[0], crowd, satisfied, sequence)
    meta = {"contacts": {"least_separation": MIN_SEPARATION, "secondary_structure": predictor}}
    yield Model(structure, confidence, {"contacts": contacts}, meta, method="coevolution")


def _with_confidence(
    chain: np.ndarray, crowd: np.ndarray, satisfied: float, sequence: str
) -> tuple[Structure, Confidence]:
    """Chains can agree on a wrong fold; that contacts stay unmet gives it away, so their share scales the agreement."""
    plddt = satisfied * agreement(chain[:, 1], crowd[: len(crowd) // 2])
    structure = Structure.from_backbone(chain, sequence, confidence=plddt, method="estimate")
    return structure, Confidence(plddt=plddt, pae=None, ptm=None, iptm=None)


def agreement(trace: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(L,) 0 to 100: lDDT-Cα (Mariani et al. 2013) of `trace` (L, 3) against other folds (M, L, 3), on average.

    Neighbours within two residues, which any chain keeps, do not count.
    """
    length = len(trace)
    apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length))) > 2
    own = np.linalg.norm(trace[:, None] - trace[None], axis=-1)
    total = np.zeros(length)
    for other in others:
        theirs = np.linalg.norm(other[:, None] - other[None], axis=-1)
        near = apart & (theirs < 15)
        preserved = np.mean([np.abs(own - theirs) < limit for limit in (0.5, 1, 2, 4)], 0)
        total += (preserved * near).sum(1) / np.maximum(near.sum(1), 1)
    return (100 * total / max(len(others), 1)).astype(np.float32)
