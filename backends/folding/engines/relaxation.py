"""Relaxation of a folded chain: what no protein may do is undone while the atoms move as little as that takes.

Small networks lay residues out one by one and leave atoms inside each other. As AlphaFold relaxes its models (Jumper et
al. 2021, supplement 1.8.6), though without a force field: residues keep their own bonds, and their frames and torsion
angles go down the gradient of the violations of supplement 1.9.11 (clashes, and joints that are too long or bent), of
twists φ, ψ outside the allowed regions, and of the distance from where they were.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.models.esm.openfold_utils import residue_constants
from transformers.models.esm.openfold_utils.data_transforms import make_atom14_masks
from transformers.models.esm.openfold_utils.feats import (
    atom14_to_atom37,
    frames_and_literature_positions_to_atom14_pos,
    torsion_angles_to_frames,
)
from transformers.models.esm.openfold_utils.rigid_utils import Rigid, Rotation

from backends.core.engine import Notice, Progress
from backends.folding.engines.rigid_geometry import dihedral, frames_of, length_of, rotation_of
from backends.folding.residues import ALPHAFOLD_ORDER
from backends.folding.structure import offenders
from backends.folding.structure.atoms import CA, RADII, C, N
from backends.folding.structure.geometry import ALLOWED, find_overlaps, ramachandran_class
from backends.folding.structure.structure import Structure

STAGE = "Relaxing"
STEPS = 80
MOVE, TURN, TWIST = 0.1, 0.015, 0.05
"""Å, and radians of frames and of torsion angles, by which a step moves at most, about."""
CLASHES, JOINTS, TWISTS, STAY = 5.0, 2.0, 0.3, 0.05
"""How much each counts: overlap an atom in Å, joints, squared radians outside allowed regions, Å² from the start."""
OVERLAP = 0.7
"""Å that the spheres of two atoms may overlap; beyond 1 Å it counts as a clash. A hydrogen bond's do by half an Å."""
INSIDE = 5.0
"""Degrees by which a twist is drawn inside the border of an allowed region."""
MAX_RESIDUES = 400
"""Every pair of atoms is looked at: longer chains would take gigabytes."""

BOND = offenders.BOND_LENGTHS["C-N"]
ANGLES = tuple(math.cos(math.radians(offenders.BOND_ANGLES[name])) for name in ("CA-C-N", "C-N-CA"))
STRIDE = 3.80
"""Å from one Cα to the next across a flat trans bond."""
BETA = 4
"""The place of Cβ among the 14 atoms of a residue; side chains go on behind it."""


@dataclass(frozen=True)
class _Tables:
    """Of each kind of residue, numbered as AlphaFold does: rigid groups and where their atoms are."""

    frames: Tensor
    groups: Tensor
    mask: Tensor
    places: Tensor
    radii: Tensor

    @classmethod
    def make(cls) -> _Tables:
        names = residue_constants.restype_name_to_atom14_names
        kinds = [*(residue_constants.restype_1to3[letter] for letter in ALPHAFOLD_ORDER), "UNK"]
        return cls(
            torch.tensor(residue_constants.restype_rigid_group_default_frame),
            torch.tensor(residue_constants.restype_atom14_to_rigid_group),
            torch.tensor(residue_constants.restype_atom14_mask),
            torch.tensor(residue_constants.restype_atom14_rigid_group_positions),
            torch.tensor([[RADII.get(atom[:1], 0.0) for atom in names[kind]] for kind in kinds]),
        )


class Relaxation:
    """One chain on its way: `run` takes the steps, `atoms` is where it is.

    Args:
        kinds: `(L,)` int64, residues as AlphaFold numbers them; none is unknown.
        atoms: `(L, 37, 3)` Å, as folded.
        angles: `(L, 7, 2)` sin and cos of ω, φ, ψ and χ1 to χ4, as folded.
    """

    def __init__(self, kinds: Tensor, atoms: Tensor, angles: Tensor) -> None:
        self.kinds, self.tables = kinds, _Tables.make()
        n, ca, c = (atoms[:, place].float() for place in (N, CA, C))
        self.rotation, self.start = frames_of(n, ca, c)
        self.move, self.turn = torch.zeros_like(ca), torch.zeros_like(ca)
        self.angles = angles.float().clone()
        radii = self.tables.radii[kinds]  # (L, 14)
        self.rows, self.places = radii.nonzero(as_tuple=True)
        self.radii = radii[self.rows, self.places]
        self.apart = self._may_not_touch()
        self.boxes = _boxes([ramachandran_class(ALPHAFOLD_ORDER[kind]) for kind in kinds.tolist()])

    def _may_not_touch(self) -> Tensor:
        """(A, A) bool, of each pair once: of residues that do not follow each other, or side chains of some that do.

        Of neighbours the rest is held by bonds; proline's ring is bonded to the residue before it.
        """
        after = self.rows[None] - self.rows[:, None]
        ring = self.kinds[self.rows] == ALPHAFOLD_ORDER.index("P")
        side = (self.places >= BETA) & ~ring
        beyond = (self.places > BETA) & ~ring
        beside = side[:, None] & side & (beyond[:, None] | beyond)
        bridge = (self.radii == RADII["S"])[:, None] & (self.radii == RADII["S"])
        return ((after >= 2) | ((after == 1) & beside)) & ~bridge

    def run(self) -> Iterator[int]:
        """Takes STEPS steps, and yields how many are done."""
        for weight in (self.move, self.turn, self.angles):
            weight.requires_grad_(True)
        optimiser = torch.optim.Adam(
            [{"params": [self.move], "lr": MOVE}, {"params": [self.turn], "lr": TURN},
             {"params": [self.angles], "lr": TWIST}]
        )  # fmt: skip
        for step in range(STEPS):
            with torch.inference_mode(False), torch.enable_grad():  # both belong to a thread: set anew for every step
                optimiser.zero_grad()
                self.wrong().backward()
                optimiser.step()
            yield step + 1

    def wrong(self) -> Tensor:
        """What is to become small."""
        whole = self._atoms14()  # (L, 14, 3)
        n, ca, c = whole[:, 0], whole[:, 1], whole[:, 2]
        return (
            CLASHES * self._clashes(whole[self.rows, self.places])
            + JOINTS * _joints(n, ca, c)
            + TWISTS * self._twists(n, ca, c)
            + STAY * self.move.square().sum(-1).mean()
        )

    def _atoms14(self) -> Tensor:
        tables, kinds = self.tables, self.kinds
        turned = Rotation(rot_mats=self.rotation @ _small_turn(self.turn), quats=None)
        frames = torsion_angles_to_frames(
            Rigid(turned, self.start + self.move), F.normalize(self.angles, dim=-1), kinds, tables.frames
        )
        return frames_and_literature_positions_to_atom14_pos(
            frames, kinds, tables.frames, tables.groups, tables.mask, tables.places
        )

    def _clashes(self, points: Tensor) -> Tensor:
        """By how many Å, per atom, spheres overlap by more than OVERLAP; `points` `(A, 3)`."""
        with torch.no_grad():
            reach = self.radii[:, None] + self.radii - OVERLAP
            one, other = ((torch.cdist(points, points) < reach) & self.apart).nonzero(as_tuple=True)
        gap = length_of(points[one] - points[other])
        return (self.radii[one] + self.radii[other] - OVERLAP - gap).clamp(min=0).sum() / len(points)

    def _twists(self, n: Tensor, ca: Tensor, c: Tensor) -> Tensor:
        """Mean squared radians of φ and ψ outside the nearest allowed box of inner residues."""
        if len(ca) < 3:
            return ca.sum() * 0
        phi = _angle(c[:-2], n[1:-1], ca[1:-1], c[1:-1])
        psi = _angle(n[1:-1], ca[1:-1], c[1:-1], n[2:])
        left, right, bottom, top = self.boxes[1:-1].unbind(-1)  # (L − 2, boxes) each, in radians
        off = _outside(phi[:, None], left, right).square() + _outside(psi[:, None], bottom, top).square()
        return off.amin(1).mean()

    @torch.no_grad()
    def atoms(self) -> np.ndarray:
        """`(L, 37, 3)` float32 where the atoms are now."""
        maps: dict[str, Tensor] = make_atom14_masks({"aatype": self.kinds[None]})
        moved: np.ndarray = atom14_to_atom37(self._atoms14()[None], maps)[0].numpy()
        return moved


def relaxed(structure: Structure, angles: np.ndarray) -> Generator[Progress | Notice, None, tuple[Structure, bool]]:
    """`structure` relaxed, after a sentence that tells by how much, and whether it is: long chains stay as they are.

    Args:
        structure: a chain with all its heavy atoms, as folded.
        angles: `(L, 7, 2)`, as `Relaxation` takes them.
    """
    if len(structure) > MAX_RESIDUES:
        yield Notice(
            f"Chains of more than {MAX_RESIDUES} residues are not relaxed: the fold is as the network gave it."
        )
        return structure, False
    known = structure.sequence.replace("X", "G")  # as the network shapes what it does not know
    kinds = torch.tensor([ALPHAFOLD_ORDER.index(letter) for letter in known])
    chain = Relaxation(kinds, torch.from_numpy(structure.atoms), torch.from_numpy(angles))
    for done in chain.run():
        yield Progress(STAGE, done, STEPS)
    atoms = chain.atoms()
    if not np.isfinite(atoms).all():
        yield Notice("The fold could not be relaxed, so it is as the network gave it.")
        return structure, False
    moved = np.linalg.norm(atoms[:, CA] - structure.ca, axis=-1)
    after = replace(structure, atoms=atoms.astype(structure.atoms.dtype))
    before, now = (len(find_overlaps(one, least=1.0).overlap) for one in (structure, after))
    yield Notice(
        f"Relaxed: residues moved by {moved.mean():.1f} Å on average, at most {moved.max():.1f} Å. {before} pairs of "
        f"atoms sat inside each other, now {now} do. That makes the fold possible, not more certain."
    )
    return after, True


def _boxes(classes: list[str]) -> Tensor:
    """(L, boxes, 4) in radians: what is allowed to each residue; the shorter lists end in their first box anew."""
    most = max(len(boxes) for boxes in ALLOWED.values())
    rows = [[*ALLOWED[name], *[ALLOWED[name][0]] * (most - len(ALLOWED[name]))] for name in classes]
    drawn_in = torch.tensor([INSIDE, -INSIDE, INSIDE, -INSIDE])
    return torch.deg2rad(torch.tensor(rows) + drawn_in)


def _outside(angle: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """By how much angles are outside of [low, high], the shorter way round; radians."""
    middle, half = (low + high) / 2, (high - low) / 2
    off = torch.remainder(angle - middle + math.pi, 2 * math.pi) - math.pi
    return (off.abs() - half).clamp(min=0)


def _joints(n: Tensor, ca: Tensor, c: Tensor) -> Tensor:
    """How far bonds between residues, the angles beside them and the steps of Cα are from ideal."""
    bond, step = n[1:] - c[:-1], ca[1:] - ca[:-1]
    first = F.cosine_similarity(ca[:-1] - c[:-1], bond, dim=-1)
    second = F.cosine_similarity(-bond, ca[1:] - n[1:], dim=-1)
    off = F.smooth_l1_loss(length_of(bond), torch.full_like(bond[:, 0], BOND), beta=0.1)
    off = off + F.smooth_l1_loss(length_of(step), torch.full_like(step[:, 0], STRIDE), beta=0.1)
    return off + (first - ANGLES[0]).square().mean() + (second - ANGLES[1]).square().mean()


def _small_turn(vector: Tensor) -> Tensor:
    """Rotations `(L, 3, 3)` of the quaternions (1, vector), made of length 1."""
    return rotation_of(F.normalize(torch.cat([torch.ones_like(vector[:, :1]), vector], -1), dim=-1))


def _angle(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Radians about b–c of points `(K, 3)`."""
    return torch.atan2(*dihedral(a, b, c, d).unbind(-1))
