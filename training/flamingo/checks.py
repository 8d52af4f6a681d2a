"""What the Flamingo starter is watched by while it trains: naming of what was kept apart, and questions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.fewshot.flamingo.interleave import ASK_NAME
from evaluation.datasets.drawn_shapes import Episode, episode, question_pictures
from evaluation.synthetic.shape_questions import ask, questions
from training.flamingo.episodes import Batch, Prompt, Scribe
from training.flamingo.network import look, normalised

EPISODES, WAYS, ASKED = 48, 2, 200


class Checks:
    """The same for every check of a training."""

    def __init__(self, scribe: Scribe, seed: int = 0) -> None:
        rng = random.Random(f"checks {seed}")
        self.scribe = scribe
        self.episodes = {
            (kind, shots): [episode(kind, WAYS, shots, rng) for _ in range(EPISODES)]
            for kind in ("shape", "fill", "pair")
            for shots in (1, 4)
        }
        self.asked = question_pictures(ASKED, rng)

    @torch.inference_mode()
    def run(self, network: Any) -> dict[str, float]:
        """Shares that are right: `shape, 1 shot` and so on, and `colour?` and so on."""
        found: dict[str, float] = {}
        for (kind, shots), some in self.episodes.items():
            found[f"{kind}_{shots}"] = float(
                np.mean([r for part in _parts(some, 16) for r in self._named(network, part)])
            )
        return found | self._answered(network)

    def _named(self, network: Any, some: Sequence[Episode]) -> list[bool]:
        """Whether the right name of each is the likeliest."""
        latents, _ = look(network, normalised(torch.from_numpy(np.concatenate([one.pictures for one in some]))))
        prompts, start = [], 0
        for one_ in some:
            for name in one_.names:
                prompt = Prompt()
                for place, label in enumerate(one_.labels[:-1]):
                    self.scribe.turn(prompt, start + place, ASK_NAME, one_.names[label], False)
                self.scribe.turn(prompt, start + len(one_.labels) - 1, ASK_NAME, name, True)
                prompt.learned[-1] = False  # the engine weighs names without what ends them
                prompts.append(prompt)
            start += len(one_.labels)
        batch = Batch.of(prompts)
        likely = likelihoods(network, batch, latents)
        scores = torch.stack([row[mask[1:]].mean() for row, mask in zip(likely, batch.learned, strict=True)])
        best = scores.view(len(some), -1).argmax(1).tolist()
        return [choice == one_.labels[-1] for choice, one_ in zip(best, some, strict=True)]

    def _answered(self, network: Any) -> dict[str, float]:
        """Shares of questions without examples that are answered word for word."""
        store, rng = self.asked, random.Random("questions")
        right: dict[str, list[bool]] = {}
        latents, _ = look(network, normalised(torch.from_numpy(np.asarray(store.pictures))))
        rows = [(row, kind) for row in range(len(store.facts)) for kind in questions(store.facts, row)]
        rows = [(row, kind) for row, kind in rows if kind not in ("name", "caption")]
        for part in _parts(rows, 100):
            prompts = []
            for row, kind in part:
                prompt = Prompt()
                self.scribe.turn(prompt, row, *ask(kind, store.facts, row, rng), True)
                prompts.append(prompt)
            batch = Batch.of(prompts)
            logits = logits_of(network, batch, latents)
            hit = (logits.argmax(-1) == batch.tokens[:, 1:]) | ~batch.learned[:, 1:]
            for (_, kind), each in zip(part, hit.all(1).tolist(), strict=True):
                right.setdefault(f"{kind}?", []).append(each)
        return {kind: float(np.mean(some)) for kind, some in sorted(right.items())}


def logits_of(network: Any, batch: Batch, latents: Tensor, wanted: Tensor | None = None) -> Tensor:
    """What the network expects after each token but the last `(B, T - 1, V)`; `latents` `(N, L, W)` of all pictures.

    wanted: `(B, T - 1)`, after which tokens to say it; then `(K, V)`.
    """
    out = network.model(
        input_ids=batch.tokens[:, :-1],
        perceiver_embeddings=latents[batch.pictures],
        image_attention_mask=batch.sees[:, :-1],
        use_cache=False,
    )
    hidden = out.last_hidden_state
    return network.lm_head(hidden if wanted is None else hidden[wanted])


def likelihoods(network: Any, batch: Batch, latents: Tensor) -> Tensor:
    """Log likelihood of each token but the first `(B, T - 1)`."""
    likely = logits_of(network, batch, latents).log_softmax(-1)
    return likely.gather(-1, batch.tokens[:, 1:, None])[..., 0]


def _parts(some: Sequence[Any], count: int) -> list[Sequence[Any]]:
    return [some[start : start + count] for start in range(0, len(some), count)]
