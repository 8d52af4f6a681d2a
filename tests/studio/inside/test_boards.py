"""Reasons as boards: every cell where its sound or its place lies, with the verdict, the control and what is heard."""

from __future__ import annotations

import base64
import io
from typing import Any

import av
import numpy as np
import pytest

from studio.inside import boards
from studio.inside.attribution import Map
from tests.support.inside import RATE, SECONDS, frame, sound

CHECKS: dict[str, Any] = {
    "verdict": "doubtful",
    "sentence": "This map is doubtful: nothing else agrees.",
    "agreement": 0.2,
    "second": "rise",
}


def song_map() -> Map:
    """All that counts lies around 440 Hz in the first second."""
    values = np.zeros((3, 4))
    values[1, 0] = 5.0
    axes = {"frequency": np.array([100.0, 440.0, 3000.0]), "time": np.arange(4) + 0.5}
    control = Map(np.ones((3, 4)), axes, {"unit": "dB"})
    return Map(values, axes, {"unit": "dB", "checks": CHECKS}, control)


def test_a_map_of_a_song_has_its_pitches_upwards_and_is_heard() -> None:
    board = boards.on_sound(sound(), song_map(), "Around 440 Hz.")
    assert board.maps[0].rows[1][0] == 5.0 and board.reach == 5.0
    assert board.y.labels == ("3.0 kHz", "440 Hz", "100 Hz") and board.x.labels[0] == "0.50 s"
    assert list(board.y.edges) == sorted(board.y.edges) and board.x.edges == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert [each.name for each in board.maps] == [boards.MAP, boards.CONTROL]
    assert board.maps[1].rows == ((1.0,) * 4,) * 3
    with av.open(io.BytesIO(base64.b64decode(board.sounds[0][1].split(",")[1]))) as container:
        heard = np.concatenate([part.to_ndarray() for part in container.decode(audio=0)], axis=1)[0]
    first, rest = heard[4800:43200], heard[2 * 48_000 : 3 * 48_000]
    spectrum = np.abs(np.fft.rfft(first * np.hanning(len(first))))
    assert np.argmax(spectrum) * 48_000 / len(first) == pytest.approx(440, abs=5)
    assert np.square(rest).mean() < 1e-3 * np.square(first).mean()
    assert len(heard) == pytest.approx(SECONDS * 48_000, rel=0.02) and sound().rate == RATE


def test_the_verdict_goes_with_the_map() -> None:
    trust = boards.on_sound(sound(), song_map(), "").trust
    assert (trust.verdict, trust.sentence) == ("doubtful", CHECKS["sentence"])
    assert trust.tests == (("Another method (rise)", "rank correlation 0.20"),)


def test_a_map_of_a_picture_lies_on_the_picture_and_marks_the_place() -> None:
    values = np.arange(6.0).reshape(2, 3)
    found = Map(values, {"row": np.arange(2), "column": np.arange(3)}, {"unit": "alpha"})
    board = boards.on_picture(frame()[0], found, "A place.", (0.1, 0.2, 0.3, 0.4))
    assert board.maps[0].rows == ((0.0, 1.0, 2.0), (3.0, 4.0, 5.0)) and board.area == (0.1, 0.2, 0.3, 0.4)
    assert board.aspect == 0.75 and board.x.edges == (0.0, 0.33333, 0.66667, 1.0)
    assert board.trust.sentence == "This map was not tested." and board.trust.verdict == ""


def test_a_map_of_residues_has_one_bar_each() -> None:
    found = Map(np.array([0.5, -1.0]), {"residue": np.array([1, 2])}, {"unit": "", "checks": CHECKS})
    board = boards.of_parts(boards.residue_names("KL"), found, "Two.")
    assert board.names == ("K1", "L2") and board.maps[0].rows == ((0.5, -1.0),)
