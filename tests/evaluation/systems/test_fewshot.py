"""Episodes of labelled pictures through classifiers: rows of the features, and a result for each head."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.datasets.base import Sample, Unit
from evaluation.runner import Results, Suite, run
from evaluation.synthetic.pictures import SENTENCES, shots
from evaluation.systems.fewshot import EPISODE_METRICS, LabelledFeatures, OneShotRun, feature_engine, text_features


def pictures(kinds: list[str], count: int) -> list[Unit]:
    return [
        Unit(f"{kind} {number}", kind, lambda one=one, kind=kind: Sample({"picture": one.png()}, kind))
        for kind in kinds
        for number, one in enumerate(shots(kind, count))
    ]


@pytest.fixture(scope="module")
def data() -> LabelledFeatures:
    return LabelledFeatures.of(feature_engine("prototypes"), pictures(list(SENTENCES)[:3], 6))


def test_pictures_become_features_with_the_number_of_their_class(data: LabelledFeatures) -> None:
    assert data.classes == tuple(sorted(list(SENTENCES)[:3]))
    assert data.features.shape[0] == len(data.labels) == 18
    assert np.bincount(data.labels).tolist() == [6, 6, 6]


def test_no_query_of_an_episode_is_among_its_examples(data: LabelledFeatures) -> None:
    for unit in data.episodes(2, 5):
        assert not set(unit.inputs["shots"]) & set(unit.inputs["queries"])
        assert unit.reference.tolist() == data.labels[unit.inputs["queries"]].tolist()


def test_classifiers_are_right_about_the_sample_pictures(data: LabelledFeatures) -> None:
    systems = {head: data.system(head) for head in ("nearest", "gda")}
    results = Results(run(Suite(data.episodes(3, 4), systems, EPISODE_METRICS)))
    for head in systems:
        interval = results.interval(head, "accuracy")
        assert interval.estimate > 0.6  # guessing gives a third
        assert (interval.count, interval.method) == (4, "t")
        assert 1 / 3 < results.values(head, "confidence").mean() <= 1


def test_a_model_without_words_says_so(data: LabelledFeatures) -> None:
    with pytest.raises(ValueError, match="no words"):
        text_features(data.engine, [["a photo"]])
    text = data.features[[0, 6, 12]]
    assert data.zero_shot(text)[[0, 6, 12]].tolist() == [True] * 3


def test_a_run_of_one_example_a_class(data: LabelledFeatures) -> None:
    files = {kind: [one.png() for one in shots(kind, 2)] for kind in list(SENTENCES)[:3]}
    inputs = {
        "shots": [some[0] for some in files.values()],
        "queries": [some[1] for some in files.values()],
        "names": list(files),
    }
    unit = Unit("run01", "run01", lambda: Sample(inputs, [0, 1, 2]))
    assert OneShotRun.of(data.engine, unit).accuracy("nearest") > 0.5
