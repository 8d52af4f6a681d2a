"""The two towers of the pictures starter, and the folder they are kept in: open_clip's own classes and format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.clip.images import MEAN, SIDE, STD
from training.clip.tokenizer import CONTEXT, VOCABULARY

MODEL = {
    "embed_dim": 256,
    "vision_cfg": {"layers": [2, 2, 2, 1], "width": 32, "head_width": 64, "image_size": SIDE},
    "text_cfg": {
        "context_length": CONTEXT,
        "vocab_size": VOCABULARY,
        "hf_tokenizer_name": "tokenizer.json",
        "width": 128,
        "heads": 4,
        "layers": 3,
    },
}
"""A ResNet of CLIP's own kind (its pooling is by attention) for pictures of 64 pixels, and a small text transformer."""


def make_model() -> Any:
    """The untrained network."""
    import open_clip

    return open_clip.CLIP(**MODEL)


def write_folder(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Write config and half-precision weights where `open_clip` finds them (`local-dir:FOLDER`)."""
    from safetensors.torch import save_file

    config = {
        "model_cfg": MODEL,
        "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    half = {name: value.half().contiguous() if value.is_floating_point() else value for name, value in weights.items()}
    save_file(half, str(folder / "open_clip_model.safetensors"), metadata={"format": "pt"})
    (folder / "open_clip_model.safetensors").chmod(0o644)


def encode_text(clip: Any, tokens: torch.Tensor) -> torch.Tensor:
    """As `clip.encode_text`, also of sentences cut to the longest of a batch: open_clip's own pads them all."""
    length = tokens.shape[1]
    said = clip.token_embedding(tokens) + clip.positional_embedding[:length]
    said = clip.ln_final(clip.transformer(said, attn_mask=clip.attn_mask[:length, :length]))
    return said[torch.arange(len(said)), tokens.argmax(dim=-1)] @ clip.text_projection
