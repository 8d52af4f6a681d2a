"""Tempo, key and beats of a run: what the player is told, and what exports are tagged with."""

from __future__ import annotations

import io
import json

import av
import numpy as np
import pytest
import soundfile
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.library.library import Library
from studio.songs import music
from studio.songs.stretch import Pace
from studio.web.routes import routes
from studio.web.urls import run_url

FOUND = {
    "tempo": {"bpm": 103.96, "confidence": 0.9},
    "key": {"name": "B♭ minor", "fit": 0.8, "runner_up": "D♭ major", "margin": 0.12},
    "beats": [0.0, 0.58, 1.15],
    "beats_sure": 0.95,
    "first_bar": 0,
    "beats_a_bar": 4,
    "bars_sure": 0.1,
    "chords": [{"start": 0.0, "end": 1.15, "name": "B♭m", "sure": 0.9}],
}


def test_what_is_sure_stands_alone_and_a_guess_is_called_one() -> None:
    shown = music.for_player(FOUND)
    assert shown["tempo"] == {
        "bpm": 103.96,
        "sure": True,
        "says": "90 % of the song has this beat (or half or double of it).",
    }
    assert (
        shown["key"]["sure"] and shown["key"]["says"] == "The notes fit B♭ minor best; next is D♭ major, well behind."
    )
    assert not shown["bars_sure"] and "take it as a guess" in shown["bars_say"]
    assert shown["beats"] == FOUND["beats"] and shown["chords"][0]["name"] == "B♭m"
    assert {one["what"]: one["sure"] for one in shown["sure"]} == {
        "Tempo": True, "Key": True, "Beats": True, "Bars": False, "Chords": True,
    }  # fmt: skip
    says = {one["what"]: one["says"] for one in shown["sure"]}
    assert says["Beats"] == "Something is struck at 95 % of them." and "100 % of the time" in says["Chords"]
    nothing = music.for_player({**FOUND, "tempo": None, "key": {**FOUND["key"], "fit": 0.3}})
    assert nothing["tempo"] is None and nothing["key"] is None
    assert nothing["sure"][0] == {"what": "Tempo", "sure": False, "says": "No steady beat was heard."}
    vague = music.for_player({**FOUND, "chords": [{**FOUND["chords"][0], "sure": 0.4}], "beats_sure": 0.5})
    assert [one["what"] for one in vague["sure"] if not one["sure"]] == ["Beats", "Bars", "Chords"]


@pytest.mark.parametrize(
    ("own", "pace", "tags"),
    [
        ({}, Pace(), {"bpm": "104", "key": "Bbm"}),
        ({}, Pace(0.5, 2), {"bpm": "52", "key": "Cm"}),
        ({"bpm": "98", "key": "G#m"}, Pace(1.0, -1), {"bpm": "98", "key": "Gm"}),
        ({"bpm": "fast", "key": "8A"}, Pace(), {"bpm": "104", "key": "8A"}),
    ],
)
def test_tags_of_tempo_and_key_follow_the_pace(own: dict[str, str], pace: Pace, tags: dict[str, str]) -> None:
    assert music.tags_of(FOUND, own, pace) == tags


def test_an_export_is_slower_and_lower_and_its_tags_say_so(library: Library) -> None:
    rate = 16000
    wave = np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)[:, None].repeat(2, 1).astype(np.float32) * 0.4
    sound = io.BytesIO()
    soundfile.write(sound, wave, rate, format="WAV", subtype="FLOAT")
    run = library.begin(task="separation", title="Night", engine="dsp", card={"id": "dsp"})
    for kind, name in (("stem", "vocals"), ("mix", "mix")):
        library.keep(run.id, kind, name, sound.getvalue(), file="x.wav")
    library.keep(run.id, music.KIND, music.KIND, json.dumps(FOUND).encode(), file="music.json")
    library.finish(run.id, "done", 1.0)
    with TestClient(Starlette(routes=routes(library))) as client:
        answer = client.get(f"{run_url(run.id)}/mixdown?format=flac&gains=vocals:0&speed=0.5&semitones=-12&rate=48000")
        assert answer.status_code == 200, answer.text
        assert "50%20%25%2C%20-12%20semitones" in answer.headers["content-disposition"]
        for wrong, sentence in (
            ("speed=9", "speed must lie between"),
            ("semitones=1.5", "whole semitones"),
            ("rate=7", "sample rates"),
        ):
            refused = client.get(f"{run_url(run.id)}/mixdown?format=flac&{wrong}")
            assert refused.status_code == 400 and sentence in refused.text
    written, found = soundfile.read(io.BytesIO(answer.content))
    assert found == 48000 and len(written) == 6 * 48000
    middle = written[2 * 48000 : 4 * 48000, 0]
    peak = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * 48000 / len(middle)
    assert peak == pytest.approx(220, abs=1)
    with av.open(io.BytesIO(answer.content)) as box:
        tags = {name.lower(): value for name, value in box.metadata.items()}
    assert tags["bpm"] == "52" and tags["key"] == "Bbm"
