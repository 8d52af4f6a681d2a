"""A classifier outside of Fourfold: network, head and script answer pictures as the engine does."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from backends.core.errors import BadInput
from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.clip.engine import ClipEngine
from backends.fewshot.efficientnet import EfficientNetEngine
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.network_file import export_network
from backends.fewshot.picture_code import picture_code
from backends.fewshot.prototypes import PrototypesEngine
from backends.fewshot.types import Support
from backends.serving.host import Host
from evaluation.synthetic.pictures import shots

pytestmark = pytest.mark.slow

KINDS = ("ball", "leaf")


def card(name: str):
    return next(one for one in CARDS if one.id == name)


@pytest.fixture(scope="module", params=["efficientnet-lite0", "clip-starter"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureExtractor, Path]:
    """The models that come with Fourfold, and a folder with all that goes along."""
    engine = (EfficientNetEngine if request.param.startswith("eff") else ClipEngine)(
        card(request.param), Host().paths(card(request.param))
    )
    engine.load("cpu")
    folder = tmp_path_factory.mktemp("exported")
    *_, result = export_network(engine, folder)
    assert [artifact.name for artifact in result.artifacts] == ["image.onnx"]
    pictures = [shot.rgb for kind in KINDS for shot in shots(kind, 4, seed=3)]
    support = Support(engine.embed(pictures), np.repeat([0, 1], 4), KINDS, None, engine.logit_scale)
    Classifier.fit(support, "gda", space=engine.space).save(folder / "head.npz")
    (folder / "classify.py").write_text(classifier_code(), "utf-8")
    (folder / "picture.py").write_text(picture_code(), "utf-8")
    return engine, folder


def test_the_network_gives_the_features_of_the_engine(exported: tuple[FeatureExtractor, Path]) -> None:
    engine, folder = exported
    session = onnxruntime.InferenceSession(str(folder / "image.onnx"))
    prepared = np.stack([engine.prepare(shot.rgb) for shot in shots("leaf", 3, seed=5)])
    (features,) = session.run(None, {"pictures": prepared})
    assert np.abs(features - engine.encode_images(prepared)).max() < 1e-4
    known = session.get_modelmeta().custom_metadata_map
    assert int(known["side"]) == engine.side and known["space"] == engine.space


def test_the_script_answers_files_as_the_engine_does(exported: tuple[FeatureExtractor, Path], tmp_path: Path) -> None:
    engine, folder = exported
    paths, expected = [], []
    classifier = Classifier.load(folder / "head.npz")
    for kind in KINDS:
        wide = np.pad(shots(kind, 1, seed=9)[0].rgb, ((3, 2), (40, 11), (0, 0)), mode="edge")
        paths.append(tmp_path / f"{kind} é.png")
        Image.fromarray(wide).save(paths[-1])
        expected.append(classifier.predict(engine.embed([wide])))
    answer = subprocess.run(
        [sys.executable, str(folder / "picture.py"), *map(str, paths)], capture_output=True, check=True, cwd=tmp_path
    )
    rows = list(csv.DictReader(io.StringIO(answer.stdout.decode("utf-8"))))
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    for row, prediction in zip(rows, expected, strict=True):
        best = int(prediction.best[0])
        assert row["class"] == KINDS[best]
        assert float(row["probability"]) == pytest.approx(float(prediction.probabilities[0, best]), abs=2e-3)
        assert (row["abstained"] == "yes") == bool(prediction.abstained[0])
    assert [row["class"] for row in rows] == list(KINDS)


def test_a_model_without_a_network_says_so(tmp_path: Path) -> None:
    engine = PrototypesEngine(card("prototypes"))
    engine.load("cpu")
    with pytest.raises(BadInput, match="is no network"):
        list(export_network(engine, tmp_path))
