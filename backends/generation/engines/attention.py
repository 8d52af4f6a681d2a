"""The `attention` engine: at each word or letter of a text, what followed it last, and where each head looks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from backends.core.engine import Artifact, Event, Metric, Progress
from backends.core.errors import BadInput
from backends.generation.base import Film, GenerationEngine
from backends.generation.networks.attention import HEADS, LAYERS, LENGTH, LETTERS, Follower, Switches, answers
from backends.generation.options import AttentionOptions


def tokens(text: str) -> list[str]:
    """The words of a text, or its letters where it is one word.

    Raises:
        BadInput: there are none, too many, or too many different ones.
    """
    words = text.lower().split()
    words = list(words[0]) if len(words) == 1 else words
    if not words:
        raise BadInput("There is nothing to read; write some words or letters.")
    if len(words) > LENGTH:
        raise BadInput(f"This text has {len(words)} words; the network reads at most {LENGTH}.")
    if len(set(words)) > LETTERS:
        raise BadInput(f"This text has {len(set(words))} different words; the network knows only {LETTERS} symbols.")
    return words


def heads_named(text: str) -> frozenset[tuple[int, int]]:
    """ "1.2, 2.3" as (layer, head) from 0. Raises BadInput where there is no such head."""
    found = set()
    for word in text.replace(",", " ").split():
        layer, _, head = word.partition(".")
        if not (layer.isdigit() and head.isdigit() and 1 <= int(layer) <= LAYERS and 1 <= int(head) <= HEADS):
            raise BadInput(f"There is no head “{word[:12]}”; write layer.head, from 1.1 to {LAYERS}.{HEADS}.")
        found.add((int(layer) - 1, int(head) - 1))
    return frozenset(found)


class AttentionEngine(GenerationEngine):
    """Words stand for the network's symbols in the order in which they appear."""

    name: ClassVar[str] = "attention"

    def build(self) -> nn.Module:
        return Follower()

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        chosen = AttentionOptions.read(options)
        words = tokens(chosen.text)
        names = list(dict.fromkeys(words))
        letters = torch.tensor([[names.index(word) for word in words]], device=self.device)
        switches = Switches(heads_named(chosen.heads_off), chosen.positions, chosen.causal, chosen.temperature)
        with torch.inference_mode():
            logits, maps = self.network(letters, switches)
        wanted = answers(letters)[0]
        told = logits[0, :, : len(names)].argmax(-1)
        known = wanted >= 0
        rows = [
            {"word": word, "says": names[int(said)], "right": names[int(want)] if want >= 0 else None}
            for word, said, want in zip(words, told, wanted, strict=True)
        ]
        path = out / "attention.json"
        path.write_text(
            json.dumps({"rows": rows, "maps": [one[0].tolist() for one in maps]}, ensure_ascii=False), "utf-8"
        )
        yield Progress("Reading", 1, 1, "texts")
        if known.any():
            yield Metric("right", float((told == wanted)[known].float().mean()))
        yield Film((Artifact("attention", "attention", path),), 1)
