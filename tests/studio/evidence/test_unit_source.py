"""A unit as the file that its page takes: what the model sees there is what it was measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from evaluation.datasets.base import Sample
from studio.evidence.unit_source import source_file


def test_a_song_keeps_every_sample() -> None:
    mixture = np.random.default_rng(0).normal(0, 0.1, (2, 500)).astype(np.float32)
    with source_file("separation", "mix 1", Sample({"mixture": mixture, "samplerate": 8000})) as path:
        wave, rate = soundfile.read(path, dtype="float32")
    assert rate == 8000 and np.array_equal(wave.T, mixture)


def test_a_clip_keeps_every_frame() -> None:
    import av

    frames = np.random.default_rng(1).integers(0, 256, (4, 48, 64, 3), np.uint8)
    with source_file("matting", "clip 1", Sample({"frames": frames, "fps": 6})) as path, av.open(str(path)) as video:
        read = np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])
        assert float(video.streams.video[0].average_rate or 0) == 6
    assert np.array_equal(read, frames)


def test_a_photo_and_a_protein() -> None:
    photo = np.zeros((10, 12, 3), np.uint8)
    with source_file("matting", "p", Sample({"photo": photo})) as path:
        assert path.suffix == ".png" and path.stat().st_size
    with source_file("folding", "A\n>B", Sample({"sequence": "ACDEF"})) as path:
        assert path.read_text() == ">A >B\nACDEF\n"
        kept = path
    assert not Path(kept).exists()


@pytest.mark.parametrize(("text", "place"), [("12.5", 12.5), ("-1", None), ("nan", None), ("x", None), ("1e9", None)])
def test_places_in_addresses(text: str, place: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    from studio.ui.place import place as place_of

    monkeypatch.setattr(st, "query_params", {"at": text})
    assert place_of() == place


def test_the_figure_of_the_scores_is_a_picture_by_itself() -> None:
    from xml.etree import ElementTree

    from evaluation.studies.results import StudyResults
    from studio.evidence.exports import figure

    results = StudyResults.read(Path(__file__).parents[3] / "docs" / "report" / "studies" / "omniglot")
    picture = ElementTree.fromstring(figure(results))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == len(results.systems) >= 3
