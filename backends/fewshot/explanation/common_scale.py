"""Words and patches of one answer on one scale: how far the same score falls without each of them.

A CLIP compares a picture with a sentence, a Flamingo reads a picture and a question: both have an input of pixels and
one of words, and one score. Leaving a word out and covering a patch change that score in the same unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.attribution.parts import image_cells
from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.types import Attribution, Axis, Meter
from backends.core.errors import BadInput
from backends.fewshot.data.class_list import prompts
from backends.fewshot.explanation.flamingo import WHOLE, read_prompt
from backends.fewshot.explanation.subject import choose_classes, read_classifier
from backends.fewshot.flamingo.prompt_runner import PromptRunner

PATCHES = 4
"""Patches a side: coarse, for a word of a few counts as much as a sixteenth of the picture."""

PATCH = "patch"
"""How the name of a patch begins, which goes on with its row and column."""
BASELINE = "nothing for a word, the mean colour for a patch"


@dataclass(frozen=True)
class TwoSides:
    """One answer about a sentence and a picture.

    Attributes:
        sentence: whose words are left out.
        picture: `(H, W, 3)` uint8, whose patches are covered.
        target: what is answered.
        unit: of the score.
        of_words: the score with these words alone.
        of_pictures: the scores `(B,)` of pictures `(B, H, W, 3)`.
        box: which part of the whole picture `picture` is: left, top, right and bottom as shares.
    """

    sentence: str
    picture: np.ndarray
    target: str
    unit: str
    of_words: Callable[[Sequence[str]], float]
    of_pictures: Callable[[np.ndarray], np.ndarray]
    box: tuple[float, float, float, float] = WHOLE


def words_and_patches(asked: ProbeRequest) -> Findings:
    """The fall of the score without each word, and with each patch covered. Raises BadInput."""
    sides = flamingo_sides(asked) if asked.engine.name == "flamingo" else clip_sides(asked)
    words = sides.sentence.split()
    whole = sides.of_words(words)
    asked.meter.add(1)
    falls = []
    for place in range(len(words)):
        falls.append(whole - sides.of_words(words[:place] + words[place + 1 :]))
        asked.meter.add(1)
    cells = image_cells(sides.picture, sides.of_pictures, shape=(PATCHES, PATCHES))
    covered = whole - _scores(asked.meter, cells, 1 - np.eye(PATCHES**2).reshape(-1, PATCHES, PATCHES))
    names = [f"{number + 1}. {word}" for number, word in enumerate(words)]
    names += [f"{PATCH} {row + 1},{column + 1}" for row in range(PATCHES) for column in range(PATCHES)]
    values, axes = np.concatenate([falls, covered]).astype(np.float32), (Axis("part", labels=tuple(names)),)
    facts = dict(zip(("left", "top", "right", "bottom"), sides.box, strict=True))
    found = Attribution(values, axes, sides.target, "both", whole, unit=sides.unit, baseline=BASELINE, facts=facts)
    return Findings(found, (), _sentence(words, np.array(falls), covered, sides.unit))


def _scores(meter: Meter, cells: Any, keep: np.ndarray) -> np.ndarray:
    scores = []
    for start in range(0, len(keep), cells.batch):
        chunk = keep[start : start + cells.batch]
        scores.append(cells.score(chunk))
        meter.add(len(chunk))
    return np.concatenate(scores)


def _sentence(words: Sequence[str], falls: np.ndarray, covered: np.ndarray, unit: str) -> str:
    """Whether a word or a patch counts most, and how both sides compare."""
    word, patch = int(falls.argmax()), int(covered.argmax())
    share = 100 * np.abs(falls).sum() / max(float(np.abs(falls).sum() + np.abs(covered).sum()), 1e-12)
    sides = [
        (float(falls[word]), f"the word “{words[word]}”"),
        (float(covered[patch]), f"the patch in row {patch // PATCHES + 1} and column {patch % PATCHES + 1}"),
    ]
    (most, first), (least, second) = sorted(sides, reverse=True)
    return (
        f"Most counts {first} ({most:.2g} {unit}), before {second} ({least:.2g}); {share:.0f} % of all that counts "
        "lies in the words."
    )


def flamingo_sides(asked: ProbeRequest) -> TwoSides:
    """The question in the prompt, and the log-likelihood of the answer less the mean of the others'."""
    prompt = read_prompt(asked.engine, asked.inputs)
    model, runner = asked.engine.model, prompt.runner
    folded, named = [name.casefold() for name in prompt.classes], asked.question.target.casefold()
    target = folded.index(named) if named in folded else int(prompt.likelihoods(prompt.features).argmax())

    def margin(likelihoods: np.ndarray) -> float:
        return float(likelihoods[target] - np.delete(likelihoods, target).mean())

    def of_words(words: Sequence[str]) -> float:
        # The question stands in every turn of the prompt, so that the examples are read again with it.
        reworded = runner.asked.model_copy(update={"question": " ".join(words) or "?"})
        again = PromptRunner(model, runner.shots, prompt.classes, reworded)
        return margin(again.score("picture", prompt.features, prompt.order))

    def of_pictures(images: np.ndarray) -> np.ndarray:
        return np.array([margin(prompt.likelihoods(model.encode_image(image))) for image in images])

    question = runner.asked.prompt_question
    return TwoSides(question, prompt.picture, prompt.classes[target], "nats", of_words, of_pictures)


def clip_sides(asked: ProbeRequest) -> TwoSides:
    """The sentence of the answer, and its cosine with the picture less the mean of the other classes'."""
    engine: Any = asked.engine
    if not engine.understands_words:
        raise BadInput(f"“{engine.card.title}” understands no words, so there are none to weigh against the picture.")
    query = read_classifier(engine, asked.inputs)
    picture, support = query.picture.pixels, query.classifier.support
    row = engine.encode_images(picture[None])
    alone = asked.question.model_copy(update={"against": ""})  # here it is always against all other classes
    target, _ = choose_classes(query.classifier, row, alone)
    assert support.text_features is not None  # the engine understands words, and there are classes
    others = np.delete(support.text_features, target, axis=0).mean(0)
    name = support.classes[target]
    sentence = prompts(name, query.sentences.get(name, ""), "photo")[0]
    direction = engine.encode_text([sentence])[0] - others

    def of_words(words: Sequence[str]) -> float:
        return float((row @ (engine.encode_text([" ".join(words)])[0] - others))[0])

    def of_pictures(images: np.ndarray) -> np.ndarray:
        return np.asarray(engine.encode_images(images) @ direction)

    return TwoSides(sentence, picture, name, "cosine", of_words, of_pictures, query.picture.box)
