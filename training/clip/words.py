"""The text tower, taught to lie where the pictures are that a sentence is true of; the pictures' features stay.

Three things at once: which sentence goes with which picture (photographs, drawn scenes, and pictures that the published
classifier implies, drawn from the Gaussian of their class), by cross-entropy over a batch in which a sentence may be
true of several pictures; and words alone: each is drawn towards the mean of the classes that it means by WordNet.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evaluation.synthetic.scenes import untrue
from training.clip.captions import Entry, sentence, word_for
from training.clip.checks import Sayer, check, scene_accuracy
from training.clip.features import Features, Scene
from training.clip.linear_layer import LinearLayer
from training.clip.networks import encode_text, make_model
from training.clip.tokenizer import CONTEXT, training_sentences, write_tokenizer
from training.clip.wordnet import Meanings
from training.loop import Recipe, warm_then_linear

PHOTOS, IMPLIED, SCENES, WORDS = 96, 96, 32, 96
"""Of each in a batch: photographs, pictures that the classifier implies, drawn scenes, and words alone."""
UNPICTURED = 0.4
"""The part of the words alone that no class is called by."""
RATE, DECAY, WARM, FALL = 2e-3, 0.01, 30, 0.7
OWN_NAME, OWN_CAPTION, PLAIN = 0.6, 0.5, 0.5
"""How often an implied picture is called by its class's name, and not by something wider; a photograph by what its
collection says; and how often a word stands without a sentence around it."""
WORD_WEIGHT = 3.0
MEASURED = 200
"""Drawn scenes that are measured on, of those trained on: only to see that the training goes on."""


@dataclass
class Batch:
    """Unit features `(P, D)`, tokens `(S, L)`, the share `(P, S)` of each picture that a sentence is true of; and
    tokens `(W, L)` of words alone with their targets `(W, D)`."""

    pictures: Tensor
    tokens: Tensor
    truth: Tensor
    words: Tensor
    targets: Tensor


class Vocabulary:
    """The words for pictures and classes, and what is true of each.

    Args:
        meanings: of words in terms of ImageNet's classes.
        entries: the training photographs.
        layer: where each class lies.
    """

    def __init__(self, meanings: Meanings, entries: Sequence[Entry], layer: LinearLayer) -> None:
        self.meanings = meanings
        self.classes = [imagenet_classes(entry, meanings) for entry in entries]
        self.true_of = [_true_words(*pair, meanings) for pair in zip(entries, self.classes, strict=True)]
        self.true_of_class = [frozenset(word.lower() for word in words) for words in meanings.true_of]
        self.wider = [sorted(words) for words in meanings.true_of]
        counts = meanings.net.counts
        self.often = [[1 + math.sqrt(counts.get(word, 0)) for word in words] for words in self.wider]
        self.pictured, self.unpictured = sorted(meanings.pictured), sorted(meanings.unpictured)
        self.pictured_often, self.unpictured_often = (
            [1 + math.sqrt(counts.get(word, 0)) for word in words] for words in (self.pictured, self.unpictured)
        )
        directions = F.normalize(torch.from_numpy(layer.means).float(), dim=-1)
        both = meanings.pictured | meanings.unpictured
        self.targets = {word: F.normalize(directions[sorted(c)].mean(0), dim=0) for word, c in both.items()}

    def word_of_class(self, index: int, rng: random.Random) -> str:
        """One of a class's names, or something wider that is true of it, more often a common word."""
        if self.meanings.names[index] and rng.random() < OWN_NAME:
            return rng.choice(self.meanings.names[index])
        return rng.choices(self.wider[index], self.often[index])[0]

    def words_alone(self, rng: random.Random) -> list[str]:
        count = round(WORDS * UNPICTURED)
        return rng.choices(self.unpictured, self.unpictured_often, k=count) + rng.choices(
            self.pictured, self.pictured_often, k=WORDS - count
        )


class Words(Recipe):
    """The text tower on features that stay.

    Args:
        features: of the pictures, as the image tower gives them.
        layer: what makes 512 numbers of them.
        meanings: of the words.
        folder: where the tokenizer lies, or is written from the words.
        seed: of weights and batches.
    """

    network: Any
    ema_decay, clip_norm, log_every, check_every = 0.99, 5.0, 25, 100

    def __init__(self, features: Features, layer: LinearLayer, meanings: Meanings, folder: Path, seed: int = 0) -> None:
        from open_clip.tokenizer import HFTokenizer

        self.data, self.layer, self.folder, self.seed = features, layer, folder, seed
        self.vocabulary = Vocabulary(meanings, features.entries, layer)
        self.photos = torch.stack([self._project(view) for view in features.photos])  # (V, N, D)
        self.scenes = self._project(features.scenes)
        if not (folder / "tokenizer.json").exists():
            write_tokenizer(folder, self._sentences(random.Random(seed)))
        self.tokenizer = HFTokenizer(str(folder), context_length=CONTEXT, local_files_only=True)
        torch.manual_seed(seed)
        model = make_model()
        self.network = nn.ModuleDict({"text": model.text})
        self.network.register_parameter("logit_scale", nn.Parameter(torch.tensor(math.log(20.0))))

    def _project(self, rows: Tensor) -> Tensor:
        return torch.from_numpy(self.layer(rows.double().numpy())).float()

    def _sentences(self, rng: random.Random) -> list[str]:
        words = self.vocabulary
        said = [sentence(word, rng) for word in (*words.pictured * 3, *words.unpictured) for _ in range(2)]
        return training_sentences(self.data.entries, rng) + said

    def optimizers(self) -> list[torch.optim.Optimizer]:
        weights = dict(self.network.named_parameters())
        still = [weight for name, weight in weights.items() if weight.ndim < 2 or "embedding" in name]
        moving = [weight for name, weight in weights.items() if weight.ndim >= 2 and "embedding" not in name]
        groups = [
            {"params": moving, "peak": RATE, "weight_decay": DECAY},
            {"params": still, "peak": RATE, "weight_decay": 0.0},
        ]
        return [torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98), fused=True)]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, WARM, FALL)

    def batches(self, step: int, steps: int) -> Iterator[Batch]:
        rng = random.Random(f"{self.seed} from {step}")
        dice = np.random.default_rng(rng.getrandbits(40))
        while True:
            yield self._batch(rng, dice)

    def _batch(self, rng: random.Random, dice: np.random.Generator) -> Batch:
        words = self.vocabulary
        rows = rng.sample(range(len(self.data.entries)), PHOTOS)
        classes = [rng.randrange(len(words.wider)) for _ in range(IMPLIED)]
        numbers = rng.sample(range(len(self.data.drawn)), SCENES)
        said = [self._caption_of(row, rng) for row in rows]
        said += [_sentence(words.word_of_class(index, rng), rng) for index in classes]
        true_of = [words.true_of[row] for row in rows] + [words.true_of_class[index] for index in classes]
        scenes = [self.data.drawn[number] for number in numbers]
        claims = [claim for _, claim in scenes] + [untrue(scene, claim, rng) for scene, claim in scenes]

        truth = torch.zeros(len(true_of) + SCENES, len(said) + len(claims))
        photo_truth = [[float(word in own) for word, _ in said] for own in true_of]
        truth[: len(true_of), : len(said)] = torch.tensor(photo_truth)
        truth[len(true_of) :, len(said) :] = _holds(scenes, claims)
        pictures = torch.cat(
            [self.photos[rng.randrange(len(self.photos)), rows], self._implied(classes, dice), self.scenes[numbers]]
        )
        alone = words.words_alone(rng)
        return Batch(
            pictures,
            self._tokens([text for _, text in said] + [claim.sentence(rng) for claim in claims]),
            truth,
            self._tokens([_sentence(word, rng)[1] for word in alone]),
            torch.stack([words.targets[word] for word in alone]),
        )

    def _caption_of(self, row: int, rng: random.Random) -> tuple[str, str]:
        """A word that is true of a photograph, and a sentence with it."""
        entry, classes = self.data.entries[row], self.vocabulary.classes[row]
        if classes and rng.random() >= OWN_CAPTION:
            word = self.vocabulary.word_of_class(rng.choice(sorted(classes)), rng)
            if word.lower() in self.vocabulary.true_of[row]:
                return _sentence(word, rng)
        return _sentence(word_for(entry, rng)[1], rng)

    def _implied(self, classes: Sequence[int], dice: np.random.Generator) -> Tensor:
        """Unit features of pictures of these classes, drawn from the Gaussian around each class's mean."""
        noise = dice.normal(size=(len(classes), len(self.layer.scales)))
        rows = torch.from_numpy(self.layer.means[list(classes)] + noise * self.layer.scales).float()
        return F.normalize(rows, dim=-1)

    def _tokens(self, sentences: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(list(sentences))
        return tokens[:, : int((tokens > 0).sum(1).max())]

    def _texts(self, tokens: Tensor) -> Tensor:
        """Unit rows; sentences of like length are read together, so that little padding is."""
        lengths = (tokens > 0).sum(1)
        order = lengths.argsort()
        parts = [encode_text(self.network["text"], tokens[rows, : int(lengths[rows].max())]) for rows in order.chunk(3)]
        return F.normalize(torch.cat(parts)[order.argsort()], dim=-1)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        logits = self.network.logit_scale.exp().clamp(max=60) * batch.pictures @ self._texts(batch.tokens).T
        pairs = (agreement(logits, batch.truth) + agreement(logits.T, batch.truth.T)) / 2
        words = 1 - (self._texts(batch.words) * batch.targets).sum(1).mean()
        return pairs + WORD_WEIGHT * words, {"pairs": pairs, "words": words}

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        model = self.model_with(weights)
        kept, apart = ((self._project(rows), labels) for rows, labels in (self.data.kept, self.data.apart))
        say = Sayer(model, self.tokenizer)
        return check(say, kept, apart) | {"scenes": scene_accuracy(say, self.scenes[:MEASURED], self.data.drawn)}

    def model_with(self, weights: Mapping[str, Tensor]) -> Any:
        """The network with these weights of the text tower, for evaluation."""
        model = make_model()
        model.text.load_state_dict(
            {key.removeprefix("text."): v for key, v in weights.items() if key.startswith("text.")}
        )
        model.logit_scale.data.copy_(weights["logit_scale"])
        return model.eval()


def agreement(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of rows against the spread of what is true of them; rows of which nothing is true are left out."""
    mass = truth.sum(1, keepdim=True)
    rows = (mass > 0).flatten()
    return F.cross_entropy(logits[rows], truth[rows] / mass[rows])


def _holds(scenes: Sequence[Scene], claims: Sequence[Any]) -> Tensor:
    return torch.tensor([[float(claim.holds(scene)) for claim in claims] for scene, _ in scenes])


def _sentence(word: str, rng: random.Random) -> tuple[str, str]:
    return word.lower(), word if rng.random() < PLAIN else sentence(word, rng)


def imagenet_classes(entry: Entry, meanings: Meanings) -> frozenset[int]:
    """The ImageNet classes that a photograph may be of: of Tiny ImageNet its file says which."""
    if entry.origin == "tiny_imagenet":
        node = entry.file.split("/")[1].split("_")[0].removeprefix("n")
        return frozenset({meanings.nodes.index(node)} if node in meanings.nodes else ())
    return meanings.classes_of(entry.concepts[0].words)


def _true_words(entry: Entry, classes: frozenset[int], meanings: Meanings) -> frozenset[str]:
    """All words that are true of a photograph: its own, and those true of all classes that it may be of."""
    own = {word.lower() for concept in entry.concepts for word in concept.words}
    shared = frozenset.intersection(*(meanings.true_of[index] for index in classes)) if classes else frozenset()
    return frozenset(own | {word.lower() for word in shared})
