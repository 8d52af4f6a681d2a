"""The model card of a classifier as Markdown: what it tells apart, by what, how well as measured, and its limits."""

from __future__ import annotations

from datetime import datetime

from backends.core.info import CardInfo
from evaluation.metrics.fewshot.advice import left_out_confusion
from evaluation.statistics.intervals import clopper_pearson
from studio.pictures.fitted import FittedProject
from studio.pictures.schema import ProjectState
from studio.ui import formatting

MAX_CONFUSIONS = 5
FEW = 30


def model_card(state: ProjectState, fitted: FittedProject, card: CardInfo, version: str, when: datetime) -> str:
    """All of it comes from the project and from measurements on its examples; nothing is a promise."""
    parts = [
        f"# {plain(state.name)}",
        f"A classifier of pictures, taught by examples with Fourfold {version} on {when:%d %B %Y}.",
        "## What it tells apart",
        _classes(state, fitted),
        "## What it is made of",
        _made_of(state, fitted, card),
        "## How good it is",
        _measured(fitted),
        "## Limits",
        _limits(fitted, card),
        "## How to use it",
        f"With Fourfold, `{features_command(card)}` looks at a picture, a folder or a zip with the same model and "
        "writes `DIR/features.npz`. `python classify.py head.npz DIR/features.npz > answers.csv` answers them; it "
        "needs Python and numpy alone, and refuses features of another model.\n\n"
        "Without Fourfold, the program that goes with this classifier (`image.onnx`, `head.npz`, `picture.py`) takes "
        "pictures itself: `python picture.py PICTURE > answers.csv` needs numpy, pillow and onnxruntime.",
    ]
    return "\n\n".join(parts) + "\n"


def features_command(card: CardInfo, pictures: str = "PICTURES", out: str = "DIR") -> str:
    """What writes features that the exported classifier can answer."""
    return f"python -m backends run fewshot {pictures} --weights {card.id} --only features --out {out}"


def _classes(state: ProjectState, fitted: FittedProject) -> str:
    rows = ["| class | described as | examples |", "| --- | --- | --- |"]
    counts = fitted.support.counts
    for each, count in zip(fitted.classes, counts, strict=True):
        rows.append(f"| {plain(each.name)} | {plain(each.sentence) or '(not described)'} | {int(count)} |")
    none = fitted.classifier.rejection
    said = none.sentence if state.reject else "“None of these” is switched off: it always names a class."
    return "\n".join(rows) + f"\n\n{said}"


def _made_of(state: ProjectState, fitted: FittedProject, card: CardInfo) -> str:
    head = fitted.classifier.head
    settings = ", ".join(
        f"{setting.meaning}: {head.hyperparameters[name]:g}"
        for name, setting in head.parameters.items()
        if name in head.hyperparameters
    )
    worded = int(fitted.support.has_text.sum())
    no_vote = fitted.classifier.words_sentence or "pictures alone decide."
    lines = [
        f"- **Looks with** {plain(card.title)} (`{card.id}`); licence: {card.licence}. {card.licence_note}",
        f"- **Decides with** {head.title}: {head.meaning}",
        f"- **Settings**, chosen by leaving examples out: {settings}" if settings else "- It has no settings.",
        f"- **Words** count for {worded} of {len(fitted.names)} classes."
        if worded
        else f"- **Words** do not count: {no_vote[0].lower()}{no_vote[1:]}",
        f"- **Temperature** {fitted.classifier.temperature:.3g}, "
        + ("fitted on left-out examples." if fitted.classifier.calibrated else "a guess: too few examples to fit it."),
    ]
    return "\n".join(lines)


def _measured(fitted: FittedProject) -> str:
    left = fitted.classifier.loo
    if not left.counted:
        return left.sentence
    counted, correct = left.class_counts
    said = [
        f"Each example was answered by a classifier taught without it. {left.sentence}",
        "| class | recognised when left out | exact 95 % interval |\n| --- | --- | --- |\n"
        + "\n".join(_class_row(*row) for row in zip(fitted.names, counted, correct, strict=True)),
    ]
    mixed = [
        f"- {count} of “{plain(fitted.names[truth])}” taken for “{plain(fitted.names[answer])}”"
        for count, truth, answer in confusions(fitted)[:MAX_CONFUSIONS]
    ]
    if mixed:
        said.append("The most frequent mix-ups:\n\n" + "\n".join(mixed))
    if left.counted < FEW:
        said.append("So few examples give no more than a first impression, as the width of the intervals says.")
    return "\n\n".join(said)


def _class_row(name: str, counted: int, correct: int) -> str:
    if not counted:
        return f"| {plain(name)} | not known: it takes two different examples | |"
    truth = clopper_pearson(int(correct), int(counted))
    return f"| {plain(name)} | {correct} of {counted} | {100 * truth.low:.0f} to {100 * truth.high:.0f} % |"


def confusions(fitted: FittedProject) -> list[tuple[int, int, int]]:
    """How often, what it was, what it was taken for, the most frequent first."""
    found = left_out_confusion(fitted.classifier).rows
    return sorted(((len(rows), t, a) for (t, a), rows in found.items() if t != a), reverse=True)


def _limits(fitted: FittedProject, card: CardInfo) -> str:
    return (
        f"- The examples are all it knows of the classes; pictures taken elsewhere or otherwise may go wrong.\n"
        f"- It was measured on its own examples only, not on pictures of another source.\n"
        f"- {plain(card.title)} is weak at this: {card.weak_at}\n"
        "- It must not decide about people's rights, health or safety."
    )


def plain(text: str) -> str:
    """Text from outside that Markdown shows as it stands, also in a table."""
    return formatting.escape(text)
