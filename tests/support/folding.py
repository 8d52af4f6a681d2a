"""Small folding networks with random weights, saved as the published ones are, and an ideal helix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backends.folding.structure.structure import Structure
from tests.support.weights import scattered

PEPTIDE = "MKTAYIAKQRQISFVKSHFSRQ"


def save_esmfold(folder: Path) -> Path:
    """A folder with a complete ESMFold of two small blocks: `config.json` and `model.safetensors`."""
    import torch
    from transformers import EsmConfig, EsmForProteinFolding

    torch.manual_seed(0)
    structure = {"sequence_dim": 32, "pairwise_dim": 16, "ipa_dim": 4, "resnet_dim": 16, "num_heads_ipa": 2}
    trunk = {
        "num_blocks": 2,
        "sequence_state_dim": 32,
        "pairwise_state_dim": 16,
        "sequence_head_width": 8,
        "pairwise_head_width": 8,
        "chunk_size": None,
        "structure_module": {**structure, "num_qk_points": 2, "num_v_points": 2, "num_blocks": 2},
    }
    config = EsmConfig(
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        layer_norm_eps=1e-5,
        is_folding_model=True,
        esmfold_config={"fp16_esm": True, "lddt_head_hid_dim": 16, "trunk": trunk},
    )
    scattered(EsmForProteinFolding(config).float()).save_pretrained(folder)
    return folder


def save_esmfold2(folder: Path) -> Path:
    """A folder with a complete small ESMFold2 that has a part for alignments."""
    import torch
    from transformers import EsmFold2Config, EsmFold2Model

    torch.manual_seed(0)
    atoms = {"hidden_size": 64, "output_dim": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    diffusion = {"hidden_size": 32, "fourier_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = EsmFold2Config(
        hidden_size=32,
        pairwise_hidden_size=16,
        single_inputs_size=32 + 67,
        pair_transition_intermediate_size=32,
        sliding_window=32,
        num_loops=2,
        folding_trunk_num_hidden_layers=1,
        parcae_num_coda_layers=1,
        atom_encoder={**atoms, "intermediate_size": 32},
        structure_head={
            "num_distogram_bins": 16,
            "inference_num_steps": 4,
            "diffusion_module": {
                **diffusion,
                "intermediate_size": 32,
                "pair_intermediate_size": 32,
                "atom_encoder": {**atoms, "intermediate_size": 32},
            },
        },
        confidence_head={"num_hidden_layers": 1, "distogram_bins": 16},
        msa_encoder={
            "hidden_size": 16,
            "outer_hidden_size": 4,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 8,
            "intermediate_size": 16,
        },
        lm_encoder={"num_hidden_layers": 1},
        esmc_config={
            "model_type": "esmc",
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
        },
    )
    scattered(EsmFold2Model(config).float()).save_pretrained(folder)
    return folder


def helix(sequence: str, confidence: float | None = 88.5) -> Structure:
    """An ideal α-helix (φ −57°, ψ −47°) with this sequence, built atom by atom from bonds, angles and torsions."""
    bonds = (1.329, 1.458, 1.525)  # C–N, N–CA, CA–C
    angles = np.radians((116.6, 121.7, 111.0))  # at C, N and CA of the atom before
    torsions = np.radians((-47.0, 180.0, -57.0))  # ψ, ω, φ lead to N, CA and C
    atoms = [np.array([0.0, 0, 0]), np.array([1.458, 0, 0]), np.array([2.005, 1.42, 0])]
    for number in range(3, 3 * len(sequence)):
        a, b, c = atoms[-3:]
        along = (c - b) / np.linalg.norm(c - b)
        normal = np.cross(b - a, along)
        normal /= np.linalg.norm(normal)
        bond, angle, torsion = bonds[number % 3], np.pi - angles[number % 3], torsions[number % 3]
        side = np.cos(torsion) * np.cross(normal, along) + np.sin(torsion) * normal
        atoms.append(c + bond * (np.cos(angle) * along + np.sin(angle) * side))
    backbone = np.array(atoms).reshape(-1, 3, 3)
    known = None if confidence is None else confidence - np.arange(len(sequence)) % 5
    method = "" if confidence is None else "prediction"
    return Structure.from_backbone(backbone, sequence, confidence=known, method=method)
