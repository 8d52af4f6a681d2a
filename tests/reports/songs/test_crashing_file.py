"""A song that crashes its decoder: the process that holds everybody's jobs lives on, and the file gets a sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import UndecodableFile
from backends.separation.io import audio
from tests.support.separation import encode, level, read_song

RATE = 48000


@pytest.mark.parametrize(("codec", "container"), [("aac", "ipod"), ("libopus", "ogg"), ("flac", "flac")])
def test_71_sound_is_read_and_the_process_lives(tmp_path: Path, codec: str, container: str) -> None:
    time = np.arange(RATE // 2) / RATE
    speakers = np.stack([0.05 * np.sin(2 * np.pi * 300 * (1 + index) * time) for index in range(8)], 1)
    path = encode(tmp_path / "song", speakers, codec, RATE, container=container, layout="7.1")
    _, heard = read_song(path, tmp_path)
    left, right = (level(side, 300) for side in heard)
    assert left > 0.01 and right < 0.002  # the front left speaker, on its side alone


@pytest.mark.slow
def test_a_crash_of_the_decoder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF")
    monkeypatch.setattr(audio, "DESCRIBE", f"{__name__}:crash")
    with pytest.raises(UndecodableFile, match="makes the decoder crash"):
        audio.open_song(path)


def crash(path: str, track: str) -> Iterator[None]:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def _ended(code: str) -> None:  # its text runs as a script of its own
    from types import SimpleNamespace
    from typing import Any, cast

    from studio.ui import run_sections

    run_sections.repeat_or_delete(cast(Any, SimpleNamespace(id="r", task="separation", facts={"error_code": code})))


@pytest.mark.parametrize(("code", "offered"), [("undecodable_file", False), ("", True)])
def test_a_file_that_crashed_its_decoder_is_not_offered_again_as_it_is(code: str, offered: bool) -> None:
    app = AppTest.from_function(_ended, kwargs={"code": code}).run(timeout=30)
    assert not app.exception
    assert any(button.label == "Run it again" for button in app.button) == offered
