"""A protein backbone of ideal geometry, moved by its torsions alone.

Bond lengths and angles are those of Engh & Huber (1991, Acta Cryst. A47, 392); only φ, ψ and ω turn. The frames of all
residues are one running product of local turns, taken by doubling, so that a chain of L costs log L steps.
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
    """Rotation (..., 3, 3) and shift (..., 3) from the frame of one atom to that of the next along the chain.

    The natural extension of the reference frame (Parsons et al. 2005, J. Comput. Chem. 26, 1063): x along the bond,
    z normal to the plane of the last three atoms.
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
    return first[0] @ second[0], (first[0] @ second[1][..., None])[..., 0] + first[1]


def backbone(torsions: torch.Tensor) -> torch.Tensor:
    """Coordinates (B, L, 5, 3) in Å of ATOMS, from `torsions` (B, L, 3): φ, ψ and the ω before each residue, radians.

    Every residue gets a CB, glycine too. φ and ω of the first residue move nothing.
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
    while step < rotation.shape[1]:
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
