"""Finished runs of every task and made answers, for the page that asks models about them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backends.folding.structure.atoms import CA, C, N, O
from backends.folding.structure.writer import to_cif
from backends.matting.finishing.matte_store import write_raw_matte
from studio.inside import areas
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.hearing import Stretch
from studio.library.library import Library, Run
from tests.support import two_helices

RATE, SECONDS = 16_000, 4.0
CLASSES, STEMS = ("ball", "star"), ("vocals", "drums")


def sound() -> Stretch:
    time = np.arange(round(SECONDS * RATE)) / RATE
    wave = 0.2 * np.sin(2 * np.pi * 440 * time) + 0.1 * np.sin(2 * np.pi * 3000 * time)
    return Stretch(np.stack([wave, wave]).astype(np.float32), RATE, 0.0)


def frame() -> tuple[np.ndarray, np.ndarray]:
    """A light person before a dark wall, `(48, 64, 3)` uint8, and the matte `(48, 64)` uint8."""
    alpha = np.zeros((48, 64), np.uint8)
    alpha[10:48, 20:44] = 255
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)
    weight = alpha[..., None] / 255
    return np.rint(220 * weight + 30 * (1 - weight)).astype(np.uint8).repeat(3, axis=2), alpha


def picture(colour: tuple[int, int, int] = (200, 40, 40)) -> bytes:
    rgb = np.full((32, 32, 3), 90, np.uint8)
    rgb[8:20, 8:20] = colour
    return areas.png(rgb)


def _run(library: Library, task: str, engine: str, weights: str, name: str, **facts: Any) -> Run:
    run = library.begin(
        task=task, title="Made", engine=engine, weights=weights,
        card={"id": weights, "title": weights, "tier": "starter", "outputs": STEMS if task == "separation" else ()},
        inputs=[{"name": name, "sha256": "0" * 64, "bytes": 1}],
    )  # fmt: skip
    return library.note(run.id, facts=facts)


def made_song(library: Library) -> Run:
    run = _run(library, "separation", "demucs", "htdemucs-starter", "my song.wav", stems=["vocals", "drums"],
               frames=round(SECONDS * RATE), samplerate=RATE)  # fmt: skip
    for kind in ("input", "mix"):
        library.keep(run.id, kind, kind, sound().exact(), file=f"{kind}.wav")
    return library.finish(run.id, "done", 1.0)


def made_cutout(library: Library, folder: Path) -> Run:
    rgb, alpha = frame()
    (folder / "input.png").write_bytes(areas.png(rgb))
    run = _run(library, "matting", "modnet", "modnet-starter", "me.png")
    library.keep(run.id, "input", "input", folder / "input.png", file="input.png")
    stored = library.only(run.id, "input", "input")
    write_raw_matte(folder / "matte.png", alpha, stored, 64, 48)
    library.keep(run.id, "matte", "matte", folder / "matte.png", file="matte.png")
    return library.finish(run.id, "done", 1.0)


def made_fold(library: Library) -> Run:
    structure = two_helices.structure()
    run = _run(library, "folding", "esmfold", "esmfold-starter", "two.fasta", length=two_helices.LENGTH)
    library.keep(run.id, "input", "input", f">two\n{two_helices.SEQUENCE}\n".encode(), file="input.fasta")
    library.keep(run.id, "structure", "model.cif", to_cif(structure).encode(), file="model.cif")
    library.keep(run.id, "confidence", "confidence.json", _confidence(), file="confidence.json")
    library.keep(
        run.id, "sanity", "sanity.json", json.dumps({"rows": [], "verdict": "good"}).encode(), file="sanity.json"
    )
    return library.finish(run.id, "done", 1.0)


def _confidence(of: float = 0.0) -> bytes:
    return json.dumps({"plddt": (two_helices.structure().confidence - of).tolist(), "ptm": 0.7}).encode()


def made_sorting(library: Library) -> Run:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("one.png", picture())
        bundle.writestr("two.png", picture((40, 40, 200)))
    table = b"file,class,probability,abstained,ball,star\none.png,star,0.9,no,0.1,0.9\ntwo.png,ball,0.8,no,0.8,0.2\n"
    run = _run(library, "fewshot", "clip", "clip-starter", "pictures.zip", classes=list(CLASSES))
    library.keep(run.id, "input", "input", buffer.getvalue(), file="input.zip")
    library.keep(run.id, "input", "support", buffer.getvalue(), file="support.zip")
    library.keep(run.id, "predictions", "predictions.csv", table, file="predictions.csv")
    return library.finish(run.id, "done", 1.0)


def made_map(values: np.ndarray, checks: bool = False, **axes: Any) -> dict[str, bytes]:
    """An attribution as a model server writes it; tested where asked, with the map of shuffled weights."""
    buffer = io.BytesIO()
    np.savez(buffer, values=values.astype(np.float32), **{name: np.asarray(places) for name, places in axes.items()})
    about: dict[str, Any] = {
        "axes": [{"name": name, "unit": ""} for name in axes], "score": 3.5, "unit": "dB", "method": "occlusion",
        "seconds": 2.0, "evaluations": 65, "baseline": "silence", "seed": 0, "card": "made",
        "weights_sha256": "ab" * 32,
    }  # fmt: skip
    files = {"attribution.npz": buffer.getvalue()}
    if checks:
        about["checks"] = CHECKS
        files |= {"control.npz": buffer.getvalue(), "control.json": json.dumps(about).encode()}
    return {**files, "attribution.json": json.dumps(about).encode()}


_CURVE = {
    "fractions": [0, 0.5, 1], "relevant": [3, 1, 0], "random": [[3, 2, 0], [3, 2.5, 0]], "area": 1.25,
    "random_area": 1.8, "random_band": [1.7, 1.9], "gain": 0.55, "passes": True,
}  # fmt: skip
CHECKS = {
    "verdict": "does not stand", "sentence": "This map does not stand: a network that knows nothing gives nearly the "
    "same map (ρ 0.91).", "deletion": _CURVE, "insertion": {**_CURVE, "passes": False}, "control_likeness": 0.91,
    "plain_likeness": 0.4, "plain_name": "how loud it is", "cascade": [[1.0, 0.91]], "infidelity": 0.7,
    "sensitivity": None, "agreement": 0.5, "second": "gradient", "repeatability": 1.0,
}  # fmt: skip


_TIMES = [0.5, 1.5, 2.5, 3.5]
_PLACES = {"y": [0.25, 0.75], "x": [0.25, 0.75]}
_RESIDUES = {name: np.arange(1, two_helices.LENGTH + 1) for name in ("residue", "other")}
_SQUARE = np.eye(two_helices.LENGTH)
Values = tuple[np.ndarray, dict[str, Any]]
PROBES: dict[tuple[str, str], Values] = {
    ("separation", "branches"): (
        np.array([[0.3, 0.9], [0.8, 0.1]]), {"stem": ["vocals", "drums"], "branch": ["waveform", "spectrogram"]}
    ),
    ("separation", "reach"): (np.array([0.6, 0.8, 0.95]), {"distance": [0.0, 0.1, 0.4]}),
    ("separation", "attention_maps"): (
        np.stack([np.eye(4), np.full((4, 4), 0.25)])[None],
        {"layer": ["1: spectrogram"], "head": [1.0, 2.0], "from": _TIMES, "to": _TIMES},
    ),
    ("separation", "attention_bands"): (
        np.repeat([[[[0.7, 0.1, 0.1, 0.1]]]], 4, axis=2),
        {"layer": ["1: spectrogram"], "head": [1.0], "from": _TIMES, "band": [1000.0, 3000.0, 5000.0, 7000.0]},
    ),
    ("matting", "branches"): (np.full((3, 2, 2), 0.5), {"branch": ["semantics", "detail", "matte"], **_PLACES}),
    ("matting", "elsewhere"): (
        np.array([[[1.0, 0], [0, 0]], [[0.2, 0], [0, 0]]]), {"background": ["white", "clutter"], **_PLACES}
    ),
    ("matting", "steady"): (np.array([[[1.0, 0], [0, 0]]] * 2), {"time": [0.0, 0.5], **_PLACES}),
    ("folding", "influence"): (_SQUARE, _RESIDUES),
    ("folding", "film"): (np.stack([_SQUARE] * 2), {"step": ["round 1, block 1", "round 1, block 2"], **_RESIDUES}),
    ("folding", "broken"): (
        np.array([[1.0, 80], [0.4, 70]]), {"exchanged": [0.0, 0.7], "measure": ["tm", "plddt"]}
    ),
    ("fewshot", "looked"): (
        np.array([[0.2, 0.8], [0.3, 0.7]]), {"picture": ["the picture", "black"], "class": list(CLASSES)}
    ),
    ("fewshot", "words"): (
        np.array([[[[0.1, 0.2], [0.1, 0.6]], [[0.7, 0.1], [0.1, 0.1]]]]),
        {"layer": ["all, by their gates"], "word": ["What", "answer: star"], **_PLACES},
    ),
    ("fewshot", "latents"): (
        np.array([[[0.1, 0.2], [0.1, 0.6]], [[0.7, 0.1], [0.1, 0.1]]]), {"latent": ["1: 20 %", "2: 80 %"], **_PLACES}
    ),
    ("fewshot", "both"): (
        np.array([0.1, 0.5, 0.0, 0.2, 0.3, -0.1]),
        {"part": ["1. a", "2. star", "patch 1,1", "patch 1,2", "patch 2,1", "patch 2,2"]},
    ),
    ("fewshot", "gates"): (np.array([[0.3, 0.1]]), {"layer": [1.0], "gate": ["attention", "dense"]}),
}  # fmt: skip
"""What a look into a model answers, by task and id: values and axes."""


def made_answer(inquiry: Inquiry) -> Answer:
    """What a model might have answered."""
    if inquiry.explains:
        return Answer(_map_of(inquiry))
    if inquiry.task == "separation":
        content = inquiry.files["song"]
        assert isinstance(content, Content)
        return Answer({"vocals.wav": content.data})
    if inquiry.task == "matting":
        return Answer({"alpha.png": cv2.imencode(".png", frame()[1])[1].tobytes()})
    if inquiry.task == "fewshot":
        text = "file,class,probability,abstained,ball,star\nquery.png,star,0.6,no,0.4,0.6\n"
        return Answer({"predictions.csv": text.encode()})
    if "attention" in str(inquiry.options.get("extras", "")):
        buffer = io.BytesIO()
        np.savez(buffer, attention=np.random.default_rng(0).random((2, 2, two_helices.LENGTH, two_helices.LENGTH)))
        return Answer({"attention.npz": buffer.getvalue()})
    moved = to_cif(two_helices.structure().moved(np.eye(3), np.array([5.0, 0, 0]))).encode()
    return Answer({"model.cif": moved, "confidence.json": _confidence(10.0)})


def _film() -> bytes:
    buffer = io.BytesIO()
    backbone = two_helices.structure().atoms[:, [N, CA, C, O]]
    plddt, entropy = (np.repeat(np.array(each)[:, None], two_helices.LENGTH, 1) for each in ([40.0, 80], [2.0, 1]))
    np.savez(buffer, plddt=plddt, entropy=entropy, backbone=np.stack([backbone[::-1], backbone]))
    return buffer.getvalue()


def _map_of(inquiry: Inquiry) -> dict[str, bytes]:
    tested = inquiry.options.get("check") != "off"
    if inquiry.options.get("method") == "shapley":
        return made_map(np.array([2.0, 1.5]), tested, part=["vocals", "drums"])
    look = (inquiry.task, str(inquiry.options.get("method")))
    if look in PROBES:
        values, axes = PROBES[look]
        return {**made_map(values, **axes), **({"film.npz": _film()} if look[1] == "film" else {})}
    values = np.zeros((4, 5))
    values[1, 2], values[3, 0] = 2.0, -1.0
    match inquiry.task:
        case "separation":
            return made_map(values, tested, time=[0.5, 1.5, 2.5, 3.5], frequency=[100, 400, 1000, 3000, 6000])
        case "folding":
            length = two_helices.LENGTH
            return made_map(np.eye(length)[6], tested, residue=np.arange(1, length + 1))
    return made_map(values, tested, y=(np.arange(4) + 0.5) / 4, x=(np.arange(5) + 0.5) / 5)
