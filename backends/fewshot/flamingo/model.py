"""IDEFICS with a prompt cache: images to latents, examples to a key-value cache, answers scored or generated on it.

IDEFICS is an open Flamingo (Alayrac et al. 2022; Laurençon et al. 2023): a frozen vision tower, a perceiver resampler
that makes each picture a few latents, and a language model whose words look at them through gated cross-attention.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer, DynamicCache, IdeficsForVisionText2Text, IdeficsImageProcessorPil
from transformers.utils import logging as library_logging

from backends.core.errors import TooLarge, WeightsBroken
from backends.fewshot.flamingo.interleave import PromptTokenizer, SplitPrompt, attended_image
from backends.fewshot.flamingo.likeness import SETTING, TOWER_FILE, BorrowedEye
from backends.shared.device_memory import out_of_memory_as_sentence
from backends.weights.pretrained import load_pretrained

log = logging.getLogger(__name__)

MAX_ANSWER_TOKENS = 60
"""About forty words."""

NEXT_TURN = "User:"
"""The beginning of the next question in the prompt format."""

FLOAT32_FACTOR, HALF_FACTOR = 2.05, 1.05
"""Bytes of memory per byte on disk: the weights are published in half precision."""

OUT_OF_MEMORY = (
    "There is not enough memory for this model and its examples: close other programs, set “shots” to a smaller "
    "number, or run it on a larger machine."
)


@dataclass(frozen=True)
class ImageFeatures:
    """An image as the language model visible it.

    Attributes:
        latents: `(L, W)`, what the cross-attention reads.
        feature: `(D,)` float32, by which likeness goes: the pooled output of the vision tower, and of a borrowed one.
    """

    latents: Tensor
    feature: np.ndarray


@dataclass
class PromptCache:
    """The key-value cache of a prompt up to the image that is asked about.

    Attributes:
        cache: keys and values of every layer.
        length: number of tokens in it.
    """

    cache: DynamicCache
    length: int


class IdeficsModel:
    """An IDEFICS network with its tokenizer, from a folder as its repository on the hub holds it.

    Args:
        folder: which.
        device: where it computes.
        tower: the file of the eye that it borrows, where it does; in the folder by default.
    """

    def __init__(self, folder: Path, device: str, tower: Path | None = None) -> None:
        library_logging.disable_progress_bar()
        self.device = device
        half = device == "cuda"  # bfloat16, in which it was trained; processors have no speed to gain from it
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            network, _ = load_pretrained(
                IdeficsForVisionText2Text,
                folder,
                model_type="idefics",
                half=half,
                stored_to_loaded=HALF_FACTOR if half else FLOAT32_FACTOR,
            )
            self.network: Any = network.to(device)
        self.tokenizer = PromptTokenizer(_tokenizer(folder))
        self._prepare = _image_processor(folder)
        self._model = self.network.model
        self._resamples = bool(self.network.config.use_resampler)
        self.longest = int(self.network.config.max_position_embeddings)
        share = float(getattr(self.network.config, SETTING, 0))
        self._borrowed = BorrowedEye(tower or folder / TOWER_FILE, share, device) if share else None
        self._width = int(self.network.config.vision_config.embed_dim)

    @property
    def dimensions(self) -> int:
        """Of a picture's feature."""
        return self._width + (self._borrowed.dimensions if self._borrowed else 0)

    @property
    def side(self) -> int:
        """Of the square image that the vision tower takes, in pixels."""
        return int(self.network.config.vision_config.image_size)

    @torch.inference_mode()
    def encode_image(self, picture: np.ndarray) -> ImageFeatures:
        """One `(H, W, 3)` uint8 RGB image through the vision tower and the resampler."""
        pixels = torch.as_tensor(np.asarray(self._prepare([Image.fromarray(picture)], return_tensors="np")))
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            out = self._model.vision_model(pixel_values=pixels.to(self.device, self._model.dtype))
            latents = self._model.perceiver_resampler(out.last_hidden_state) if self._resamples else out[0]
            own = out.pooler_output[0].float().cpu().numpy()
            return ImageFeatures(latents[0], self._borrowed.beside(own, picture) if self._borrowed else own)

    @torch.inference_mode()
    def prefill(self, tokens: Sequence[int], shots: Sequence[Tensor]) -> PromptCache:
        """The cache after the tokens of the examples.

        Args:
            tokens: of the prompt up to the image that is asked about.
            shots: the latents `(L, W)` of the examples, in the order of the prompt.
        """
        cache = PromptCache(DynamicCache(config=self.network.config), 0)
        latents = torch.stack(list(shots)) if shots else self._blank_latents()
        self._forward(cache, tokens, latents, attended_image(tokens, self.tokenizer.picture), keep=1)
        cache.length = len(tokens)
        return cache

    @torch.inference_mode()
    def score_candidates(self, cache: PromptCache, prompt: SplitPrompt, query: ImageFeatures) -> np.ndarray:
        """Mean log-likelihood per token of each candidate answer `(A,)`, all in one pass on top of the cache.

        score(a) = 1/|a| Σ_t log p(a_t | examples, question, a_<t). Every answer begins where the question ends and
        attends to nothing of the others, as in a tree.
        """
        asked, counts = len(prompt.query), [len(answer) for answer in prompt.answers]
        tokens = [*prompt.query, *(token for answer in prompt.answers for token in answer)]
        starts = asked + np.cumsum([0, *counts[:-1]])
        positions = np.concatenate([np.arange(asked), *(asked + np.arange(count) for count in counts)])
        branch = np.concatenate([np.full(asked, -1), np.repeat(np.arange(len(counts)), counts)])
        # A token attends to the question and to its own branch, up to itself.
        visible = ((branch[None] == -1) | (branch[None] == branch[:, None])) & np.tri(len(tokens), dtype=bool)
        logits = self._forward(
            cache, tokens, query.latents[None], np.zeros(len(tokens), int), positions=positions, visible=visible
        )
        cache.cache.crop(-len(tokens))
        log_probabilities = logits.float().log_softmax(-1)
        scores = []
        for start, answer in zip(starts, prompt.answers, strict=True):
            before = [asked - 1, *range(start, start + len(answer) - 1)]  # the positions that predict its tokens
            scores.append(float(log_probabilities[before, answer].mean()))
        return np.array(scores)

    @torch.inference_mode()
    def generate(
        self, cache: PromptCache, prompt: SplitPrompt, query: ImageFeatures, max_tokens: int
    ) -> Generator[str, None, None]:
        """Greedy decoding; yields the text so far after each token.

        Args:
            cache: of the examples; it is left as it was.
            prompt: whose question is answered.
            query: the image that is asked about.
            max_tokens: of the answer.
        """
        tokens, added = list(prompt.query), 0
        written: list[int] = []
        try:
            while len(written) < max_tokens:
                logits = self._forward(cache, tokens, query.latents[None], np.zeros(len(tokens), int), keep=1)
                added += len(tokens)
                token = int(logits[-1].argmax())
                if token in self.tokenizer.stops:
                    break
                written.append(token)
                tokens = [token]
                text = self.tokenizer.text(written)
                yield first_turn(text)
                if NEXT_TURN in text:  # the model goes on with a question of its own
                    break
        finally:
            cache.cache.crop(-added)

    def check_length(self, prompt: SplitPrompt, answer: int = 0) -> None:
        """Raises TooLarge where the prompt, with `answer` more tokens, is longer than the network was trained for."""
        if prompt.longest + answer > self.longest:
            raise TooLarge(
                f"With these examples the prompt has {prompt.longest + answer:,} tokens, and this model reads "
                f"{self.longest:,}: set “shots” to a smaller number, or shorten names and the question."
            )

    def _forward(
        self,
        cache: PromptCache,
        tokens: Sequence[int],
        latents: Tensor,
        image_index: np.ndarray,
        *,
        positions: np.ndarray | None = None,
        visible: np.ndarray | None = None,
        keep: int = 0,
    ) -> Tensor:
        """Logits `(T, V)` of `tokens` on top of the cache, which grows by them.

        Args:
            cache: of the tokens before.
            tokens: T of them.
            latents: `(P, L, W)`, the images that these tokens may attend to.
            image_index: `(T,)`, which of them each token attends to; -1 for none.
            positions: `(T,)`, counted from the end of the cache; consecutive where None.
            visible: `(T, T)` bool, which of each other they attend to; causal where None.
            keep: return only the logits of so many last tokens; 0 for all.
        """
        length, count = cache.cache.get_seq_length(), len(tokens)
        positions = np.arange(count) if positions is None else positions
        visible = np.tri(count, dtype=bool) if visible is None else visible
        printable = np.concatenate([np.ones((count, length), bool), visible], axis=1)
        hidden = torch.zeros(printable.shape, dtype=self._model.dtype)
        hidden[torch.from_numpy(~printable)] = torch.finfo(self._model.dtype).min
        attends_image = image_index[:, None] == np.arange(len(latents))
        kind = "perceiver_embeddings" if self._resamples else "image_encoder_embeddings"
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            out = self.network(
                input_ids=torch.tensor([list(tokens)], device=self.device),
                attention_mask=hidden[None, None].to(self.device),
                position_ids=torch.from_numpy(length + positions)[None].to(self.device),
                past_key_values=cache.cache,
                image_attention_mask=torch.from_numpy(attends_image)[None].to(self.device),
                use_cache=True,
                logits_to_keep=keep,
                **{kind: latents[None]},
            )
        return out.logits[0]

    def _blank_latents(self) -> Tensor:
        """An image that no token attends to: the network needs one where the prompt has none yet."""
        config = self.network.config
        count = config.perceiver_config.resampler_n_latents if self._resamples else 1
        return torch.zeros(1, count, self._width, dtype=self._model.dtype, device=self.device)


def first_turn(text: str) -> str:
    """An answer up to where the model goes on with the next question."""
    return text.partition(NEXT_TURN)[0].strip()


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged or missing file can make its parser fail in any way
        log.info("no tokenizer in %s", folder, exc_info=True)
        raise WeightsBroken(
            f"The tokenizer of “{folder.name}” cannot be read: put tokenizer.json and tokenizer_config.json of the "
            "same model into the folder."
        ) from error


def _image_processor(folder: Path) -> Any:
    if not (folder / "preprocessor_config.json").is_file():
        raise WeightsBroken(f"“{folder.name}” has no preprocessor_config.json, so nobody can tell how it saw pictures.")
    try:
        return IdeficsImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        log.info("no image processor in %s", folder, exc_info=True)
        raise WeightsBroken(f"The preprocessor_config.json of “{folder.name}” cannot be read.") from error
