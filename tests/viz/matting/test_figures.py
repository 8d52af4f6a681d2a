"""The curve of a cut-out's scores: what is drawn and what is said about it."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.base import Metric, metrics
from evaluation.metrics.matting.clips import mask_scores
from evaluation.metrics.matting.frames import FramePair
from viz.matting.figures import along


def test_the_curve_has_every_frame_and_its_sentence_names_the_worst_one() -> None:
    truth = np.zeros((8, 8), bool)
    truth[:, :4] = True
    wide = np.zeros((8, 8))
    wide[:, :6] = 1
    pairs = [FramePair(index, index / 2, alpha, truth) for index, alpha in enumerate((truth * 1.0, wide, truth * 1.0))]
    scores = mask_scores(pairs)
    assert scores["frames"]["j"] == [1.0, 4 / 6, 1.0]
    figure, said = along(scores, [metrics("matting")["j"]], "J")
    (line,) = figure.data
    assert list(line.y) == [1.0, 4 / 6, 1.0] and list(line.x) == [0, 0.5, 1.0]
    assert said == "Along the clip: J 0.8889 on average, from 0.6667 at 0.5 s to 1 at 1.0 s."


def test_frames_without_a_score_leave_a_gap_and_several_curves_differ_without_colour() -> None:
    scores = {"times": [0, 1], "frames": {"a": [None, 2.0], "b": [None, None]}, "means": {"a": 2.0, "b": None}}
    figure, said = along(scores, [Metric(name, name.upper(), "", 1, True, "") for name in "ab"], "score")
    assert figure.data[0].y[0] is None and figure.data[0].line.dash != figure.data[1].line.dash
    assert "B not defined" in said and figure.layout.showlegend
