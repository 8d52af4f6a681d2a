"""A project's answers as they were last worked out, kept beside it: they are compared where no model is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project

FILE = "answers.json"


@dataclass(frozen=True)
class LastAnswers:
    """What a classifier said of each question.

    Attributes:
        model: its name.
        head: how it decides.
        examples: how many it was taught with.
        classes: their names.
        answers: by sha256 of the question: the class, its probability, and whether the answer is “none of these”.
    """

    model: str
    head: str
    examples: int
    classes: tuple[str, ...]
    answers: Mapping[str, tuple[str, float, bool]] = field(default_factory=dict)


def keep(project: Project, fitted: FittedProject, model: str) -> None:
    """Write the answers down, once for each classifier."""
    if "answers-written" in fitted.memo:
        return
    fitted.memo["answers-written"] = True
    found = fitted.prediction
    answers = {}
    if found is not None:
        for row, sha in enumerate(fitted.questions):
            best = int(found.probabilities[row].argmax())
            sure = round(float(found.probabilities[row, best]), 4)
            answers[sha] = (fitted.names[best], sure, bool(found.abstained[row]))
    written = LastAnswers(model, fitted.classifier.head.title, len(fitted.shots), tuple(fitted.names), answers)
    part = project.folder / f".{FILE}.part"
    part.write_text(json.dumps(asdict(written), ensure_ascii=False), "utf-8")
    part.replace(project.folder / FILE)


def read(project: Project) -> LastAnswers | None:
    """The answers; None where nothing was ever asked, or what stands there is not ours."""
    try:
        held = json.loads((project.folder / FILE).read_text("utf-8"))
        answers = {sha: (str(name), float(sure), bool(none)) for sha, (name, sure, none) in held["answers"].items()}
        return LastAnswers(held["model"], held["head"], int(held["examples"]), tuple(held["classes"]), answers)
    except (OSError, ValueError, KeyError, TypeError):
        return None
