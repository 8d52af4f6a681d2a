"""Networks of the real classes, tiny and with random weights, saved as the published ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.weights import scattered

CLASSES = ("cat", "polar bear", "car", "cathedral")
TAUGHT = "a cat polar bear car cathedral white black red of photo this picture What is in Describe User: Assistant:"
"""What the tiny tokenizer learned its pieces from."""

VIT = {"layers": 2, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 32}
RESNET = {"layers": [1, 1, 1, 1], "width": 8, "head_width": 8, "image_size": 64}


def clip_folder(folder: Path, vision: dict[str, Any] | None = None, seed: int = 0) -> Path:
    """A `local-dir:` folder of open_clip: `open_clip_config.json` and `open_clip_model.safetensors`; 24 features."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
    config = {"embed_dim": 24, "vision_cfg": vision or VIT, "text_cfg": text}
    network = scattered(CLIP(24, config["vision_cfg"], text), seed)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    preprocess = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / NAME)
    return folder


NAME = "open_clip_model.safetensors"


def idefics_folder(folder: Path, chat: bool = True) -> Path:
    """A folder as IDEFICS has on the hub: network, tokenizer and what its pictures go through.

    With `chat` the tokenizer knows the end of an utterance, as that of the instructed models does.
    """
    import torch
    from transformers import IdeficsConfig, IdeficsForVisionText2Text, IdeficsImageProcessorPil

    torch.manual_seed(0)
    tokenizer = idefics_tokenizer(chat)
    tokenizer.save_pretrained(folder)
    config = IdeficsConfig(
        vocab_size=256,
        additional_vocab_size=3,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        cross_layer_interval=1,
        qk_layer_norms=True,
        use_resampler=True,
        max_position_embeddings=400,
        alpha_initializer="ones",
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        vision_config={"embed_dim": 16, "image_size": 28, "patch_size": 14, "num_hidden_layers": 2}
        | {"num_attention_heads": 2, "intermediate_size": 32},
        perceiver_config={"use_resampler": True, "resampler_n_latents": 3, "resampler_depth": 1}
        | {"resampler_n_heads": 2, "resampler_head_dim": 8, "qk_layer_norms_perceiver": True},
    )
    scattered(IdeficsForVisionText2Text(config).float()).save_pretrained(folder)
    IdeficsImageProcessorPil(image_size=28).save_pretrained(folder)
    return folder


def idefics_tokenizer(chat: bool = True) -> Any:
    """Pieces of words by byte-pair merges, so that names have several tokens and share their beginnings."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    alphabet = sorted(set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:?.,\n ▁"))
    trainer = trainers.BpeTrainer(vocab_size=110, special_tokens=special, initial_alphabet=alphabet)
    inner.train_from_iterator([TAUGHT] * 3, trainer)
    marks = ["<fake_token_around_image>", "<image>", *(["<end_of_utterance>"] if chat else [])]
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    made.add_special_tokens({"additional_special_tokens": marks})
    return made
