"""Relaxation: atoms come out of each other, twists and joints become those of proteins, and the rest stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backends.core.engine import Notice, Progress
from backends.folding.coevolution.chain import backbone
from backends.folding.engines import relaxation
from backends.folding.engines.relaxation import Relaxation, relaxed
from backends.folding.residues import ALPHAFOLD_ORDER
from backends.folding.structure import geometry
from backends.folding.structure.atoms import ALLOWED, CA
from backends.folding.structure.structure import Structure

HELIX, STRAND, NOWHERE = (-63.0, -42.0, 180.0), (-120.0, 135.0, 180.0), (70.0, -60.0, 180.0)
CHI = torch.deg2rad(torch.tensor([-65.0, 180.0, 180.0, 180.0]))


def chain(sequence: str, twists: list[tuple[float, float, float]]) -> tuple[Tensor, Tensor, Tensor]:
    """Kinds, atoms `(L, 37, 3)` and angles `(L, 7, 2)` of an ideal chain with usual side chains."""
    kinds = torch.tensor([ALPHAFOLD_ORDER.index(letter) for letter in sequence])
    five = backbone(torch.deg2rad(torch.tensor([twists])))[0]
    n, ca, c = five[:, :3].unbind(1)
    atoms = torch.zeros(len(sequence), 37, 3)
    atoms[:, 0], atoms[:, 1], atoms[:, 2] = n, ca, c
    psi = torch.deg2rad(torch.tensor([one[1] for one in twists]))
    flat = torch.cat([torch.zeros(len(sequence), 2), psi[:, None], CHI.expand(len(sequence), -1)], 1)
    angles = torch.stack([flat.sin(), flat.cos()], -1)
    return kinds, torch.from_numpy(Relaxation(kinds, atoms, angles).atoms()), angles


def structure(sequence: str, atoms: Tensor) -> Structure:
    mask = np.zeros((len(sequence), 37), bool)
    for row, letter in enumerate(sequence):
        mask[row, [place for place in ALLOWED[letter] if place != 36]] = True
    return Structure.build(atoms.numpy(), mask, sequence, confidence=np.full(len(sequence), 60.0), method="prediction")


def done(kinds: Tensor, atoms: Tensor, angles: Tensor) -> np.ndarray:
    run = Relaxation(kinds, atoms, angles)
    assert list(run.run()) == list(range(1, relaxation.STEPS + 1))
    return run.atoms()


def test_a_chain_that_is_right_hardly_moves() -> None:
    kinds, atoms, angles = chain("ALKEALKEALKE", [HELIX] * 12)
    moved = np.linalg.norm(done(kinds, atoms, angles)[:, CA] - atoms[:, CA].numpy(), axis=-1)
    assert moved.mean() < 0.25 and moved.max() < 0.6


def test_atoms_come_out_of_each_other_and_the_chain_stays_whole() -> None:
    """Two helices, the second of which is pushed into the first."""
    sequence = "ALKEALLEALKE" * 2
    _, atoms, angles = chain(sequence, [HELIX] * 24)
    pushed = atoms.clone()
    pushed[12:] = atoms[:12].flip(0) + torch.tensor([4.5, 0.0, 0.0])
    before = structure(sequence, pushed)
    events = relaxed(before, angles.numpy())
    seen = []
    try:
        while True:
            seen.append(next(events))
    except StopIteration as end:
        after, changed = end.value
    clashes = [len(geometry.find_overlaps(one, least=1.0).overlap) for one in (before, after)]
    assert changed and clashes[0] > 10 and clashes[1] <= clashes[0] // 10
    assert sum(isinstance(one, Progress) for one in seen) == relaxation.STEPS
    (told,) = (one.sentence for one in seen if isinstance(one, Notice))
    assert f"{clashes[0]} pairs of atoms sat inside each other, now {clashes[1]} do" in told
    assert (after.mask == before.mask).all() and (after.confidence == before.confidence).all()
    ring = np.linalg.norm(after.atoms[:, 4] - after.atoms[:, 2], axis=-1)
    assert np.abs(ring - 1.23).max() < 0.05, "bonds inside residues are as they were"


def test_a_twist_that_no_protein_has_is_mended() -> None:
    sequence = "AAAAAAAAA"
    kinds, atoms, angles = chain(sequence, [STRAND] * 4 + [NOWHERE] + [STRAND] * 4)

    def outliers(found: Tensor) -> np.ndarray:
        model = structure(sequence, found)
        return np.flatnonzero(geometry.ramachandran_outliers(model, geometry.torsions(model)))

    assert outliers(atoms).tolist() == [4]
    assert outliers(torch.from_numpy(done(kinds, atoms, angles))).tolist() == []


def test_a_torn_joint_is_closed() -> None:
    kinds, atoms, angles = chain("A" * 12, [HELIX] * 12)
    torn = atoms.clone()
    torn[6:] += torch.tensor([0.0, 0.0, 1.2])
    found = done(kinds, torn, angles)

    def gap(where: np.ndarray) -> float:
        return float(abs(np.linalg.norm(where[6, 0] - where[5, 2]) - relaxation.BOND))

    assert gap(torn.numpy()) > 0.4 and gap(found) < 0.1


def test_proline_is_bonded_to_the_residue_before_and_disulphides_may_touch() -> None:
    kinds, atoms, angles = chain("APACC", [STRAND] * 5)
    run = Relaxation(kinds, atoms, angles)
    proline, sulphurs = run.rows == 1, (run.places == 5) & (run.rows >= 3)
    before = run.rows == 0
    assert not run.apart[before][:, proline].any() and not run.apart[sulphurs][:, sulphurs].any()
    assert run.apart[before][:, run.rows == 2].all()


def test_angles_outside_a_box_are_measured_the_shorter_way_round() -> None:
    low, high = torch.tensor([radians(110.0)]), torch.tensor([radians(175.0)])
    found = relaxation._outside(torch.deg2rad(torch.tensor([120.0, 100.0, -175.0])), low, high)
    assert torch.rad2deg(found).tolist() == pytest.approx([0, 10, 10], abs=1e-3)


def radians(degrees: float) -> float:
    return float(torch.deg2rad(torch.tensor(degrees)))


def test_long_chains_stay_as_they_are_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxation, "MAX_RESIDUES", 8)
    _, atoms, angles = chain("A" * 9, [HELIX] * 9)
    before = structure("A" * 9, atoms)
    events = relaxed(before, angles.numpy())
    told = next(events)
    assert isinstance(told, Notice) and "more than 8 residues" in told.sentence
    with pytest.raises(StopIteration) as end:
        next(events)
    assert end.value.value == (before, False)


def test_frames_turn_about_themselves() -> None:
    turn = relaxation._small_turn(torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert torch.allclose(turn @ turn.transpose(1, 2), torch.eye(3).expand(2, 3, 3), atol=1e-6)
    assert torch.allclose(turn[1], torch.eye(3))
