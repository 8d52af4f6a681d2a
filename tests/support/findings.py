"""Finished runs, findings and stories as the studio keeps them, short and small."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import soundfile

from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_cif
from studio import services
from studio.library.findings import Evidence, Finding, Step, Story
from studio.library.library import Run
from viz.separation.tiles import encode_tile

RATE, GAIN, SECONDS = 44_100, 0.5, 0.5
PITCHES = {"vocals": 440.0, "drums": 1000.0, "mix": 200.0}


def tone(name: str) -> np.ndarray:
    """(2, T) of a stem: a sine of its own pitch."""
    times = np.arange(int(RATE * SECONDS)) / RATE
    return np.tile(0.3 * np.sin(2 * np.pi * PITCHES[name] * times), (2, 1)).astype(np.float32)


def song(title: str, model: str = "dsp", **options: object) -> Run:
    """A finished separation with half a second of two stems."""
    library = services.library()
    run = library.begin(
        task="separation",
        title=title,
        engine="dsp",
        weights=model,
        card={"id": model, "title": f"Model {model}", "outputs": ["vocals", "drums"]},
        options=options,
        inputs=[{"name": f"{title}.flac", "sha256": "ab", "bytes": 3}],
    )
    for name in PITCHES:
        target = io.BytesIO()
        soundfile.write(target, tone(name).T * GAIN, RATE, format="FLAC", subtype="PCM_16")
        library.keep(run.id, "segment", name, target.getvalue(), file="s.flac", meta={"index": 0})
        library.keep(run.id, "tile", name, encode_tile(tone(name), RATE, 1 << 18), file="t.tile", meta={"index": 0})
    library.keep(run.id, "input", "input", b"fLaC of the visitor", file="input.flac")
    facts = {"samplerate": RATE, "frames": int(RATE * SECONDS)}
    library.note(run.id, facts=facts, metrics={"level": {"value": -20.5, "unit": "dB"}})
    return library.finish(run.id, "done", 1.0)


def fold(structure: Structure) -> Run:
    """A finished fold of a structure without confidence scores."""
    library = services.library()
    run = library.begin(task="folding", title="A fold", engine="structure", weights="structure")
    files = {"structure": ("model.cif", to_cif(structure)), "confidence": ("confidence.json", "{}")}
    files["sanity"] = ("sanity.json", json.dumps({"rows": []}))
    for kind, (name, text) in files.items():
        library.keep(run.id, kind, name, text.encode(), file=name)
    return library.finish(run.id, "done", 1.0)


def told(run: Run) -> tuple[Finding, Story]:
    """A finding that shows a run at a moment, and a story of a text and that finding."""
    store = services.findings()
    moment = {"position": 0.25, "solo": ["vocals"], "view": "waveform"}
    evidence = Evidence(run.task, run.id, moment, "voice alone", run.metrics)
    finding = store.create("The voice is clear", "It can be heard **alone**.", "One song.", "Ada", [evidence])
    steps = [Step("text", title="Hello", text="- one\n- two", notes="slowly"), Step("finding", finding.id)]
    return finding, store.create_story("A talk", "Ada", steps)


def sorted_zip(title: str, rows: Sequence[tuple[str, str, float, str]]) -> Run:
    """A finished run over a zip of pictures; each row: file, class, probability, "yes" for none of them."""
    library = services.library()
    run = library.begin(task="fewshot", title=title, engine="clip", weights="clip")
    lines = ["file,class,probability,abstained", *(",".join(map(str, row)) for row in rows)]
    library.keep(run.id, "predictions", "predictions.csv", "\n".join(lines).encode(), file="predictions.csv")
    return library.finish(run.id, "done", 1.0)
