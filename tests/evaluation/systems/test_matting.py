"""Matting engines answer photographs at their own size, and clips with mattes that scores can be taken of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.base import Sample, Unit
from evaluation.runner import Results, Suite, run
from evaluation.synthetic.clip import make_clip
from evaluation.systems.matting import (
    PHOTO_METRICS,
    CutOut,
    agreements,
    cut_out,
    matting_engine,
    photo_system,
    sample_clip,
)

pytestmark = pytest.mark.slow


def test_the_person_of_a_photo_is_found_at_the_size_of_the_photo() -> None:
    frame = make_clip(0.1)[0]
    unit = Unit("frame", "frame", lambda: Sample({"photo": frame.rgb}, frame.alpha))
    system = photo_system(matting_engine("classical"))
    assert system(unit).shape == frame.alpha.shape
    results = Results(run(Suite([unit], {"classical": system}, PHOTO_METRICS)))
    assert results.values("classical", "J")[0] > 0.7
    assert results.values("classical", "MAD")[0] < 0.1


def test_a_clip_is_cut_out_and_scored_against_its_true_alpha(tmp_path: Path) -> None:
    clip, video = sample_clip(0.1, tmp_path)
    cut = cut_out(matting_engine("classical"), video, 0.1, tmp_path / "out")
    assert cut.mattes.shape == (3, *clip[0].alpha.shape)
    assert cut.rate == pytest.approx(3 / cut.measured["seconds"])
    assert cut.scores(clip)["mad"] < 0.05
    assert {"flicker before smoothing", "flicker"} <= set(cut.measured)


def test_agreement_is_with_the_reference_on_the_same_clip_alone() -> None:
    half = np.zeros((2, 8, 8), np.uint8)
    half[:, :4] = 255
    quarter = half.copy()
    quarter[1, :, :4] = 0
    cuts = {
        ("selfie", "a"): CutOut(half, {}),
        ("classical", "a"): CutOut(quarter, {}),
        ("classical", "b"): CutOut(half, {}),
    }
    ((card, clip, j),) = agreements(cuts)
    assert (card, clip, j.tolist()) == ("classical", "a", [1.0, 0.5])
