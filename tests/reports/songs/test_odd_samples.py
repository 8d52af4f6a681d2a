"""Samples that are no sound: numbers that nobody recorded must not drown the song or be called silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from tests.support.separation import read_song, tone


def test_one_wild_number_does_not_drown_the_song(tmp_path: Path) -> None:
    samples = tone(0.3)
    samples[[100, 2000], 0] = 1e30, -np.inf
    soundfile.write(tmp_path / "song.wav", samples, 44100, subtype="FLOAT")
    mix, read = read_song(tmp_path / "song.wav", tmp_path)
    assert mix.peak < 1 and np.abs(read[:, 500:1500] - samples.T[:, 500:1500]).max() < 1e-6
    assert mix.notices == ("2 samples of the file are no numbers that sound can have; they were replaced by silence.",)


def test_a_song_on_the_scale_of_integers_is_still_the_song(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", tone(0.3) * 2**31, 44100, subtype="FLOAT")
    mix, _ = read_song(tmp_path / "song.wav", tmp_path)
    assert mix.peak > 1e8 and "over full scale" in mix.notices[0]


def test_a_song_without_a_single_number_is_not_called_silent(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.full((5000, 2), np.nan), 44100, subtype="FLOAT")
    with pytest.raises(BadInput, match="no numbers that sound can have"):
        read_song(tmp_path / "song.wav", tmp_path)
