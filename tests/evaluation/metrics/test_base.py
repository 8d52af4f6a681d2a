"""What a metric shows, which way it is better, and that a file is all it takes to add one."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from evaluation.metrics.base import Metric, metrics, metrics_in

DECIBELS = Metric(
    "si_sdr", "SI-SDR", "dB", 2, True, "The stem over all else.", lambda estimate, truth: estimate - truth
)
ERROR = Metric("mad", "MAD × 1000", "", 2, False, "Mean absolute difference.", scale=1000)
SHARE = Metric("top_1", "Top-1", "%", 1, True, "How often the first answer is right.")


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (DECIBELS, 5.4321, "5.43 dB"),
        (DECIBELS, -0.5, "−0.50 dB"),
        (DECIBELS, -0.001, "0.00 dB"),
        (DECIBELS, math.inf, "∞ dB"),
        (DECIBELS, -math.inf, "−∞ dB"),
        (DECIBELS, math.nan, "–"),
        (DECIBELS, None, "–"),
        (ERROR, 0.012345, "12.35"),
        (SHARE, 0.4567, "45.7 %"),
    ],
)
def test_a_value_is_shown_with_its_digits_scale_and_unit(metric: Metric, value: float | None, text: str) -> None:
    assert metric.format(value) == text


def test_the_direction_decides_which_value_is_better() -> None:
    assert DECIBELS.better(3.0, 2.0) is True
    assert ERROR.better(3.0, 2.0) is False
    assert ERROR.better(1.0, 2.0) is True
    assert Metric("tempo", "Tempo", "BPM", 0, None, "Beats a minute.").better(90, 120) is None


def test_a_metric_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "measures_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "helper.py").write_text("VALUE = 1\n")
    text = "from evaluation.metrics.base import Metric\n\n"
    text += "METRICS = (Metric('size', 'Size', 'px', 0, None, 'Its size.', len),)\n"
    (folder / "size.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = metrics_in("measures_of_a_test")
    assert list(found) == ["size"]
    assert found["size"].compute is not None
    assert found["size"].format(found["size"].compute("abc")) == "3 px"
    (folder / "again.py").write_text(text)
    with pytest.raises(ValueError, match="size"):
        metrics_in("measures_of_a_test")
    for name in [name for name in sys.modules if name.startswith("measures_of_a_test")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("task", ["separation", "matting", "folding", "fewshot"])
def test_every_metric_of_a_task_says_what_it_means(task: str) -> None:
    for name, metric in metrics(task).items():
        assert metric.id == name
        assert metric.name
        assert metric.meaning.endswith(".")
        assert metric.digits >= 0


def test_a_task_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="gardening"):
        metrics("gardening")


def test_measures_are_named_once_and_explained() -> None:
    from evaluation.metrics.base import metrics

    known = metrics("separation")
    assert {"si_sdr", "si_sdr_improvement", "sdr", "sir", "sar", "isr", "residual", "bleed", "key"} <= set(known)
    assert all(metric.meaning.endswith(".") and metric.name for metric in known.values())
