"""Several songs chosen at once: each becomes a run of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from studio import services
from tests.support.pages import click, words_of
from tests.support.separation import tone


def song(seconds: float) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, tone(seconds), 44100, format="WAV")
    return content.getvalue()


def test_each_song_becomes_a_run(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    app.run().switch_page("pages/songs.py").run()
    files = [("one.wav", song(0.5), "audio/wav"), ("two.oga", song(0.7), "audio/ogg")]
    app.file_uploader[0].set_value(files).run()
    assert not app.exception and "one.wav" in words_of(app) and "two.oga" in words_of(app)
    assert words_of(app).count("stereo, 44.1 kHz") == 2
    submitted: list[str] = []

    def submit(task: str, name: str, source: Any, card: str, options: Any, **more: Any) -> str:
        submitted.append(name)
        return "no-such-run"

    monkeypatch.setattr(services.jobs(), "submit", submit)
    click(app, "Split 2 songs")
    assert submitted == ["one.wav", "two.oga"]


@pytest.mark.slow
def test_one_that_is_no_song_is_said_and_holds_the_others_back(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py").run()
    app.file_uploader[0].set_value([("one.wav", song(0.5), ""), ("two.caf", b"no sound at all", "")]).run()
    assert not app.exception and "could not be read as sound" in app.error[0].value
    assert next(button for button in app.button if button.label == "Split 2 songs").disabled
