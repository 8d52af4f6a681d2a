"""What lies before the beginning of a file, what follows its end, and an end that is not there."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from backends.separation.io.audio import open_song
from studio.songs.id3 import id3_tag
from studio.songs.probe import probe
from tests.support.separation import encode, level, read_song, tone
from tests.support.sound_tracks import video

RATE = 44100


def sound_file(seconds: float, rate: int = RATE, channels: int = 2, **kind: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(seconds, rate, channels), rate, **kind)
    return buffer.getvalue()


def vorbis(seconds: float, rate: int = RATE, channels: int = 2) -> bytes:
    return sound_file(seconds, rate, channels, format="OGG", subtype="VORBIS")


def test_links_of_an_ogg_file_may_differ_in_rate_channels_and_codec(tmp_path: Path) -> None:
    opus = encode(tmp_path / "opus", tone(0.5, 48_000), "libopus", 48_000, container="ogg").read_bytes()
    path = tmp_path / "song.ogg"
    path.write_bytes(vorbis(2.0) + vorbis(2.0, 48_000) + vorbis(2.0, 22_050, 1) + opus)
    mix, heard = read_song(path, tmp_path)
    assert mix.seconds == pytest.approx(6.5, abs=0.05) and mix.notices == ()
    assert open_song(path).duration == pytest.approx(6.5, abs=0.05)
    for second in (1, 3, 5):  # each link plays at its own rate, so that its tone stays the same
        assert level(heard[0, second * RATE : second * RATE + RATE // 2], 220) == pytest.approx(0.3, abs=0.02)
    assert probe(path).seconds == pytest.approx(6.5, abs=0.05)


def test_what_follows_the_last_link_and_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "song.ogg"
    path.write_bytes(vorbis(2.0) + b"OggS\0\2" + bytes(100))
    mix, _ = read_song(path, tmp_path)
    assert mix.seconds == pytest.approx(2.0, abs=0.01)
    assert len(mix.notices) == 1 and mix.notices[0].startswith("Only the first 2 s could be read: what follows")


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "OGG"])
def test_a_tag_of_an_mp3_file_before_another_kind_of_file_is_passed_over(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "song"
    whole = vorbis(2.0) if kind == "OGG" else sound_file(2.0, format=kind, subtype="PCM_16")
    path.write_bytes(id3_tag({"title": "Lied"}) + whole)
    mix, heard = read_song(path, tmp_path)
    assert heard.shape[1] == 2 * RATE and mix.notices == ()
    if kind == "WAV":
        path.write_bytes(path.read_bytes()[: RATE * 4])
        assert "announces 2 s, of which the first 1 s" in read_song(path, tmp_path)[0].notices[0]


CUT = {
    "libopus": ("ogg", 48_000),
    "flac": ("ogg", RATE),
    "pcm_s16be": ("caf", RATE),
    "pcm_s16le": ("w64", RATE),
    "wmav2": ("asf", RATE),
    "mp2": ("avi", RATE),
    "pcm_u8": ("voc", RATE),
}


@pytest.mark.parametrize(("codec", "container", "rate"), [(codec, *kind) for codec, kind in CUT.items()])
def test_an_end_that_is_missing_is_said(tmp_path: Path, codec: str, container: str, rate: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (4 * rate, 2))
    path = encode(tmp_path / "song", noise, codec, rate, container=container, bit_rate=128_000)
    assert read_song(path, tmp_path)[0].notices == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    mix, _ = read_song(path, tmp_path)
    assert 1.5 < mix.seconds < 2.6
    assert len(mix.notices) == 1 and f"breaks off after {mix.seconds:.3g} s: its end is missing" in mix.notices[0]


def test_a_file_whose_missing_end_holds_its_index_is_called_incomplete(tmp_path: Path) -> None:
    path = encode(tmp_path / "song", tone(1.0), "alac", container="caf")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match="not complete"):
        open_song(path)


def test_a_late_beginning_that_an_avi_file_states_is_kept(tmp_path: Path) -> None:
    path = video(tmp_path / "clip", [tone(1.0)], container="avi", codec="ac3")
    data = bytearray(path.read_bytes())
    header = data.index(b"auds")  # AVISTREAMHEADER: scale, rate and start lie 20, 24 and 28 bytes behind
    scale, rate = (int.from_bytes(data[header + place : header + place + 4], "little") for place in (20, 24))
    data[header + 28 : header + 32] = round(rate / scale / 2).to_bytes(4, "little")
    path.write_bytes(data)
    mix, heard = read_song(path, tmp_path)
    assert not heard[:, : round(0.45 * RATE)].any() and np.abs(heard[:, round(0.6 * RATE) :]).max() > 0.2
    assert len(mix.notices) == 1 and "after the picture; silence before it keeps them together" in mix.notices[0]


def test_sound_that_starts_late_in_a_program_stream_stays_there(tmp_path: Path) -> None:
    path = video(tmp_path / "clip", [tone(1.0)], container="vob", codec="ac3", late=0.5)
    mix, heard = read_song(path, tmp_path)
    assert mix.seconds == pytest.approx(1.5, abs=0.06) and not heard[:, : round(0.4 * RATE)].any()
    assert len(mix.notices) == 1 and "after the picture; silence before it keeps them together" in mix.notices[0]
