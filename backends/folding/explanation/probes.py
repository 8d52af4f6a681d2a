"""Looks into ESMFold and networks of its kind: its heads, how residues hang together, and how a fold comes about."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.types import Attribution, Axis
from backends.core.errors import BadInput
from backends.core.events import Artifact
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.engines import esm_trunk, language
from backends.folding.engines.distances import contact_probabilities
from backends.folding.explanation import predictor
from backends.folding.explanation.subject import residue_axis
from backends.folding.options import EsmFoldOptions
from backends.folding.pair_scores import average_product_correction, symmetrised
from backends.folding.residues import AMINO_ACIDS
from backends.folding.structure.atoms import CA

MIN_SEPARATION = 6
"""Pairs nearer in the chain are no contacts that say anything of the fold."""

MAX_FILM_RESIDUES = 400
SHARES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7)
"""Of the residues that are exchanged for others by chance, to see whether a broken sequence would fool the model."""


def heads(asked: ProbeRequest) -> Findings:
    """Attention heads against contacts: the precision of each head's L, L/2 and L/5 strongest pairs.

    The contacts are those that the model itself thinks likelier than not, at least six residues apart: this says which
    head holds what it believes, not whether that is true.
    """
    engine, sequence, aatype = _read_request(asked)
    with torch.inference_mode(), language.record_attention(engine.network.esm) as recorder:
        single = esm_trunk.embed(engine.network, aatype)
    assert recorder is not None
    last = esm_trunk.single_pass(engine.network, single, aatype, engine.chunk("auto", len(sequence)))
    asked.meter.add(1)
    contacts = contact_probabilities(esm_trunk.distogram(engine.network, last.pair)) > 0.5
    maps = recorder.maps().astype(np.float32)  # (layers, H, L, L)
    values = np.array([[precisions(head, contacts) for head in layer] for layer in maps])
    flat = values[..., 0]
    best = np.unravel_index(int(flat.argmax()), flat.shape)
    possible = far_pairs(len(sequence))
    chance = float(contacts[possible].mean()) if possible[0].size else 0.0
    near = precisions(-np.abs(np.subtract.outer(np.arange(len(sequence)), np.arange(len(sequence)))), contacts)[0]
    axes = (
        _numbered("layer", values.shape[0]),
        _numbered("head", values.shape[1]),
        Axis("pairs", labels=("L", "L/2", "L/5")),
    )
    sentence = (
        f"Head {best[1] + 1} of layer {best[0] + 1} holds most of its contacts: {100 * flat[best]:.0f} % of its L "
        f"strongest pairs; nearness along the chain alone gives {100 * near:.0f} %, chance {100 * chance:.0f} %."
    )
    if not contacts[possible].any():
        sentence = "The model believes in no contact of this chain, so there is none that a head could hold."
    return Findings(Attribution(values.astype(np.float32), axes, "contacts", "heads", float(flat[best])), (), sentence)


def influence(asked: ProbeRequest) -> Findings:
    """How far hiding one residue moves the language model's numbers of every other, made symmetric and corrected as
    the categorical Jacobian is (Zhang et al. 2024), of which it is the cheap form: L passes in place of 20 L."""
    engine, sequence, aatype = _read_request(asked)
    plain = esm_trunk.embed(engine.network, aatype)[0]
    rows = []
    for place in range(len(sequence)):
        hidden = torch.zeros_like(aatype, dtype=torch.bool)
        hidden[0, place] = True
        moved = esm_trunk.embed(engine.network, aatype, hidden)[0] - plain
        rows.append(moved.float().norm(dim=-1).cpu().numpy())
        asked.meter.add(1)
    return _pairs("influence", np.stack(rows))


def _pairs(method: str, raw: np.ndarray) -> Findings:
    """Strengths `(L, L)` from each residue to each other, made symmetric, corrected, and in words."""
    np.fill_diagonal(raw, 0.0)
    values = average_product_correction(symmetrised(raw)).astype(np.float32)
    axes = (residue_axis(len(raw)), Axis("other", coordinates=residue_axis(len(raw)).coordinates))
    pairs = far_pairs(len(raw))
    sentence = ""
    if pairs[0].size:
        top = int(values[pairs].argmax())
        one, other = int(pairs[0][top]) + 1, int(pairs[1][top]) + 1
        sentence = f"Of residues at least {MIN_SEPARATION} apart, {one} and {other} hang together most."
    return Findings(Attribution(values, axes, "residues", method, float(values.max())), (), sentence)


def jacobian(asked: ProbeRequest) -> Findings:
    """The categorical Jacobian (Zhang et al. 2024) of the language model under the fold: each residue is exchanged for
    each of the twenty, 20 L variants in all.

    With f the language model's numbers for residue j, J(i, a, j) = f(x with a at i) less its mean over a. The strength
    of a pair is the norm of J over a and the numbers, made symmetric and corrected by the average product.
    """
    engine, sequence, aatype = _read_request(asked)
    letters = torch.arange(len(AMINO_ACIDS), device=aatype.device)
    rows = []
    for place in range(len(sequence)):
        variants = aatype.repeat(len(letters), 1)
        variants[:, place] = letters
        numbers = esm_trunk.embed(engine.network, variants).float()  # (20, L, C)
        moved = numbers - numbers.mean(0)
        rows.append(moved.square().sum((0, 2)).sqrt().cpu().numpy())
        asked.meter.add(len(letters))
    return _pairs("jacobian", np.stack(rows))


def film(asked: ProbeRequest) -> Findings:
    """The belief film: contacts after each block of the trunk and each recycle, with the entropy of the distances, the
    confidence and the backbone, as if the network had stopped there.

    `film.npz` holds `entropy` and `plddt` `(steps, L)`, and `backbone` `(steps, L, 4, 3)` in Å: N, Cα, C and O."""
    engine, sequence, aatype = _read_request(asked)
    if len(sequence) > MAX_FILM_RESIDUES:
        raise BadInput(f"The film is kept for chains of up to {MAX_FILM_RESIDUES} residues.")
    network, length = engine.network, len(sequence)
    rounds = 1 + EsmFoldOptions().recycles * esm_trunk.has_recycling(network.trunk)
    contacts: list[np.ndarray] = []
    entropies: list[np.ndarray] = []
    confidence: list[np.ndarray] = []
    backbones: list[np.ndarray] = []

    def keep(_: Any, __: Any, output: Any) -> None:
        distances = esm_trunk.distogram(network, output[1])
        contacts.append(contact_probabilities(distances))
        entropies.append(-(distances * np.log(np.maximum(distances, 1e-9))).sum(-1).mean(-1))
        sureness, backbone = _fold_at(network, output, aatype)
        confidence.append(sureness)
        backbones.append(backbone)

    hooks = [block.register_forward_hook(keep) for block in network.trunk.blocks]
    try:
        with torch.inference_mode():
            single = esm_trunk.embed(network, aatype)
            for item in esm_trunk.passes(network, single, aatype, rounds, engine.chunk("auto", length)):
                if isinstance(item, esm_trunk.TrunkPass):
                    asked.meter.add(1)
    finally:
        for hook in hooks:
            hook.remove()
    entropy, plddt, backbone = map(np.stack, (entropies, confidence, backbones))
    np.savez_compressed(asked.out / "film.npz", entropy=entropy, plddt=plddt, backbone=backbone)
    blocks = len(network.trunk.blocks)
    labels = tuple(f"round {index // blocks + 1}, block {index % blocks + 1}" for index in range(len(contacts)))
    values = np.stack(contacts).astype(np.float32)  # (steps, L, L)
    axes = (
        Axis("step", labels=labels),
        residue_axis(length),
        Axis("other", coordinates=residue_axis(length).coordinates),
    )
    means = [float(one.mean()) for one in confidence]
    settled = next(index for index, mean in enumerate(means) if mean >= 0.95 * means[-1])
    sentence = f"Its confidence is within 5 % of its last ({means[-1]:.0f}) from {labels[settled]} on."
    found = Attribution(values, axes, "fold", "film", means[-1])
    return Findings(found, (Artifact("film", "film.npz", asked.out / "film.npz"),), sentence)


def broken(asked: ProbeRequest) -> Findings:
    """Would a broken sequence fool it: the TM-score to its own fold, and pLDDT, against the share of the residues that
    are exchanged for others."""
    from tmtools import tm_align

    query, _ = asked.engine.adapt_query(read_input(asked.inputs["query"]), {})
    sequence = query.sequence
    draw = np.random.default_rng(asked.question.seed)
    order, rows, own = draw.permutation(len(sequence)), [], None
    for share in SHARES:
        letters = list(sequence)
        for place in order[: round(share * len(sequence))]:
            letters[place] = str(draw.choice([letter for letter in AMINO_ACIDS if letter != letters[place]]))
        changed = "".join(letters)
        trace, plddt = _fold_in_one_round(asked.engine, query, changed)
        asked.meter.add(1)
        own = (trace, changed) if own is None else own
        rows.append((tm_align(trace, own[0], changed, own[1]).tm_norm_chain2, plddt))
    values = np.array(rows, np.float32)
    axes = (Axis("exchanged", "share", coordinates=SHARES), Axis("measure", labels=("tm", "plddt")))
    sentence = (
        f"With {100 * SHARES[-2]:.0f} % of its residues exchanged by chance the fold keeps a TM-score of "
        f"{values[-2, 0]:.2f} to itself, at a confidence of {values[-2, 1]:.0f} (before {values[0, 1]:.0f})."
    )
    return Findings(Attribution(values, axes, "fold", "broken", float(values[-2, 0])), (), sentence)


def _fold_in_one_round(engine: Any, query: Query, letters: str) -> tuple[np.ndarray, float]:
    """`(L, 3)` Cα in Å, and the mean confidence, of the chain with other residues."""
    if engine.name != "esmfold":
        model = predictor.predicted(engine, predictor.exchanged(query, letters))
        return model.structure.ca.astype(np.float64), float(np.mean(model.structure.confidence))
    aatype = esm_trunk.tokens(letters, engine.device)
    single = esm_trunk.embed(engine.network, aatype)
    last = esm_trunk.single_pass(engine.network, single, aatype, engine.chunk("auto", len(letters)))
    return last.atoms[:, CA].astype(np.float64), float(last.plddt.mean())


def _read_request(asked: ProbeRequest) -> tuple[Any, str, torch.Tensor]:
    """The engine, the sequence and its residues `(1, L)`."""
    query, _ = asked.engine.adapt_query(read_input(asked.inputs["query"]), {})
    return asked.engine, query.sequence, esm_trunk.tokens(query.sequence, asked.engine.device)


def _fold_at(network: Any, state: Any, aatype: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """`(L,)` pLDDT, 0 to 100, and the backbone `(L, 4, 3)` in Å, if the trunk stopped at this state."""
    trunk, length = network.trunk, aatype.shape[1]
    shape_of = torch.where(aatype == esm_trunk.UNKNOWN, torch.full_like(aatype, esm_trunk.GLYCINE), aatype)
    given = {"single": trunk.trunk2sm_s(state[0]), "pair": trunk.trunk2sm_z(state[1])}
    out = trunk.structure_module(given, shape_of, torch.ones_like(aatype).float())
    logits = network.lddt_head(out["states"][-1]).reshape(1, length, -1, network.lddt_bins)[0, :, CA]
    middles = (torch.arange(network.lddt_bins, device=logits.device) + 0.5) / network.lddt_bins
    plddt = 100 * (logits.softmax(-1) * middles).sum(-1).float().cpu().numpy()
    return plddt, out["positions"][-1][0, :, :4].float().cpu().numpy()  # N, Cα, C and O come first


def far_pairs(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of residues that are far enough apart in the chain."""
    return np.triu_indices(length, MIN_SEPARATION)


def precisions(scores: np.ndarray, contacts: np.ndarray) -> list[float]:
    """Of the L, L/2 and L/5 highest pairs far apart in the chain the share that are contacts."""
    pairs = far_pairs(len(contacts))
    if not pairs[0].size:
        return [0.0, 0.0, 0.0]
    ranked = np.argsort(-symmetrised(scores.astype(np.float32))[pairs], kind="stable")
    hits = contacts[pairs][ranked]
    return [float(hits[: max(1, len(contacts) // part)].mean()) for part in (1, 2, 5)]


def _numbered(name: str, count: int) -> Axis:
    return Axis(name, coordinates=tuple(float(number + 1) for number in range(count)))
