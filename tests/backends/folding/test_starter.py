"""The proteins starter by what it does: helices and strands are told, and coevolution says who told them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.engine import Notice
from backends.errors import WeightsBroken
from backends.folding.alignment import Alignment, read_alignment
from backends.folding.cards import CARDS
from backends.folding.coevolution import CoevolutionEngine
from backends.folding.profile import HELIX, LOOP, STRAND, secondary
from backends.folding.secondary_head import STARTER, SecondaryPredictor, shipped
from backends.folding.sequence import read_input
from backends.weights import WeightStore

HELICES = "SPEDLVRRALELAKEAAKEGNEELVKLALEIAKRALELAGDPRLVELALRIAIEALRLQ"
"""Helices with short turns between them, drawn by hand."""
HAIRPIN = "GKTYRVEVTVRDGNGKTVYTVEVEVRV"
"""Two strands that turn at DGNGK."""


@pytest.fixture(scope="module")
def predictor() -> SecondaryPredictor:
    return shipped()


def test_its_file_is_as_the_card_says(predictor: SecondaryPredictor, tmp_path: Path) -> None:
    assert WeightStore(tmp_path).state(STARTER) == "present"
    weights = [*predictor.esm.named_parameters(), *predictor.head.named_parameters()]
    assert sum(value.numel() for name, value in weights if "contact_head" not in name) == STARTER.parameters
    assert sum(file.bytes for file in STARTER.files) < 3.4e6


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
    own = secondary(rows, np.ones(6), scores)
    open_question = secondary(rows, np.ones(6), scores, np.full((20, 3), np.log(1 / 3)))
    strands = secondary(rows, np.ones(6), scores, np.log(np.tile([1e-6, 1 - 2e-6, 1e-6], (20, 1))))
    assert np.allclose(open_question.sum(1), 1) and np.allclose(strands.sum(1), 1)
    assert (open_question.argmax(1) == own.argmax(1)).all() and own[9:11, LOOP].min() > own[:5, LOOP].max()
    assert (strands[:, STRAND] > own[:, STRAND]).all()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(WeightsBroken, match="does not hold the secondary-structure starter"):
        SecondaryPredictor.read(tmp_path / "other.safetensors")


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TURNS", 1), ("STEPS", 10), ("FINISHING", 5), ("A_ISLAND", 2)):
        monkeypatch.setattr(f"backends.folding.search.{name}", value)


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
    assert told == STARTER.id and any("told by a small language model too" in sentence for sentence in notices)


def test_coevolution_needs_it_only_where_it_is_asked(
    short_search: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.weights.STARTERS", tmp_path)
    notices, told = coevolve(tmp_path)
    assert told == "propensities" and not any("language model" in sentence for sentence in notices)
    with pytest.raises(WeightsBroken, match="Secondary-structure starter"):
        coevolve(tmp_path, language="on")
