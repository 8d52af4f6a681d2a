"""Whether confidence keeps its word: bands, the mean gap, and intervals over groups."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.metrics.fewshot.classifiers import reliability as of_classifier
from evaluation.statistics.reliability import reliability


def draw(units: int, answers: int, tilt: float = 0.0) -> tuple[list[list[float]], list[list[float]]]:
    rng = np.random.default_rng(units)
    claimed = rng.uniform(0.05, 0.95, (units, answers))
    happened = rng.uniform(size=claimed.shape) < np.clip(claimed - tilt, 0, 1)
    return claimed.tolist(), happened.astype(float).tolist()


def test_an_honest_model_lies_on_the_diagonal_and_a_boaster_below() -> None:
    honest = reliability(*draw(60, 40), range(60))
    assert honest.error < 0.03 and honest.count == 2400
    assert sum(band.low <= band.claimed <= band.high for band in honest.bands) >= len(honest.bands) - 1
    boaster = reliability(*draw(60, 40, 0.3), range(60))
    assert boaster.error == pytest.approx(0.3, abs=0.06)
    assert all(band.high < band.claimed for band in boaster.bands if band.claimed > 0.4)


def test_the_gap_is_the_calibration_error_of_classifiers() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 200)
    labels = rng.integers(0, 4, 200)
    right = (probabilities.argmax(1) == labels).astype(float)
    found = reliability([probabilities.max(1).tolist()], [right.tolist()], ["one"])
    assert found.error == pytest.approx(of_classifier(probabilities, labels).calibration_error, abs=1e-9)
    assert all(np.isnan(band.low) for band in found.bands)  # one group cannot be resampled


def test_answers_of_one_group_are_resampled_together() -> None:
    claimed, happened = [[0.55] * 20] * 10, [[1.0] * 20] * 5 + [[0.0] * 20] * 5
    (by_unit,) = reliability(claimed, happened, range(10)).bands
    (by_group,) = reliability(claimed, happened, [0] * 5 + [1] * 5).bands
    assert by_unit.high - by_unit.low < 0.75 < by_group.high - by_group.low
