"""The `clip` engine: pictures and sentences in one space, by the networks of open_clip."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from backends.attribution.types import Network
from backends.core.errors import WeightsMissing
from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import ARCHITECTURES
from backends.fewshot.clip.explainable import image_network, text_network
from backends.fewshot.clip.files import load_clip
from backends.fewshot.preparation import prepare_image
from backends.fewshot.tower import Tower
from backends.shared.device_memory import out_of_memory_as_sentence
from backends.weights.digests import hash_file, outcome

ADVICE = "There is not enough memory for this model: close other programs, or choose a smaller one."
MAX_CROPPED_ASPECT = 2
"""Of the longer side to the shorter one, from which on it is said that the ends of a picture are not seen."""

BATCHES = {"cuda": 128, "mps": 64}
TEXT_BATCH = 64
"""Sentences encoded at once."""


class ClipEngine(FeatureEngine):
    """A CLIP, SigLIP or MobileCLIP of open_clip.

    Attributes:
        network: the whole model; tower: its image encoder; tokenizer: of its text encoder, None where its files are
            missing; missing_tokenizer: the sentence that says how to get them.
    """

    name: ClassVar[str] = "clip"
    version: ClassVar[str] = "1"

    def load(self, device: str) -> None:
        if not self.weights:
            raise WeightsMissing(f"“{self.card.title}” needs its weights: download them, or choose a file or folder.")
        with out_of_memory_as_sentence(ADVICE):
            loaded = load_clip(_weights_path(self.weights), ARCHITECTURES.get(self.card.id, ""))
            self.network: Any = loaded.network.to(device)
        self.device, self.batch = device, BATCHES.get(device, self.batch)
        self.tower, self.tokenizer, self.missing_tokenizer = (
            self.network.visual,
            loaded.tokenizer,
            loaded.missing_tokenizer,
        )
        self.preprocessing, self.side = loaded.preprocess, int(loaded.preprocess.size)
        self.understands_words = True
        self.logit_scale = float(self.network.logit_scale.exp())
        self.dimensions = self.encode_images(np.zeros((1, self.side, self.side, 3), np.uint8)).shape[1]
        self._digest = self._digest_of_model()

    @property
    def space(self) -> str:
        half = "-half" if self.device == "cuda" else ""
        return f"{self.name}-{self.version}-{self._digest}{half}"

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """The same pixels as open_clip's own transform, but only the part that is used is resampled."""
        return prepare_image(
            picture,
            self.side,
            self.preprocessing.resize_mode,
            self.preprocessing.interpolation,
            self.preprocessing.fill_color,
        )

    def crop_remark(self, width: int, height: int) -> str:
        long, short = max(width, height), min(width, height)
        if self.preprocessing.resize_mode != "shortest" or long <= MAX_CROPPED_ASPECT * short:
            return ""
        ends = "left and right" if width > height else "top and bottom"
        return f"is much longer than wide: this model sees only the square in its middle, not what is {ends} of it."

    def pixels(self, prepared: np.ndarray) -> Tensor:
        """`(B, 3, side, side)` on the device, normalised as in the training of the network."""
        scales = (self.preprocessing.mean, self.preprocessing.std)
        mean, std = (torch.tensor(values, device=self.device).view(1, 3, 1, 1) for values in scales)
        scaled = torch.from_numpy(prepared).to(self.device).permute(0, 3, 1, 2).float() / 255
        return (scaled - mean) / std

    def encode_images(self, prepared: np.ndarray) -> np.ndarray:
        with self._computing():
            return self.network.encode_image(self.pixels(prepared), normalize=True).float().cpu().numpy()

    def image_tower(self) -> torch.nn.Module:
        mean, spread = ([255 * value for value in part] for part in (self.preprocessing.mean, self.preprocessing.std))
        return Tower(self.tower, mean, spread)

    def preparation(self) -> Mapping[str, str | int]:
        known = self.preprocessing
        return {"mode": known.resize_mode, "interpolation": known.interpolation, "fill": known.fill_color}

    def encode_text(self, sentences: Sequence[str]) -> np.ndarray:
        if self.tokenizer is None:
            raise WeightsMissing(self.missing_tokenizer)
        features = [np.zeros((0, self.dimensions), np.float32)]
        with self._computing():
            for start in range(0, len(sentences), TEXT_BATCH):
                tokens = self.tokenizer(list(sentences[start : start + TEXT_BATCH])).to(self.device)
                features.append(self.network.encode_text(tokens, normalize=True).float().cpu().numpy())
        return np.concatenate(features)

    def truncated_texts(self, sentences: Sequence[str]) -> list[str]:
        if self.tokenizer is None:
            return []
        inner = getattr(self.tokenizer, "tokenizer", None)
        ends = 2 if inner is None else 0  # open_clip's own `encode` adds neither the start nor the end token
        # It would warn on the terminal of what is counted here to be said on the page.
        counts = [
            len(self.tokenizer.encode(text) if inner is None else inner(text, verbose=False).input_ids)
            for text in sentences
        ]
        max_tokens = self.tokenizer.context_length - ends
        return [text for text, count in zip(sentences, counts, strict=True) if count > max_tokens]

    def image_network(self, prepared: np.ndarray, direction: np.ndarray) -> Network:
        return image_network(self.tower, self.pixels(prepared[None]), direction)

    def text_network(self, sentence: str, direction: np.ndarray) -> Network | None:
        return None if self.tokenizer is None else text_network(self.network, self.tokenizer, sentence, direction)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Without gradients, and in half precision on a graphics card, where that is faster."""
        half = torch.autocast("cuda", dtype=torch.float16, enabled=self.device == "cuda")
        with out_of_memory_as_sentence(ADVICE), torch.inference_mode(), half:
            yield

    def _digest_of_model(self) -> str:
        """A digest of what features depend on: the weights and the preprocessing."""
        known = "".join(file.sha256 for file in self.card.files) or digests_of(self.weights[0])
        return sha256(
            (known + json.dumps(asdict(self.preprocessing), sort_keys=True, default=str)).encode()
        ).hexdigest()[:16]


def _weights_path(weights: tuple[Path, ...]) -> Path:
    """The file or folder to read: the folder where a card has several files."""
    return weights[0] if len(weights) == 1 else weights[0].parent


def digests_of(path: Path) -> str:
    """The sha256 of a file, or of every file in a folder."""
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    return "".join(outcome(hash_file(file)) for file in files)
