"""The proteins starter by what it does: helices and strands are told and folded, and coevolution says who told them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.engine import Notice
from backends.core.errors import WeightsBroken
from backends.folding.alignment.alignment import Alignment, read_alignment
from backends.folding.alignment.profile import HELIX, LOOP, STRAND, secondary_structure
from backends.folding.alignment.sequence import parse_text, read_input
from backends.folding.cards import CARDS, STARTER
from backends.folding.coevolution.engine import CoevolutionEngine
from backends.folding.engines.esmfold import EsmFoldEngine
from backends.folding.engines.secondary_head import SecondaryPredictor, bundled_predictor
from backends.folding.structure.atoms import CA, N, O
from backends.folding.structure.geometry import dihedral
from backends.folding.structure.plausibility_checks import BROKEN, check_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.types import Model, Step
from backends.weights.store import WeightStore
from evaluation.metrics.folding.folds import compare

CARD = next(card for card in CARDS if card.id == STARTER)
HELICES = "SPEDLVRRALELAKEAAKEGNEELVKLALEIAKRALELAGDPRLVELALRIAIEALRLQ"
"""Helices with short turns between them, drawn by hand."""
CRAMBIN = "TTCCPSIVARSNFNVCRLPGTPEALCATYTGCIIIPGATCPGDYAN"
HAIRPIN = "GKTYRVEVTVRDGNGKTVYTVEVEVRV"
"""Two strands that turn at DGNGK."""


@pytest.fixture(scope="module")
def predictor() -> SecondaryPredictor:
    return bundled_predictor()


@pytest.fixture(scope="module")
def engine() -> EsmFoldEngine:
    loaded = EsmFoldEngine(CARD, WeightStore().paths(CARD))
    loaded.load("cpu")
    return loaded


def fold(engine: EsmFoldEngine, sequence: str, **options: Any) -> list[Any]:
    return list(engine.predict(parse_text(sequence), options))


def test_its_files_are_as_the_card_says(engine: EsmFoldEngine, predictor: SecondaryPredictor, tmp_path: Path) -> None:
    assert WeightStore(tmp_path).state(CARD) == "present"
    weights = [*engine.network.named_parameters(), *predictor.head.named_parameters()]
    assert sum(value.numel() for name, value in weights if "contact_head" not in name) == CARD.parameters


def test_strands_are_told_from_helices_and_turns(predictor: SecondaryPredictor) -> None:
    hairpin, helices = (told.argmax(1) for told in predictor.sequences([HAIRPIN, HELICES]))
    assert (hairpin[3:11] == STRAND).mean() > 0.8 and (hairpin[17:25] == STRAND).mean() > 0.8
    assert LOOP in hairpin[11:17]
    assert (helices == HELIX).mean() > 0.6 and STRAND not in helices


def test_sequences_are_told_the_same_alone_and_together(predictor: SecondaryPredictor) -> None:
    texts = [HAIRPIN, HELICES, HAIRPIN[:9]]
    for text, told in zip(texts, predictor.sequences(texts), strict=True):
        alone = next(predictor.sequences([text]))
        assert alone.shape == (len(text), 3) and np.allclose(told, alone, atol=1e-4)
        assert np.allclose(np.exp(told).sum(1), 1, atol=1e-5)


def family(folder: Path, *rows: str) -> Alignment:
    path = folder / "family.a3m"
    path.write_text("".join(f">{number}\n{row}\n" for number, row in enumerate(rows)))
    return read_alignment(path)


def test_relatives_say_what_the_query_alone_does_not(predictor: SecondaryPredictor, tmp_path: Path) -> None:
    """A query whose helices are broken by glycines, among relatives whose are not; one of them lacks the end."""
    broken = "".join("G" if place % 4 == 0 else letter for place, letter in enumerate(HELICES))
    alignment = family(tmp_path, broken, HELICES, HELICES[:30] + "-" * (len(HELICES) - 30))
    alone = np.exp(next(predictor.sequences([broken])))[:, HELIX].mean()
    told = predictor.alignment(alignment, np.ones(3))
    assert told.shape == (len(HELICES), 3) and np.exp(told)[:, HELIX].mean() > alone + 0.1
    same = predictor.alignment(family(tmp_path, HELICES, HELICES), np.ones(2))
    assert np.allclose(same, next(predictor.sequences([HELICES])), atol=1e-4)


def test_what_is_told_is_mixed_in_and_gaps_still_make_loops(tmp_path: Path) -> None:
    rows = family(tmp_path, "A" * 20, *["A" * 9 + "--" + "A" * 9] * 5)
    scores = np.zeros((20, 20))
    own = secondary_structure(rows, np.ones(6), scores)
    open_question = secondary_structure(rows, np.ones(6), scores, np.full((20, 3), np.log(1 / 3)))
    strands = secondary_structure(rows, np.ones(6), scores, np.log(np.tile([1e-6, 1 - 2e-6, 1e-6], (20, 1))))
    assert np.allclose(open_question.sum(1), 1) and np.allclose(strands.sum(1), 1)
    assert (open_question.argmax(1) == own.argmax(1)).all() and own[9:11, LOOP].min() > own[:5, LOOP].max()
    assert (strands[:, STRAND] > own[:, STRAND]).all()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights at all")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsBroken, match="does not hold the secondary-structure starter"):
        SecondaryPredictor.read(tmp_path)


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROUNDS", 1), ("STEPS_PER_ROUND", 10), ("REFINEMENT_STEPS", 5), ("POPULATION_SIZE", 2)):
        monkeypatch.setattr(f"backends.folding.coevolution.population_descent.{name}", value)


def coevolve(folder: Path, **options: str) -> tuple[list[str], str]:
    """The notices of a run, and who told the helices and strands."""
    engine = CoevolutionEngine(next(card for card in CARDS if card.id == "coevolution"))
    engine.load("cpu")
    (folder / "query.a3m").write_text(f">a\n{HAIRPIN}\n>b\n{HAIRPIN[:20]}--{HELICES[:5]}\n")
    found = list(engine.predict(read_input(folder / "query.a3m"), options))
    told = found[-1].meta["contacts"]["secondary_structure"]
    return [item.sentence for item in found if isinstance(item, Notice)], str(told)


def test_coevolution_asks_it_where_it_is_told_to_and_says_so(short_search: None, tmp_path: Path) -> None:
    notices, told = coevolve(tmp_path, language="on")
    assert told == STARTER and any("told by a small language model too" in sentence for sentence in notices)


def test_coevolution_needs_it_only_where_it_is_asked(
    short_search: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.weights.shelf.STARTERS", tmp_path)
    notices, told = coevolve(tmp_path)
    assert told == "propensities" and not any("language model" in sentence for sentence in notices)
    with pytest.raises(WeightsBroken, match="Folding starter"):
        coevolve(tmp_path, language="on")


def test_helices_come_out_as_helices_and_strands_as_strands(engine: EsmFoldEngine) -> None:
    helices, strands = (fold(engine, text)[-1].structure for text in (HELICES, HAIRPIN))
    told = assign_secondary_structure(helices)
    assert (told == "H").mean() > 0.5 and "E" not in told
    ca = helices.ca.astype(float)
    middle = slice(22, 34)  # within the second helix
    turns = dihedral(ca[:-3], ca[1:-2], ca[2:-1], ca[3:])[middle]
    assert np.abs(turns - 50).max() < 15, "right-handed, of 3.6 residues a turn"
    assert np.linalg.norm(ca[28] - ca[24], axis=-1) == pytest.approx(6.2, abs=0.8)
    ca = strands.ca.astype(float)
    assert (np.abs(dihedral(ca[:-3], ca[1:-2], ca[2:-1], ca[3:])[2:8]) > 140).all(), "a strand is stretched"
    across = np.linalg.norm(ca - ca[::-1], axis=-1)[3:11]  # its turn is in the middle of the chain
    assert across.mean() < 6.5 and "H" not in assign_secondary_structure(strands), (
        "the strands of a hairpin lie side by side"
    )


def test_a_chain_holds_together(engine: EsmFoldEngine) -> None:
    atoms = fold(engine, HELICES + HAIRPIN)[-1].structure.atoms.astype(float)
    ca, oxygen, following = atoms[:, CA], atoms[:-1, O], atoms[1:, N]
    assert np.median(np.linalg.norm(oxygen - following, axis=-1)) == pytest.approx(2.25, abs=0.3), (
        "O lies opposite to the next N"
    )
    steps = np.linalg.norm(np.diff(ca, axis=0), axis=-1)
    assert np.median(steps) == pytest.approx(3.8, abs=0.3) and (steps > 2.5).mean() > 0.9 and steps.max() < 6


def test_it_is_relaxed_unless_that_is_switched_off(engine: EsmFoldEngine) -> None:
    """What comes out could be a protein, is said to be relaxed, and is nearly the same fold, as sure as it was."""
    whole, raw = fold(engine, CRAMBIN), fold(engine, CRAMBIN, relax="off")
    after, before = whole[-1], raw[-1]
    assert check_structure(before.structure).verdict == BROKEN != check_structure(after.structure).verdict
    told, none = ([item.sentence for item in items if isinstance(item, Notice)] for items in (whole, raw))
    assert len(told) == 1 and told[0].startswith("Relaxed") and not none
    assert after.method.endswith("relaxed") and "relaxed" not in before.method
    assert compare(after.structure, before.structure).lddt > 0.85
    assert np.array_equal(after.confidence.plddt, before.confidence.plddt)


def test_the_published_network_is_not_relaxed() -> None:
    """Its folds are those that others get from it."""
    by_id = {card.id: card for card in CARDS}
    assert "relax" in by_id["esmfold"].without and "relax" not in CARD.without


def test_it_is_not_sure_of_what_it_cannot_know(engine: EsmFoldEngine) -> None:
    """A sequence without meaning is told as less sure than one helix."""
    sure = fold(engine, "AEEAKKLAEEALKAAEEALKKA")[-1].confidence.plddt.mean()
    nothing = fold(engine, "GPSGNDGPTSGGCPNGSDGPQTHGWPNSGGDPCNGTSPGDNGSPGTHNPSGWDGPSNGTPDGSNPG")[
        -1
    ].confidence.plddt.mean()
    assert sure > nothing + 5 and nothing < 70


def test_a_further_pass_would_change_nothing_so_there_is_none(engine: EsmFoldEngine) -> None:
    steps = [item for item in fold(engine, HAIRPIN, recycles=3) if isinstance(item, Step)]
    assert len(steps) == 1
    assert isinstance(fold(engine, HAIRPIN, recycles=0)[-1], Model)
