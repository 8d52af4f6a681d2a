"""Relevance falls where the truth is known, and no more than by chance in a network that knows nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.task import task_named
from backends.weights.store import WeightStore
from evaluation.localisation import (
    HEAD,
    WHOLE,
    Case,
    beyond_nearness,
    by_question,
    enrichment,
    frame_case,
    pairs,
    picture_cases,
    pointing,
    share,
    song_case,
)

TWICE = 2.0
"""The least share of relevance on the truth, over its share of the area."""

BY_CHANCE = 1.6
"""What a network that knows nothing may reach: maps of few cells scatter around 1."""


def engine_of(task: str, name: str, load: bool = True) -> Any:
    cards = [card for card in task_named(task).cards if card.engine == name]
    card = next(card for card in cards if card.tier in ("starter", "builtin"))
    made = task_named(task).engine_class(name)(card, WeightStore().paths(card))
    if load:
        made.load("cpu")
    return made


def test_chance_is_one_and_nothing_is_none() -> None:
    draw = np.random.default_rng(0)
    truth = np.zeros((40, 50), bool)
    truth[:10] = True
    assert enrichment(draw.random((40, 50)), truth) == pytest.approx(1, abs=0.1)
    assert enrichment(truth.astype(float), truth) == 4 and enrichment(-truth.astype(float), truth) == 0


@pytest.mark.slow
def test_a_point_of_the_person_is_explained_by_the_person() -> None:
    case = frame_case(engine_of("matting", "modnet", load=False), width=256, height=160, rectangle=HEAD)
    assert 0.05 < case.truth.mean() < 0.5, "the person is a part of the frame"
    assert case.enrichment("occlusion") >= TWICE
    # Around the top of the head there is mostly background, so that a network which only looks nearby gains nothing.
    assert case.enrichment("occlusion", control=True) <= BY_CHANCE
    shuffled = [case.beyond_nearness("occlusion", seed, control=True) for seed in range(4)]  # one alone may have 1.7
    assert np.mean(shuffled) <= BY_CHANCE


def test_relevance_that_only_follows_nearness_is_chance_beyond_nearness() -> None:
    truth = np.zeros((15, 15), bool)
    truth[4:11, 4:11] = True
    places = np.arange(15) - 7
    near = np.exp(-np.hypot(places[:, None], places[None]).round() / 2)
    assert enrichment(near, truth) > TWICE, "though it knows nothing of the truth"
    assert beyond_nearness(near, truth, (0.5, 0.5)) == pytest.approx(1)
    assert beyond_nearness(near * truth, truth, (0.5, 0.5)) > 1.05


@pytest.mark.nightly
def test_a_matte_is_explained_by_the_person_more_than_by_a_network_that_knows_nothing() -> None:
    case = frame_case(engine_of("matting", "modnet", load=False), width=256, height=160, rectangle=WHOLE)
    assert case.enrichment("occlusion") >= 1.6
    assert case.enrichment("occlusion", control=True) <= 1.4


def of_a_stem(name: str, stem: str, seconds: float, detail: int) -> Case:
    engine = engine_of("separation", name)
    for network in engine.bag.models if name == "demucs" else ():
        network.use_train_segment = False
    return song_case(engine, stem, seconds, detail)


@pytest.mark.slow
def test_a_voice_is_explained_by_what_the_voice_alone_holds() -> None:
    case = of_a_stem("dsp", "vocals", 1.0, 6)
    assert 0 < case.truth.mean() < 0.7 and case.enrichment("occlusion") > 1.2


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "stem"), [("dsp", "bass"), ("dsp", "drums"), ("demucs", "vocals")])
def test_twice_as_much_of_a_stem_s_relevance_lies_on_its_own_cells(name: str, stem: str) -> None:
    """The built-in separator's voice is left out: it takes it from elsewhere too (1.6 times its area)."""
    case = of_a_stem(name, stem, 3.0, 6)
    assert case.enrichment("occlusion") >= TWICE
    if name == "demucs":
        assert case.enrichment("occlusion", control=True) <= BY_CHANCE


def test_a_place_that_every_question_finds_is_chance_by_question() -> None:
    loudest = np.array([[0.1, 0.2, 0.7]] * 3)
    assert by_question(loudest) == pytest.approx(np.ones(3))
    assert by_question(np.eye(3)) == pytest.approx(np.full(3, 3.0))
    assert by_question(np.zeros((3, 3))).tolist() == [0, 0, 0]


@pytest.mark.nightly
def test_the_place_of_a_stem_depends_on_the_stem_that_is_asked_about() -> None:
    """A network that knows nothing looks at the drums' cells whatever it is asked, which is no merit of its own."""
    cases = [of_a_stem("demucs", stem, 3.0, 6) for stem in ("vocals", "bass", "drums")]
    found, control = (
        by_question(np.array([[share(case.relevance("occlusion", 0, shuffled), each.truth) for each in cases]
                              for case in cases])) for shuffled in (False, True)
    )  # fmt: skip
    assert found.min() >= TWICE and control.max() <= BY_CHANCE


def test_no_thing_is_asked_about_against_itself() -> None:
    asked = pairs("abcdef", 100)
    assert all(own != other for own, other in asked) and len(set(asked[:30])) == 30


@pytest.mark.slow
def test_of_two_things_side_by_side_the_one_that_is_asked_about_is_pointed_at(tmp_path: Path) -> None:
    cases = picture_cases(engine_of("fewshot", "clip"), tmp_path, 6, detail=6)
    assert pointing(cases, ["occlusion"]).hits >= 5


@pytest.mark.nightly
def test_a_picture_network_that_knows_nothing_points_by_chance(tmp_path: Path) -> None:
    cases = picture_cases(engine_of("fewshot", "clip"), tmp_path, 60)
    assert pointing(cases, ["occlusion"]).rate >= 0.8
    assert 0.2 <= pointing(cases, ["occlusion"], control=True).rate <= 0.8
