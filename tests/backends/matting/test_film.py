"""A film with cuts: two people, somebody who comes late and an empty garden are matted right by default, each scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.matting.cards import CARDS
from backends.matting.engines.lite_edge import LiteEdgeEngine
from evaluation.metrics.matting.masks import region_j
from evaluation.synthetic.film import BLUE, GREEN, Actor, Scene, make_film, write_frames
from tests.support.matting import finish, pictures_of
from tests.support.packaged import packaged_files

CARD = next(card for card in CARDS if card.id == "selfie-edge")
HELD_OUT = (
    Scene("two", 6, (Actor("left", GREEN, 0.28, 0.8), Actor("right", BLUE, 0.72, 0.8, mirrored=True)), seed=21),
    Scene("late", 32, (Actor("late", BLUE, 0.45, 0.9, enters=0.1),), garden=False, seed=22),
    Scene("empty", 4, seed=23),
)
"""Other people, places and paths than those on which anything was set."""


@pytest.mark.slow
def test_each_scene_of_a_film_that_nothing_was_set_on_is_cut_out_right(tmp_path: Path) -> None:
    engine = LiteEdgeEngine(CARD, packaged_files(CARD))
    engine.load("cpu")
    film = make_film(HELD_OUT)
    frames, video = list(film), tmp_path / "film.mp4"
    write_frames((frame.rgb for frame in frames), film, video)
    finish(engine.run({"media": video}, {"export": "luma"}, tmp_path / "out"))
    found = [picture > 127 for picture in pictures_of(tmp_path / "out" / "alpha.mkv", "gray")]
    assert len(found) == len(frames)
    for scene in film.scenes:
        span = film.span(scene.name)
        ours, true = (np.stack(masks) for masks in zip(*((found[k], frames[k].alpha > 0.5) for k in span), strict=True))
        assert region_j(ours, true) >= 0.9, scene.name
        # A hand comes in first, of which the network knows nothing.
        large = [k for k in range(len(span)) if true[k].mean() > 0.015]
        ious = [region_j(ours[k], true[k]) for k in large]
        assert min(ious, default=1.0) >= 0.6, (scene.name, np.round(ious, 2))
