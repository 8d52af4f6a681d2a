"""Looks into a Flamingo: how far its gates let pictures in, and whether it looked or guessed."""

from __future__ import annotations

import numpy as np

from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.types import Attribution, Axis
from backends.fewshot.explanation.flamingo import read_prompt
from backends.fewshot.explanation.gaze import gate_strengths


def gates(asked: ProbeRequest) -> Findings:
    """tanh(α) of each gated cross-attention and its dense layer: 0 lets nothing of the pictures in, ±1 all of it."""
    values = gate_strengths(asked.engine.model.network)
    asked.meter.add(1)
    axes = (
        Axis("layer", coordinates=tuple(float(number + 1) for number in range(len(values)))),
        Axis("gate", labels=("attention", "dense")),
    )
    strongest = int(values[:, 0].argmax())
    sentence = (
        f"Pictures come in most by layer {strongest + 1} of {len(values)}, whose gate is open by "
        f"{100 * values[strongest, 0]:.0f} %; the mean is {100 * values[:, 0].mean():.0f} %."
    )
    return Findings(Attribution(values, axes, "pictures", "gates", float(values[:, 0].mean())), (), sentence)


def look_or_guess(asked: ProbeRequest) -> Findings:
    """Did it look, or guess: the likelihood of each class with the picture, with a black one, and with an example of
    another class in its place."""
    prompt = read_prompt(asked.engine, asked.inputs)
    model = asked.engine.model
    own = prompt.likelihoods(prompt.features)
    best = int(own.argmax())
    variants = {"the picture": own, "black": prompt.likelihoods(model.encode_image(np.zeros_like(prompt.picture)))}
    other = next((shot for shot in prompt.runner.shots if shot.label != best), None)
    if other is not None:
        variants["a wrong picture"] = prompt.likelihoods(other.features)
    asked.meter.add(len(variants))
    table = np.stack(list(variants.values()))
    shares = np.exp(table - table.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    axes = (Axis("picture", labels=tuple(variants)), Axis("class", labels=prompt.classes))
    kept = [name for name, row in list(zip(variants, table, strict=True))[1:] if int(row.argmax()) == best]
    name = prompt.classes[best]
    sentence = f"It answers “{name}” with the picture alone: without it, or with a wrong one, it says something else."
    if kept:
        sentence = f"It answers “{name}” with {' and with '.join(kept)} too: this answer may be a guess."
    found = Attribution(shares.astype(np.float32), axes, name, "looked", float(shares[0, best]))
    return Findings(found, (), sentence)
