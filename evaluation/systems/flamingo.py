"""A Flamingo asked outside of a job: which name is likeliest for a picture, and what it writes about one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.fewshot.flamingo.engine import FlamingoEngine
from backends.fewshot.flamingo.interleave import ASK_NAME, Turn
from backends.fewshot.flamingo.model import IdeficsModel, ImageFeatures
from backends.fewshot.flamingo.options import DEFAULT_SHOTS
from backends.fewshot.flamingo.rices import draw_balanced, most_similar
from evaluation.systems import load_engine


def flamingo(card: str) -> IdeficsModel:
    """The network of a card, loaded. Raises WeightsMissing."""
    engine = load_engine("fewshot", card)
    assert isinstance(engine, FlamingoEngine)
    return engine.model


def best_name(
    model: IdeficsModel,
    examples: Sequence[tuple[ImageFeatures, str]],
    query: ImageFeatures,
    names: Sequence[str],
    similar: bool = True,
) -> int:
    """The index of the likeliest name, asked as the engine asks with its default options.

    Args:
        model: loaded.
        examples: pictures with their names.
        query: the picture to name.
        names: to choose from.
        similar: show the examples most similar to the query, the most similar last; else some drawn by chance, as the
            engine's option `pick` does with "drawn".
    """
    count = min(DEFAULT_SHOTS, len(examples))
    if not count:
        rows = []
    elif similar:
        rows = most_similar(query.feature, np.stack([each.feature for each, _ in examples]), count).tolist()
    else:
        rows = draw_balanced(np.array([names.index(name) for _, name in examples]), count, 0).tolist()
    turns = [*(Turn("", ASK_NAME, examples[row][1]) for row in rows), Turn("", ASK_NAME)]
    pieces = model.tokenizer.split(turns, names)
    cache = model.prefill(pieces.shots, [examples[row][0].latents for row in rows])
    return int(model.score_candidates(cache, pieces, query).argmax())


def written_answer(model: IdeficsModel, picture: ImageFeatures, question: str, max_tokens: int) -> str:
    """What it writes in answer to a question about a picture, without examples."""
    pieces = model.tokenizer.split([Turn("", question)])
    texts = list(model.generate(model.prefill(pieces.shots, []), pieces, picture, max_tokens))
    return texts[-1] if texts else ""
