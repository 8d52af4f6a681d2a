"""IDEFICS read once, asked often: pictures to latents, prompts to a kept state, answers weighed or written on top.

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
from backends.fewshot.flamingo.interleave import Pieces, Speller, looks_at
from backends.shared.device_memory import memory_sentence
from backends.weights.pretrained import load_pretrained

log = logging.getLogger(__name__)

LONGEST_ANSWER = 60
"""Tokens, about forty words."""

NEXT = "User:"
"""What begins the next question."""

TO_SINGLE, TO_HALF = 2.05, 1.05
"""Bytes of memory for a byte on disk: the weights are published in half precision."""


FEWER = (
    "There is not enough memory for this model and its examples: close other programs, set “shots” to a smaller "
    "number, or run it on a larger machine."
)


@dataclass(frozen=True)
class Seen:
    """A picture as the language model sees it: `latents` `(L, W)`; `feature` `(D,)` float32 is the vision tower's."""

    latents: Tensor
    feature: np.ndarray


@dataclass
class Held:
    """What was read up to the picture that is asked about: `length` tokens in `cache`, `shots` pictures."""

    cache: DynamicCache
    length: int
    last: Tensor | None
    """The latents of the last example `(L, W)`, None without examples."""


class Reader:
    """An IDEFICS network with its tokenizer, from a folder as its repository on the hub holds it."""

    def __init__(self, folder: Path, device: str) -> None:
        library_logging.disable_progress_bar()
        self.device = device
        half = device == "cuda"  # bfloat16, in which it was trained; processors have no speed to gain from it
        with memory_sentence(FEWER):
            network, _ = load_pretrained(
                IdeficsForVisionText2Text,
                folder,
                model_type="idefics",
                half=half,
                stored_to_loaded=TO_HALF if half else TO_SINGLE,
            )
            self.network: Any = network.to(device)
        self.speller = Speller(_tokenizer(folder))
        self._prepare = _image_processor(folder)
        self._model = self.network.model
        self._resamples = bool(self.network.config.use_resampler)
        self.longest = int(self.network.config.max_position_embeddings)

    @property
    def dimensions(self) -> int:
        return int(self.network.config.vision_config.embed_dim)

    @property
    def side(self) -> int:
        """Of the square that it sees of a picture."""
        return int(self.network.config.vision_config.image_size)

    @torch.inference_mode()
    def look(self, picture: np.ndarray) -> Seen:
        """One picture `(H, W, 3)` through the vision tower and the resampler."""
        pixels = torch.as_tensor(np.asarray(self._prepare([Image.fromarray(picture)], return_tensors="np")))
        with memory_sentence(FEWER):
            out = self._model.vision_model(pixel_values=pixels.to(self.device, self._model.dtype))
            latents = self._model.perceiver_resampler(out.last_hidden_state) if self._resamples else out[0]
        return Seen(latents[0], out.pooler_output[0].float().cpu().numpy())

    @torch.inference_mode()
    def hold(self, tokens: Sequence[int], shots: Sequence[Tensor]) -> Held:
        """Read the examples, whose latents are `shots`; what is asked comes later."""
        held = Held(DynamicCache(config=self.network.config), 0, shots[-1] if shots else None)
        latents = torch.stack(list(shots)) if shots else self._blank()
        self._read(held, tokens, latents, looks_at(tokens, self.speller.picture), keep=1)
        held.length = len(tokens)
        return held

    @torch.inference_mode()
    def weigh(self, held: Held, pieces: Pieces, query: Seen) -> np.ndarray:
        """Log likelihood a token of each answer `(A,)`, all in one pass after what is held.

        Every answer begins where the question ends and sees nothing of the others, as in a tree.
        """
        asked, counts = len(pieces.query), [len(answer) for answer in pieces.answers]
        tokens = [*pieces.query, *(token for answer in pieces.answers for token in answer)]
        starts = asked + np.cumsum([0, *counts[:-1]])
        places = np.concatenate([np.arange(asked), *(asked + np.arange(count) for count in counts)])
        branch = np.concatenate([np.full(asked, -1), np.repeat(np.arange(len(counts)), counts)])
        # A token sees the question and its own branch, up to itself.
        sees = ((branch[None] == -1) | (branch[None] == branch[:, None])) & np.tri(len(tokens), dtype=bool)
        logits = self._read(held, tokens, query.latents[None], np.zeros(len(tokens), int), places=places, sees=sees)
        held.cache.crop(-len(tokens))
        likely = logits.float().log_softmax(-1)
        told = []
        for start, answer in zip(starts, pieces.answers, strict=True):
            before = [asked - 1, *range(start, start + len(answer) - 1)]  # whose next token is asked for
            told.append(float(likely[before, answer].mean()))
        return np.array(told)

    @torch.inference_mode()
    def write(self, held: Held, pieces: Pieces, query: Seen, most: int) -> Generator[str, None, None]:
        """The likeliest next token again and again; yields the text so far after each."""
        tokens, given = list(pieces.query), 0
        written: list[int] = []
        try:
            while len(written) < most:
                logits = self._read(held, tokens, query.latents[None], np.zeros(len(tokens), int), keep=1)
                given += len(tokens)
                token = int(logits[-1].argmax())
                if token in self.speller.stops:
                    break
                written.append(token)
                tokens = [token]
                text = self.speller.text(written)
                yield _first_turn(text)
                if NEXT in text:  # it goes on with a question of its own
                    break
        finally:
            held.cache.crop(-given)

    def check(self, pieces: Pieces, answer: int = 0) -> None:
        """Raises TooLarge where the prompt, with `answer` more tokens, is longer than the network was trained for."""
        if pieces.longest + answer > self.longest:
            raise TooLarge(
                f"With these examples the prompt has {pieces.longest + answer:,} tokens, and this model reads "
                f"{self.longest:,}: set “shots” to a smaller number, or shorten names and the question."
            )

    def _read(
        self,
        held: Held,
        tokens: Sequence[int],
        latents: Tensor,
        looks: np.ndarray,
        *,
        places: np.ndarray | None = None,
        sees: np.ndarray | None = None,
        keep: int = 0,
    ) -> Tensor:
        """Logits `(T, V)` of `tokens` after what is held, which grows by them.

        Args:
            latents: `(P, L, W)`, the pictures these tokens may look at.
            looks: `(T,)`, which of them each does; -1 for none.
            places: `(T,)`, positions after what is held; one after the other where None.
            sees: `(T, T)`, which of each other they see; all before where None.
            keep: only the logits of so many last tokens; 0 for all.
        """
        length, count = held.cache.get_seq_length(), len(tokens)
        places = np.arange(count) if places is None else places
        sees = np.tri(count, dtype=bool) if sees is None else sees
        visible = np.concatenate([np.ones((count, length), bool), sees], axis=1)
        hidden = torch.zeros(visible.shape, dtype=self._model.dtype)
        hidden[torch.from_numpy(~visible)] = torch.finfo(self._model.dtype).min
        pictures = looks[:, None] == np.arange(len(latents))
        kind = "perceiver_embeddings" if self._resamples else "image_encoder_embeddings"
        with memory_sentence(FEWER):
            out = self.network(
                input_ids=torch.tensor([list(tokens)], device=self.device),
                attention_mask=hidden[None, None].to(self.device),
                position_ids=torch.from_numpy(length + places)[None].to(self.device),
                past_key_values=held.cache,
                image_attention_mask=torch.from_numpy(pictures)[None].to(self.device),
                use_cache=True,
                logits_to_keep=keep,
                **{kind: latents[None]},
            )
        return out.logits[0]

    def _blank(self) -> Tensor:
        """A picture that no token looks at, where there is none yet: the network asks for one."""
        config = self.network.config
        count = config.perceiver_config.resampler_n_latents if self._resamples else 1
        return torch.zeros(1, count, self.dimensions, dtype=self._model.dtype, device=self.device)


def _first_turn(text: str) -> str:
    """An answer up to where the model begins to ask itself."""
    return text.partition(NEXT)[0].strip()


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
