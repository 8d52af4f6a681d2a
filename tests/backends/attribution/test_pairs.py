"""Every method on every model that ships: a map whose cost was known before, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from backends.attribution import costs
from backends.attribution.probe import Probe, ProbeRequest
from backends.attribution.question import Question
from backends.attribution.registry import METHODS, attribute
from backends.attribution.types import Meter, Subject, Unsupported
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.task import task_named
from backends.weights.store import WeightStore
from evaluation.synthetic.clip import make_clip
from evaluation.synthetic.pictures import write_sample

FEW = {"MASKS": 3, "STEPS": 2, "NOISY": 1, "ORDERS": 2}
"""As few draws as a method can do with: what is tested is that a pair works, not how well."""

ENGINES = {
    "demucs": "separation",
    "dsp": "separation",
    "modnet": "matting",
    "classical": "matting",
    "esmfold": "folding",
    "clip": "fewshot",
    "prototypes": "fewshot",
    "flamingo": "fewshot",
}
SEQUENCE = "MKTAYIAKQRQISF"


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    # Imported before: a module that first reads the changed count would keep it for the tests that follow.
    names = ("gradient", "integrated", "rise", "shapley")
    modules = [import_module(f"backends.attribution.methods.{method}") for method in names]
    with pytest.MonkeyPatch.context() as patch:
        for name, count in FEW.items():
            patch.setattr(costs, name, count)
            for module in modules:
                if hasattr(module, name):
                    patch.setattr(module, name, count)
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "sample"
    write_sample(folder, 1)
    return folder / "shots"


def shipped(engine: str) -> tuple[ModelCard, tuple[Path, ...]]:
    """The card of the weights that ship with an engine."""
    cards = [card for card in task_named(ENGINES[engine]).cards if card.engine == engine]
    card = next(card for card in cards if card.tier in ("starter", "builtin"))
    return card, WeightStore().paths(card)


@cache
def loaded(engine: str) -> Any:
    card, paths = shipped(engine)
    made: Any = task_named(card.task).engine_class(engine)(card, paths)
    made.load("cpu")
    for network in made.bag.models if engine == "demucs" else ():
        network.use_train_segment = False  # it would fill every passage up to the three seconds of its training
    return made


def sound(seconds: float) -> np.ndarray:
    """`(2, T)`: a tone that comes in, a click now and then, and some noise."""
    draw, times = np.random.default_rng(0), np.arange(round(44_100 * seconds)) / 44_100
    clicks = (np.arange(len(times)) % 4_410 < 60) * draw.normal(size=len(times))
    wave = 0.2 * np.sin(2 * np.pi * 330 * times) * times / seconds + 0.3 * clicks + 0.01 * draw.normal(size=len(times))
    return np.stack([wave, 0.8 * wave]).astype(np.float32)


@cache
def song_subject(name: str) -> Subject:
    from backends.separation.explanation.passage import Passage
    from backends.separation.explanation.subject import passage_subject

    engine = loaded(name)
    return passage_subject(engine, Passage(sound(0.4), 44_100, 1.0, 2_000, 15_000, detail=2), "drums", "vocals")


@cache
def frame_subject_of(name: str) -> Subject:
    from backends.matting.explanation.subject import frame_subject, modnet_of, network_mattes

    frame, rectangle = make_clip(0.1, 96, 64)[0].rgb, (0.4, 0.3, 0.6, 0.6)
    card, paths = shipped(name)
    engine: Any = task_named("matting").engine_class(name)(card, paths)  # its ONNX session is not needed
    network = modnet_of(engine)
    return frame_subject(
        engine, network, frame, rectangle, mattes=None if network is None else network_mattes(network), detail=3
    )


@cache
def subject_of(name: str, folder: Path) -> Subject:
    if ENGINES[name] == "separation":
        return song_subject(name)
    if ENGINES[name] == "matting":
        return frame_subject_of(name)
    make: Any = task_named(ENGINES[name]).load_explainable().load()
    if name == "esmfold":
        (folder.parent / "chain.fasta").write_text(f">chain\n{SEQUENCE}\n")
        question = Question(target="3,12", detail=3)
        return make(loaded(name), {"query": folder.parent / "chain.fasta"}, question)
    query = sorted(sorted(folder.iterdir())[0].iterdir())[0]
    return make(loaded(name), {"query": query, "support": folder}, Question(detail=3))


LONG = {
    "shapley": ("demucs", "dsp", "modnet", "classical", "esmfold", "clip", "prototypes", "flamingo"),
    "rise": ("classical",),
    "occlusion": ("classical", "demucs"),
    "coarse_to_fine": ("classical",),
    "integrated": ("demucs", "esmfold"),
}
"""Pairs that take seconds; the code of each method runs on the other engines too."""

PAIRS = [
    pytest.param(engine, method, marks=[pytest.mark.slow] if engine in LONG.get(method, ()) else [])
    for engine in ENGINES
    for method in METHODS
]


@pytest.mark.parametrize(("engine", "method"), PAIRS)
def test_each_pair_gives_a_map_at_its_price_or_a_reason(engine: str, method: str, pictures: Path) -> None:
    offer = task_named(ENGINES[engine]).load_explainable().offers[engine]
    reason = offer.reason(method)
    if reason:
        assert reason.endswith(".") and reason[0].isupper() and len(reason) > 20
        return
    subject, meter = subject_of(engine, pictures), Meter()
    try:
        found = attribute(replace(subject, meter=meter), [method])
    except Unsupported as error:  # a CLIP has one of two kinds of towers, which only its weights tell
        assert engine == "clip" and method in ("gradcam", "attention", "rollout") and str(error).endswith(".")
        return
    assert found.method == method and found.target == subject.target and np.isfinite(found.score)
    assert np.isfinite(found.values).all() and found.values.ndim == len(found.axes)
    for axis, count in zip(found.axes, found.values.shape, strict=True):
        assert len(axis.labels or axis.coordinates or range(count)) == count
    assert np.ptp(found.values) > 0, "a map that is the same everywhere says nothing"
    known = METHODS[method].cost(subject.size)
    assert 0 < meter.count <= known, "the cost is known before"
    assert meter.count == known or method in ("shapley", "rollout"), "what can be cheaper may be"
    if method == "shapley":
        total = found.score - found.facts["nothing"]
        assert found.values.sum() == pytest.approx(total, rel=1e-4, abs=1e-4), "what the parts add is all there is"


def test_another_seed_changes_only_what_is_drawn_by_chance(pictures: Path) -> None:
    subject = subject_of("prototypes", pictures)
    for method in ("occlusion", "rise"):
        one, same, other = (attribute(subject, [method], seed).values for seed in (0, 0, 1))
        assert np.array_equal(one, same) and np.array_equal(one, other) is not METHODS[method].random


def test_a_stop_comes_within_one_evaluation(pictures: Path) -> None:
    class Enough(Exception):
        pass

    def stop(count: int) -> None:
        if count == 2:
            raise Enough

    meter = Meter(stop)
    subject = replace(subject_of("esmfold", pictures), meter=meter)
    with pytest.raises(Enough):
        attribute(subject, ["occlusion"])
    assert meter.count == 2


BY_DAY = {
    ("demucs", "branches"),
    ("modnet", "branches"),
    ("modnet", "steady"),
    ("esmfold", "film"),
    ("flamingo", "looked"),
    ("flamingo", "words"),
    ("flamingo", "latents"),
    ("clip", "both"),
}
"""Probes that show the seam of each room; the others are tried at night."""

PROBES = [
    pytest.param(
        engine,
        probe,
        id=f"{engine}-{probe.id}",
        marks=[] if (engine, probe.id) in BY_DAY else [pytest.mark.nightly],
    )
    for engine, task in ENGINES.items()
    for probe in task_named(task).load_explainable().probes
    if engine in probe.engines
]


@pytest.mark.parametrize(("engine", "probe"), PROBES)
def test_each_probe_says_what_it_found(engine: str, probe: Probe, pictures: Path, tmp_path: Path) -> None:
    made, inputs = asked_engine(engine), files_of(engine, pictures, tmp_path)
    meter = Meter()
    question = Question(region="0.3-0.5" if ENGINES[engine] == "separation" else "", detail=3)
    if probe.id == "steady":
        with pytest.raises(BadInput, match="of a video"):
            probe.load()(ProbeRequest(made, inputs, question, tmp_path, meter))
        return
    found = probe.load()(ProbeRequest(made, inputs, question, tmp_path, meter))
    values = found.attribution.values
    assert values.shape == tuple(len(axis.labels or axis.coordinates) for axis in found.attribution.axes)
    assert np.isfinite(values).all() and meter.count > 0
    # Detectors find nobody in a frame as small as this, and 14 residues touch nowhere.
    assert np.ptp(values) > 0 or engine == "classical" or probe.id == "heads"
    assert found.sentence.endswith(".") or probe.id == "attention_maps"
    assert all(artifact.path.is_file() for artifact in found.artifacts)


def asked_engine(name: str) -> Any:
    if ENGINES[name] != "matting":
        return loaded(name)
    from backends.matting.explanation.subject import modnet_of, network_mattes

    card, paths = shipped(name)
    engine: Any = task_named("matting").engine_class(name)(card, paths)
    if name == "modnet":
        engine.working_size, engine.begin = (
            lambda height, width: (height, width),
            lambda: network_mattes(modnet_of(engine)),
        )
    return engine


def files_of(name: str, pictures: Path, folder: Path) -> dict[str, Path]:
    """The input of an engine as files."""
    if ENGINES[name] == "separation":
        soundfile.write(folder / "song.wav", sound(0.8).T, 44_100, subtype="FLOAT")
        return {"song": folder / "song.wav"}
    if ENGINES[name] == "matting":
        Image.fromarray(make_clip(0.1, 96, 64)[0].rgb).save(folder / "frame.png")
        return {"media": folder / "frame.png"}
    if ENGINES[name] == "folding":
        (folder / "chain.fasta").write_text(f">chain\n{SEQUENCE}\n")
        return {"query": folder / "chain.fasta"}
    return {"query": sorted(sorted(pictures.iterdir())[0].iterdir())[0], "support": pictures}


@pytest.mark.parametrize("engine", ["dsp", "modnet", "esmfold", "prototypes"])
def test_another_baseline_gives_another_score_of_what_is_taken_away(engine: str, pictures: Path) -> None:
    offer = task_named(ENGINES[engine]).load_explainable().offers[engine]
    scores = {}
    for name in offer.baselines:
        parts = subject_with(engine, name, pictures).cells
        assert parts is not None and parts.baseline == offer.baselines[name]
        scores[name] = float(parts.score(np.zeros((1, *parts.shape)))[0])
    assert len(scores) > 1 and len(set(scores.values())) == len(scores)
    with pytest.raises(BadInput, match=f"choose {' or '.join(offer.baselines)}"):
        offer.check_baseline("nonsense")


def subject_with(engine: str, baseline: str, pictures: Path) -> Subject:
    """The subject of an engine with a baseline of its own."""
    from backends.folding.explanation.esmfold import Chain, chain_subject
    from backends.matting.explanation.subject import frame_subject, network_mattes
    from backends.separation.explanation.passage import Passage
    from backends.separation.explanation.subject import passage_subject

    made = loaded(engine) if engine != "modnet" else None
    if engine == "dsp":
        passage = Passage(sound(0.4), 44_100, 1.0, 2_000, 15_000, detail=2)
        return passage_subject(made, passage, "drums", "", baseline)
    if engine == "modnet":
        plain = subject_of(engine, pictures)
        assert plain.network is not None and plain.image is not None
        network: Any = plain.network.module
        card, paths = shipped(engine)
        made = task_named("matting").engine_class(engine)(card, paths)
        whole = (0.0, 0.0, 1.0, 1.0)
        return frame_subject(made, None, plain.image, whole, mattes=network_mattes(network), baseline=baseline)
    if engine == "esmfold":
        return chain_subject(Chain(made, SEQUENCE, (2, 11), slice(0, len(SEQUENCE)), baseline), "3,12")
    query = sorted(sorted(pictures.iterdir())[0].iterdir())[0]
    make: Any = task_named("fewshot").load_explainable().load()
    return make(made, {"query": query, "support": pictures}, Question(detail=3, baseline=baseline))
