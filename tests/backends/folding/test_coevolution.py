"""A known fold comes back from its true contacts, right-handed and whole; alignments that cannot do it are refused."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
import tmtools
import torch

from backends.core.engine import Notice, Partial, Progress
from backends.core.errors import BadInput
from backends.folding.cards import CARDS
from backends.folding.coevolution import population_descent
from backends.folding.coevolution.chain import backbone
from backends.folding.coevolution.engine import CoevolutionEngine, fold_chain
from backends.folding.coevolution.restraints import Restraints
from backends.folding.structure.plausibility_checks import check_structure
from backends.folding.types import Folding, Model

SEQUENCE = "SEELLKKAEELLKKAEELGSPEELLKKAEELLKKAEELLG"


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population_descent, "ROUNDS", 3)
    monkeypatch.setattr(population_descent, "STEPS_PER_ROUND", 60)
    monkeypatch.setattr(population_descent, "REFINEMENT_STEPS", 40)
    monkeypatch.setattr(population_descent, "POPULATION_SIZE", 4)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def hairpin() -> tuple[np.ndarray, np.ndarray]:
    """Two helices side by side: coordinates (L, 5, 3), and (L, 3) states. The best packed of many random turns."""
    length, turn = len(SEQUENCE), slice(18, 22)
    generator = torch.Generator().manual_seed(3)
    torsions = torch.deg2rad(torch.tensor([-63.0, -42.0, 180.0])).repeat(600, length, 1)
    torsions[:, turn, :2] = (torch.rand(600, 4, 2, generator=generator) - 0.5) * 2 * math.pi
    chains = backbone(torsions)
    ca = chains[:, :, 1]
    apart = (ca[:, :18, None] - ca[:, None, 22:]).norm(dim=-1)
    packed = ((apart < 10).sum((1, 2)) - 100 * (apart < 5.5).sum((1, 2))).argmax()
    states = np.tile([0.97, 0.01, 0.02], (length, 1))
    states[turn] = [0.02, 0.01, 0.97]
    return chains[packed].numpy(), states


def test_backbone_has_ideal_geometry_and_the_hand_of_life() -> None:
    chain = backbone(torch.deg2rad(torch.tensor([[[-63.0, -42.0, 180.0]] * 12])))[0]
    n, ca, c, o, cb = chain.unbind(1)
    assert (ca[1:] - n[1:]).norm(dim=1).tolist() == pytest.approx([1.458] * 11, abs=1e-4)
    assert (n[1:] - c[:-1]).norm(dim=1).tolist() == pytest.approx([1.329] * 11, abs=1e-4)
    assert (ca[1:] - ca[:-1]).norm(dim=1).tolist() == pytest.approx([3.81] * 11, abs=0.02)
    assert float((o[2] - n[6]).norm()) == pytest.approx(3.0, abs=0.3)  # the hydrogen bond of an α-helix
    assert float(torch.linalg.cross(n[3] - ca[3], c[3] - ca[3]) @ (cb[3] - ca[3])) > 0  # L-amino acid


def test_a_chain_that_meets_no_contact_is_told_from_one_that_does() -> None:
    truth, states = hairpin()
    contacts = (np.linalg.norm(truth[:, None, 4] - truth[None, :, 4], axis=-1) < 8).astype(np.float32)
    straight = backbone(torch.deg2rad(torch.tensor([[[-120.0, 135.0, 180.0]] * len(truth)])))
    met = Restraints(contacts, states).satisfied_fraction(torch.cat([torch.from_numpy(truth)[None], straight]))
    assert met[0] > 0.9 and met[1] < 0.1
    nothing = Restraints(np.zeros_like(contacts), states).satisfied_fraction(straight)
    assert nothing.tolist() == [0.0]


@pytest.mark.slow
def test_true_contacts_fold_a_helical_hairpin() -> None:
    truth, states = hairpin()
    cb = truth[:, 4]
    contacts = (np.linalg.norm(cb[:, None] - cb[None], axis=-1) < 8).astype(np.float32)
    contacts[np.abs(np.subtract.outer(np.arange(len(cb)), np.arange(len(cb)))) < 6] = 0
    model = next(item for item in fold_chain(SEQUENCE, contacts, states) if isinstance(item, Model))
    trace = model.structure.ca.astype(float)
    found = tmtools.tm_align(trace, truth[:, 1].astype(float), SEQUENCE, SEQUENCE)
    assert found.tm_norm_chain2 > 0.5
    first, second, third = np.diff(trace[5:9], axis=0)
    assert np.cross(first, second) @ third > 0  # a right-handed helix
    assert check_structure(model.structure).verdict != "broken"
    assert (
        model.confidence.plddt is not None and 0 < model.confidence.plddt.min() <= model.confidence.plddt.max() <= 100
    )


def run(text: str, tmp_path: Path, out: str = "out"):
    path = tmp_path / "query.a3m"
    path.write_text(text)
    engine = CoevolutionEngine(next(card for card in CARDS if card.id == "coevolution"))
    engine.load("cpu")
    return engine.run({"query": path}, {}, tmp_path / out)


def family(count: int) -> str:
    """SEQUENCE and `count` relatives of it, a third of the residues drawn anew."""
    draw = np.random.default_rng(0)
    rows = [SEQUENCE]
    for _ in range(count):
        new = draw.choice(list("ADEKLQRSTV"), len(SEQUENCE))
        rows.append("".join(np.where(draw.random(len(SEQUENCE)) < 0.33, new, list(SEQUENCE))))
    return "".join(f">{i}\n{row}\n" for i, row in enumerate(rows))


@pytest.mark.slow
def test_a_shallow_alignment_folds_and_is_called_a_guess(tmp_path: Path) -> None:
    events = list(run(family(40), tmp_path))
    notices = [event.sentence for event in events if isinstance(event, Notice)]
    assert any("the fold is a guess" in sentence for sentence in notices)
    assert any("no trained pLDDT" in sentence for sentence in notices)
    steps = [event.artifact for event in events if isinstance(event, Partial)]
    assert [step.meta["number"] for step in steps] == [1, 2, 3]
    done = [event.done for event in events if isinstance(event, Progress) and event.stage == "Folding the chain"]
    assert done == sorted(done) and done[-1] == population_descent.total_steps()
    last = events[-1]
    assert isinstance(last, Folding) and last.length == len(SEQUENCE)
    contacts = np.load(tmp_path / "out" / "contacts.npz")["contacts"]
    assert contacts.shape == (len(SEQUENCE),) * 2 and 0 < contacts.max() <= 0.9


def test_closing_stops_the_search(tmp_path: Path, two_threads: None) -> None:
    events = run(family(20), tmp_path)
    for event in events:
        assert torch.get_num_threads() == 2
        if isinstance(event, Progress) and event.stage == "Folding the chain" and event.done:
            break
    events.close()
    assert torch.get_num_threads() == 2
    assert not (tmp_path / "out" / "model.pdb").exists()


def test_the_search_computes_on_one_thread_and_gives_the_others_back(two_threads: None) -> None:
    closed = []

    def computing() -> Generator[tuple[int, bool], None, None]:
        try:
            yield torch.get_num_threads(), torch.is_grad_enabled()
            raise ValueError("broken")
        finally:
            closed.append(True)

    with torch.no_grad():
        items = population_descent.single_threaded(computing())
        assert next(items) == (1, True)
        assert (torch.get_num_threads(), torch.is_grad_enabled()) == (2, False)
        with pytest.raises(ValueError, match="broken"):
            next(items)
        assert (torch.get_num_threads(), torch.is_grad_enabled(), closed) == (2, False, [True])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f">only\n{SEQUENCE}\n", "needs an alignment|no second sequence"),
        (f">a\n{SEQUENCE}\n>b\n{'-' * 30}{SEQUENCE[30:]}\n", "no second sequence that covers"),
    ],
)
def test_what_cannot_coevolve_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        list(run(text, tmp_path))
