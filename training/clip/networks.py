"""The network of the pictures starter, and the folder it is stored in: open_clip's own classes and format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.clip.image_tower import MEAN, NAME, SIDE, STD
from training.clip.tokenizer import CONTEXT, VOCABULARY

MODEL = {
    "embed_dim": 512,
    "custom_text": True,
    "vision_cfg": {
        "timm_model_name": NAME,
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "timm_proj_bias": True,
        "image_size": SIDE,
    },
    "text_cfg": {
        "context_length": CONTEXT,
        "vocab_size": VOCABULARY,
        "hf_tokenizer_name": "tokenizer.json",
        "width": 128,
        "heads": 4,
        "layers": 3,
    },
}
"""EfficientNet-Lite0 for pictures of 128 pixels with one linear layer, and a small text transformer."""


def make_model() -> Any:
    """The untrained network."""
    import open_clip

    model = {name: value for name, value in MODEL.items() if name != "custom_text"}
    return open_clip.CustomTextCLIP(**model)


def write_folder(folder: Path, weights: dict[str, Tensor]) -> None:
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


def encode_text(tower: Any, tokens: Tensor) -> Tensor:
    """As the text tower itself, also of sentences cut to the longest of a batch: open_clip's own pads them all."""
    length = tokens.shape[1]
    hidden = tower.token_embedding(tokens) + tower.positional_embedding[:length]  # (B, L, width)
    hidden = tower.ln_final(tower.transformer(hidden, attn_mask=tower.attn_mask[:length, :length]))
    return hidden[torch.arange(len(hidden)), tokens.argmax(dim=-1)] @ tower.text_projection
