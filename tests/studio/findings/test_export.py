"""Exported stories: one file that holds everything, is as large as it was allowed to be, and lets nothing in."""

from __future__ import annotations

import base64
import io
import json
import re

import av
import numpy as np
import pytest

from backends.core.errors import TooLarge
from studio import services
from studio.findings import export
from studio.library.findings import Evidence, Step
from studio.songs import excerpt, exhibit
from tests.support.findings import GAIN, PITCHES, SECONDS, song, told
from viz.separation.tiles import decode_tile


def data_of(document: bytes) -> dict:
    return json.loads(re.search(rb'id="data">(.*?)</script>', document).group(1))


def test_a_story_becomes_one_file_that_needs_nothing_else() -> None:
    run = song("a song")
    _, story = told(run)
    document = export.html_file(story.id, export.LIMITS["5"])
    assert len(document) < export.LIMITS["5"]
    slides = data_of(document)["slides"]
    assert [slide["title"] for slide in slides] == ["Hello", "The voice is clear"]
    part = slides[1]["parts"][0]
    addresses = [segment[name] for lane in part["data"]["lanes"] for segment in lane["segments"] for name in segment]
    assert len(addresses) == 6 and all(address.startswith("data:") for address in addresses)
    assert part["still"].startswith("data:image/webp;base64,") and part["live"] == ""
    assert part["data"]["state"]["solo"] == ["vocals"] and b"default-src 'none'" in document
    text = re.sub(rb"data:[a-z/]+;base64,[A-Za-z0-9+/=]+", b"", document)
    assert not re.findall(rb'(?:src|href)="(?!data:)[^"]', text) and b"/runs/" not in text


def test_packed_sound_is_the_sound_of_the_moment() -> None:
    run = song("a song")
    part = exhibit.packed(run.id, {"position": 0.1}, "k", 1_000_000)
    lanes = {lane["name"]: lane["segments"][0] for lane in part.data["lanes"]}
    assert list(lanes) == ["drums", "vocals", "mix"] and part.data["frames"] == excerpt.frames(SECONDS)
    for name, pitch in PITCHES.items():
        coded = base64.b64decode(lanes[name]["url"].split(",")[1])
        with av.open(io.BytesIO(coded)) as container:
            sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
        assert np.argmax(spectrum) * excerpt.RATE / len(sound) == pytest.approx(pitch, abs=4)
        assert np.abs(sound[4800:19200]).max() == pytest.approx(0.3 * GAIN, rel=0.1)
        tile = decode_tile(base64.b64decode(lanes[name]["tile"].split(",")[1]))
        assert np.abs(tile.peaks).max() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(("budget", "kbits", "seconds"), [(10_000_000, 96, 30.0), (900_000, 64, 16.9), (1, 48, 4.0)])
def test_good_sound_comes_before_more_of_it(budget: int, kbits: int, seconds: float) -> None:
    assert excerpt.quality(5, budget) == (kbits, pytest.approx(seconds, abs=0.1))


def test_a_loop_and_a_late_moment_keep_their_places() -> None:
    assert exhibit._window({"position": 58.0}, 60.0, 20.0) == (40.0, 60.0)
    assert exhibit._shifted({"position": 58.0}, 40.0, 60.0)["position"] == 18.0
    loop = {"loop": {"start": 10.0, "end": 14.0, "on": True}, "position": 11.0}
    assert exhibit._window(loop, 60.0, 20.0) == (10.0, 14.0)
    assert exhibit._shifted(loop, 10.0, 14.0)["loop"] == {"start": 0.0, "end": 4.0, "on": True}


def test_what_cannot_fit_is_said_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    _, story = told(song("a song"))
    with pytest.raises(TooLarge, match=r"at least 0\.\d MB"):
        export.html_file(story.id, 50_000)


def test_a_finding_whose_run_is_gone_still_has_its_step() -> None:
    run = song("a song")
    finding, story = told(run)
    services.findings().pin(finding.id, Evidence("nonsense", "x" * 32))
    services.findings().update_story(story.id, steps=[*story.steps, Step("finding", "gone")])
    services.library().delete(run.id)
    slides = data_of(export.html_file(story.id, export.LIMITS["5"]))["slides"]
    assert slides[1]["parts"] == [] and "not in the library any more" in slides[1]["text"]
    assert slides[2]["title"] == "A finding that was deleted"
