"""The reasons of the built-in story: the first question that each task's page of reasons asks, with its tests.

The place that is asked about is the one that the page proposes, so that nobody chose a map that looks well; what is
said of it, and the verdict, come from what was measured.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio import services
from studio.findings import snapshots
from studio.inside import answers, boards, hearing, pictures, proteins, songs, videos
from studio.inside.answers import Content, Inquiry
from studio.inside.attribution import Map, control_map, read_map
from studio.inside.explained import USUAL_DETAIL
from studio.inside.questions import of_task
from studio.library.findings import Evidence
from studio.library.models import Run
from studio.proteins import run_data
from viz.components.map_board import Board
from viz.inside import picture, sound
from viz.inside.parts import chain_bars

CHECK = "full"
SECONDS = 1.0
"""Of a song that are asked about, as the page proposes."""

NUMBERS = re.compile(r" \([\d.,]+\)")
"""The place in numbers, which the map marks."""

LIMITS: Mapping[str, str] = {
    "stands": "It passes every test that was made of it. One place in one sample: elsewhere the reason may be another.",
    "doubtful": "A test speaks against it: look at it, but build nothing on it.",
    "does not stand": "What it shows is **not** why the model answered. It is shown to be called what it is.",
}


def reason(run: Run) -> tuple[str, str, str, Evidence]:
    """Ask the first question of the run's task.

    Returns:
        The question, what was found, where that ends, and the map as evidence.
    """
    question = of_task(run.task, run.engine)[0]
    title, options, files, draw = {
        "separation": _song, "matting": _clip, "folding": _protein, "fewshot": _picture
    }[run.task](run)  # fmt: skip
    offer = services.backend().info().tasks[run.task].explain.engines[run.engine]
    settings = {"method": question.method or offer.default, "detail": question.detail or USUAL_DETAIL, "seed": 0}
    where = {"run": run.id, "ask": question.id}
    for check in ("off", CHECK):  # the page asks for the map first and then for its tests
        inquiry = Inquiry(run, title, run.task, run.weights, {**options, **settings, "check": check}, files)
        answer = _ask(inquiry, where)
    found = read_map(answer)
    board: Board = draw(replace(found, control=control_map(answer)))
    checks = found.checks or {}
    cost = f"{found.about.get('evaluations')} evaluations, method {found.about.get('method')}"
    caption = f"{run.card.get('title', run.weights)} · {cost}"
    evidence = Evidence(run.task, run.id, snapshots.of_board(board), caption, run.metrics)
    return NUMBERS.sub("", title), board.alt, LIMITS[str(checks["verdict"])], evidence


def _ask(inquiry: Inquiry, where: Mapping[str, str]) -> answers.Answer:
    """The answer, once it is there. Raises RuntimeError where none came."""
    answers.ask(inquiry, where)
    while (view := answers.watch(inquiry)) is None or not view.ended:
        time.sleep(0.3)
    answer = answers.find(inquiry)
    if answer is None:
        raise RuntimeError(f"{inquiry.title}: {view.sentence}")
    return answer


def _song(run: Run) -> tuple[str, dict[str, Any], dict[str, Path | Content], Any]:
    library = services.library()
    whole = hearing.read_stretch(library.only(run.id, "mix")).seconds
    start = round(whole / 2 - SECONDS / 2, 1)
    title = f"What in the song made the vocals, from {start:g} to {start + SECONDS:g} s?"

    def draw(found: Map) -> Board:
        values = found.arranged("frequency", "time")
        heard = hearing.read_stretch(library.only(run.id, "mix"), *songs.ends(found.axes["time"]))
        return boards.on_sound(heard, found, sound.describe(values, found.axes["frequency"], found.axes["time"]))

    options = {"target": "vocals", "region": f"{start:g}-{start + SECONDS:g}"}
    return title, options, {"song": library.only(run.id, "input", "input")}, draw


def _clip(run: Run) -> tuple[str, dict[str, Any], dict[str, Path | Content], Any]:
    moment = videos.middle_moment(run)
    area = videos.first_area(moment.alpha)
    title, options, file = videos.place_question(run, moment, area)

    def draw(found: Map) -> Board:
        said = picture.describe(found.on_picture()[0], videos.PLACE)
        return boards.on_picture(moment.rgb, found, said, area)

    return title, options, {"media": file}, draw


def _protein(run: Run) -> tuple[str, dict[str, Any], dict[str, Path | Content], Any]:
    data = run_data.require_fold(run)
    letters = data.structure.sequence
    title, options = proteins.pair_question(letters, *proteins.likely_pair(data))

    def draw(found: Map) -> Board:
        said = chain_bars(np.asarray(found.values), letters, unit=found.unit)[1]
        return boards.of_parts(boards.residue_names(letters), found, said)

    return title, options, {"query": services.library().only(run.id, "input", "input")}, draw


def _picture(run: Run) -> tuple[str, dict[str, Any], dict[str, Path | Content], Any]:
    name, data, rgb = pictures.first_picture(run)
    target = pictures.answer_of(run, name)

    def draw(found: Map) -> Board:
        return boards.on_picture(rgb, found, picture.describe(found.on_picture()[0], target))

    title = f"What in “{name}” speaks for {target}?"
    return title, {"target": target}, pictures.files_of(run, data), draw
