"""Classifiers outside their page: the answers as they were when they were pinned, and what a sorted zip held.

A project goes on changing and its answers need features that a model server works out, so what is pinned is a picture
of the moment: small pictures, the answer and its bars.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio import services
from studio.findings.exhibits import NothingToShow, Part
from studio.library.library import Run
from studio.pictures.project import Project
from studio.pictures.task import projects
from viz import covers
from viz.fewshot.figures import class_colour

MAX_ANSWERS, MAX_CLASSES, MAX_SHOTS, MAX_BARS = 6, 12, 3, 4
NONE = "none of these"


def cover(source: str) -> bytes:
    """Small pictures of a project, or how many pictures of a zip went to each class."""
    run = services.library().get(source)
    if run is not None:
        counts = _class_counts(run)
        colours = [class_colour(place) for place in range(len(counts))]
        return covers.bars({name: count / sum(counts.values()) for name, count in counts.items()}, colours)
    project = projects().open(source)
    shas = [each.shots[0] for each in project.state.classes if each.shots] or list(project.state.pictures)
    return covers.mosaic([project.thumb(sha).read_bytes() for sha in shas[:8] if project.thumb(sha).is_file()])


def describe(moment: Mapping[str, Any]) -> str:
    """How many answers were pinned."""
    count = len(moment.get("answers", ()))
    return f"{count} answer{'' if count == 1 else 's'}" if count else ""


def part(source: str, moment: Mapping[str, Any], key: str) -> Part:
    """What was pinned of a project, or the counts of a sorted zip."""
    if moment.get("answers") or moment.get("classes"):
        return Part("answers", {**moment, "run": key}, _alt(moment))
    run = services.library().get(source)
    if run is None:
        raise NothingToShow
    data = counts_of(run)
    return Part("answers", {**data, "run": key}, _alt(data))


def packed(source: str, moment: Mapping[str, Any], key: str, budget: int) -> Part:
    """The same: small pictures are in the data already."""
    return part(source, moment, key)


def counts_of(run: Run) -> dict[str, Any]:
    """The answers of a sorted zip as bars: the share of its pictures that went to each class."""
    counts = _class_counts(run)
    total = sum(counts.values())
    bars = [[name, count / total, class_colour(place)] for place, (name, count) in enumerate(counts.items())]
    title = f"{total:,} pictures of “{run.title}”"
    return {"title": title, "classes": [], "answers": [{"title": title, "picture": "", "verdict": "", "bars": bars}]}


def _class_counts(run: Run) -> dict[str, int]:
    from studio.pictures.sorted_run import table

    found = table(run)
    if found is None or found.empty:
        raise NothingToShow
    named = found["class"].where(found["abstained"] != "yes", NONE)
    return {str(name): int(count) for name, count in named.value_counts().items()}


def snapshot(
    project: Project, names: Sequence[str], places: Sequence[int], answers: Sequence[tuple[str, np.ndarray, bool]]
) -> dict[str, Any]:
    """What is pinned of a project.

    Args:
        project: with its pictures.
        names: of the classes, in the order of the probabilities.
        places: the position of each on the page, which gives its colour.
        answers: sha256 of a question, probabilities `(C,)`, and whether the answer is "none of these".
    """
    shown = []
    for sha, shares, none in answers[:MAX_ANSWERS]:
        order = np.argsort(-shares, kind="stable")[:MAX_BARS]
        bars = [[names[k], round(float(shares[k]), 4), class_colour(places[k])] for k in order]
        verdict = NONE if none else names[int(order[0])]
        shown.append(
            {
                "title": project.state.title(sha),
                "picture": thumb_address(project, sha),
                "verdict": verdict,
                "bars": bars,
            }
        )
    classes = [
        {"name": each.name, "pictures": [thumb_address(project, sha) for sha in each.shots[:MAX_SHOTS]]}
        for each in project.state.classes[:MAX_CLASSES]
    ]
    return {"title": project.state.name, "classes": classes, "answers": shown}


def thumb_address(project: Project, sha: str) -> str:
    """The small picture as a data address; "" where it is gone."""
    path = project.thumb(sha)
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}" if path.is_file() else ""


def _alt(data: Mapping[str, Any]) -> str:
    said = []
    for answer in data.get("answers", ())[:3]:
        name, share = answer["bars"][0][:2] if answer["bars"] else ("", 0.0)
        said.append(f"{answer['title']}: {answer['verdict'] or name}, {100 * share:.0f} %")
    return f"{data.get('title', 'Pictures')}. {'; '.join(said)}."
