"""The network of the Flamingo starter, an IDEFICS in a small configuration, and the folder it is kept in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import IdeficsConfig, IdeficsForVisionText2Text, IdeficsImageProcessorPil

from evaluation.synthetic.shapes import SIDE
from training.flamingo.words import VOCABULARY

WIDTH, LATENTS = 96, 6
LONGEST = 1024
"""Tokens that may be read at once; trained on far shorter prompts."""


def make_config() -> IdeficsConfig:
    """Four layers of language, of which the first and third look at pictures; a vision tower of three."""
    return IdeficsConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        cross_layer_interval=2,
        qk_layer_norms=True,
        use_resampler=True,
        max_position_embeddings=LONGEST,
        alpha_initializer="ones",
        tie_word_embeddings=True,
        freeze_text_layers=False,
        freeze_vision_layers=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        vision_config={
            "embed_dim": WIDTH,
            "image_size": SIDE,
            "patch_size": 8,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 256,
        },
        perceiver_config={
            "use_resampler": True,
            "resampler_n_latents": LATENTS,
            "resampler_depth": 1,
            "resampler_n_heads": 4,
            "resampler_head_dim": 24,
            "qk_layer_norms_perceiver": True,
        },
    )


def make_model(seed: int = 0) -> Any:
    """The untrained network. The library leaves out how IDEFICS is begun from nothing, so it is said here."""
    torch.manual_seed(seed)
    network: Any = IdeficsForVisionText2Text(make_config())
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0, 0.7 / math.sqrt(module.in_features))
            elif isinstance(module, nn.Embedding):
                module.weight.normal_(0, 0.05 if module.num_embeddings == VOCABULARY else 0.3)
        vision = network.model.vision_model.embeddings
        vision.patch_embedding.weight.normal_(0, 1 / math.sqrt(vision.patch_embedding.weight[0].numel()))
        for name, weight in network.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight", "out_proj.weight", "fc2.weight")):
                weight.mul_(0.5)  # what is added to the stream is small at first
        for layer in network.model.layers[2:]:
            attend_to_alike(layer.self_attn)
    return network.requires_grad_(True)


def attend_to_alike(attention: Any) -> None:
    """Begin half of the heads with keys that are copies of the queries.

    Words that look at like pictures then attend to each other from the start, which is half of what it takes to name a
    picture after its examples; left to itself the network finds this out late.
    """
    half = attention.k_proj.out_features // 2
    with torch.no_grad():
        attention.k_proj.weight[:half] = attention.q_proj.weight[:half]


_MEAN = torch.tensor(IdeficsImageProcessorPil.image_mean).view(1, 3, 1, 1) * 255
_STD = torch.tensor(IdeficsImageProcessorPil.image_std).view(1, 3, 1, 1) * 255


def normalised(pictures: Tensor) -> Tensor:
    """`(N, 64, 64, 3)` uint8 as the image processor makes them, `(N, 3, 64, 64)`."""
    return (pictures.permute(0, 3, 1, 2).float() - _MEAN) / _STD


def look(network: Any, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Latents `(N, L, W)` and the pooled feature `(N, W)` of normalised pictures."""
    seen = network.model.vision_model(pixel_values=pictures)
    return network.model.perceiver_resampler(seen.last_hidden_state), seen.pooler_output


def write_folder(folder: Path, weights: dict[str, Tensor]) -> None:
    """Configuration, what pictures go through, and the weights in half precision; the tokenizer is written apart."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    make_config().save_pretrained(folder)
    IdeficsImageProcessorPil(image_size=SIDE).save_pretrained(folder)
    kept = {name: value.half().contiguous() for name, value in weights.items() if name != "lm_head.weight"}
    save_file(kept, str(folder / "model.safetensors"), metadata={"format": "pt"})
    for file in folder.iterdir():
        file.chmod(0o644)
