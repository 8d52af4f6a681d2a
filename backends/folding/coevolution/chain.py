"""A protein backbone of ideal geometry, moved by its torsions alone.

Bond lengths and angles are those of Engh & Huber (1991, Acta Cryst. A47, 392); only φ, ψ and ω turn. Each bond is a
rigid transform from the frame of one atom to that of the next, and the frame of residue i is the product of all
transforms before it. That running product is taken by doubling (a parallel prefix scan), so a chain of L residues
costs log₂ L steps.
"""

from __future__ import annotations

import math

import torch

N_CA, CA_C, C_N, C_O = 1.458, 1.525, 1.329, 1.231
N_CA_C, CA_C_N, C_N_CA, CA_C_O = (math.radians(angle) for angle in (111.0, 117.2, 121.7, 120.1))
ATOMS = ("N", "CA", "C", "O", "CB")


def _residue_template() -> torch.Tensor:
    """(4, 3) N, CA, C and CB of one residue in the frame of its C: x along CA→C, N in the xy plane, L-chirality."""
    c = torch.zeros(3)
    ca = torch.tensor([-CA_C, 0.0, 0.0])
    n = ca + N_CA * torch.tensor([math.cos(N_CA_C), math.sin(N_CA_C), 0.0])
    out, along = ca - n, c - ca
    # The tetrahedral place left over by N and C and the hydrogen; 1.53 Å from CA.
    cb = ca + 0.568 * out - 0.541 * along - 0.583 * torch.linalg.cross(out, along)
    return torch.stack([n, ca, c, cb])


_RESIDUE_TEMPLATE = _residue_template()


def _bond_transform(torsion: torch.Tensor, angle: float, length: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotation `(..., 3, 3)` and shift `(..., 3)` from the frame of one atom to that of the next along the chain.

    The natural extension reference frame (NeRF; Parsons et al. 2005, J. Comput. Chem. 26, 1063): x along the last
    bond, z normal to the plane of the last three atoms. For a bond of length r, angle θ and torsion τ the next atom
    lies at `r (−cos θ, sin θ cos τ, sin θ sin τ)`, and that direction is the next x.

    Args:
        torsion: `(...)` τ about the last bond, radians.
        angle: θ between the last bond and the next, radians.
        length: r of the next bond, Å.
    """
    sin, cos = torsion.sin(), torsion.cos()
    bent, straight = math.sin(angle), math.cos(angle)
    zero = torch.zeros_like(sin)
    along = torch.stack([zero - straight, bent * cos, bent * sin], -1)
    normal = torch.stack([zero, -sin, cos], -1)
    middle = torch.stack([zero - bent, -straight * cos, -straight * sin], -1)
    return torch.stack([along, middle, normal], -1), length * along


def _compose(
    first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """One rigid transform after the other: `(R₁, t₁) ∘ (R₂, t₂) = (R₁ R₂, R₁ t₂ + t₁)`."""
    return first[0] @ second[0], (first[0] @ second[1][..., None])[..., 0] + first[1]


def backbone(torsions: torch.Tensor) -> torch.Tensor:
    """The backbone atoms of chains given by their torsions.

    Args:
        torsions: `(B, L, 3)` φ, ψ, and the ω before each residue, radians. φ and ω of the first residue move nothing.

    Returns:
        `(B, L, 5, 3)` Å, the atoms in the order of ATOMS. Every residue gets a CB, glycine too.

    >>> chain = backbone(torch.zeros(1, 4, 3))
    >>> chain.shape, round(float((chain[0, 1, 1] - chain[0, 1, 0]).norm()), 3) == N_CA
    (torch.Size([1, 4, 5, 3]), True)
    """
    phi, psi, omega = torsions.unbind(-1)
    local = _compose(
        _compose(_bond_transform(psi[:, :-1], CA_C_N, C_N), _bond_transform(omega[:, 1:], C_N_CA, N_CA)),
        _bond_transform(phi[:, 1:], N_CA_C, CA_C),
    )
    batch = len(torsions)
    rotation = torch.cat([torch.eye(3).expand(batch, 1, 3, 3), local[0]], 1)  # (B, L, 3, 3)
    shift = torch.cat([torch.zeros(batch, 1, 3), local[1]], 1)  # (B, L, 3)
    step = 1
    while step < rotation.shape[1]:  # after each round frame i is the product of the last 2 · step transforms
        joined = _compose((rotation[:, :-step], shift[:, :-step]), (rotation[:, step:], shift[:, step:]))
        rotation = torch.cat([rotation[:, :step], joined[0]], 1)
        shift = torch.cat([shift[:, :step], joined[1]], 1)
        step *= 2
    oxygen = _bond_transform(psi + math.pi, CA_C_O, C_O)[1]  # (B, L, 3)
    local_atoms = torch.cat(
        [
            _RESIDUE_TEMPLATE[:3].expand(*psi.shape, 3, 3),
            oxygen[..., None, :],
            _RESIDUE_TEMPLATE[3:].expand(*psi.shape, 1, 3),
        ],
        -2,
    )
    return local_atoms @ rotation.transpose(-1, -2) + shift[..., None, :]
