"""The small byte-pair vocabulary of the pictures starter, made from the sentences it is trained on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

from evaluation.synthetic.scenes import make_scene, untrue
from training.clip.captions import Entry, sentence

VOCABULARY = 6000
CONTEXT = 32
"""Tokens of the longest sentence the text tower reads."""
_PAD, _START, _END = "<pad>", "<start>", "<end>"


def training_sentences(entries: Iterable[Entry], rng: random.Random) -> list[str]:
    """Sentences of every kind that training uses: every word of every concept, and many drawn scenes."""
    words = {word for entry in entries for concept in entry.concepts for word in concept.words}
    said = [sentence(word, rng) for word in sorted(words) for _ in range(4)]
    for _ in range(4000):
        scene, claim = make_scene(rng)
        said += [claim.sentence(rng), untrue(scene, claim, rng).sentence(rng)]
    return said


def write_tokenizer(folder: Path, sentences: Iterable[str], vocabulary: int = VOCABULARY) -> int:
    """Make the vocabulary and write it into `folder` as transformers reads it; returns how many tokens it has.

    The token that ends a sentence has the highest number of all, because the text tower of CLIP takes the feature of a
    sentence at its highest token.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        sentences,
        trainers.BpeTrainer(
            vocab_size=vocabulary - 1, special_tokens=[_PAD, _START], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer.add_special_tokens([_END])
    start, end = tokenizer.token_to_id(_START), tokenizer.token_to_id(_END)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}", special_tokens=[(_START, start), (_END, end)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "bos_token": _START,
        "eos_token": _END,
        "pad_token": _PAD,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    return tokenizer.get_vocab_size()
