"""A stem of a finished song for the network that learned sounds."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from studio import services
from studio.how import own_sounds, stems
from tests.support import findings
from tests.support.pages import fresh_services, studio_app, words_of


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield


def test_a_stem_goes_to_the_browser_with_its_own_pitch() -> None:
    run = findings.song("a song")
    assert set(stems.names(run)) == {"vocals", "drums"}
    sound = own_sounds._sound(run.id, "drums")
    assert sound["title"] == "drums of a song"
    kind, _, text = sound["address"].partition(";base64,")
    wave, rate = soundfile.read(io.BytesIO(base64.b64decode(text)))
    spectrum = np.abs(np.fft.rfft(wave[:, 0]))
    assert kind == "data:audio/ogg"
    assert spectrum.argmax() * rate / len(wave) == pytest.approx(findings.PITCHES["drums"], abs=5)
    with pytest.raises(BadInput, match="not in the library"):
        stems.first_minute(run, "bass")


def test_the_loudest_seconds_of_a_long_stem_are_taken() -> None:
    rate = 100
    wave = np.zeros(60 * rate, np.float32)
    wave[40 * rate : 41 * rate] = 1
    taken = own_sounds.loudest(wave, rate)
    assert len(taken) == own_sounds.SECONDS * rate and taken.sum() == rate


def test_the_page_offers_stems_and_one_that_is_gone_becomes_a_sentence() -> None:
    run = findings.song("a song")
    app = studio_app().run().switch_page("pages/how.py")
    app.query_params.update({"exhibit": "vae_pictures", "stem": f"{run.id}.vocals"})
    app.run()
    assert not app.exception
    assert next(box for box in app.selectbox if "a sound of what you made" in box.label).value == f"{run.id}.vocals"
    services.library().delete(run.id)
    app.query_params["stem"] = f"{run.id}.bass"
    app.run()
    assert (not app.exception and "not here" in words_of(app)) or "no such run" in words_of(app)
