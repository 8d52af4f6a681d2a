"""Files that were joined by copying, and files with damage inside: nothing is lost unsaid, and what is said is true."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from backends.matting.video.source import open_container
from backends.separation.io.audio import open_song
from tests.support.separation import encode, read_song, tone
from tests.support.sounds import Sound, write_clip

RATE = 44100


def sound_file(seconds: float, **kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (round(seconds * RATE), 2))
    soundfile.write(buffer, noise, RATE, **kind)
    return buffer.getvalue()


def read(path: Path, content: bytes) -> tuple[float, str]:
    """The seconds that were read of a file with this content, and its notices."""
    path.write_bytes(content)
    mix, heard = read_song(path, path.parent)
    return heard.shape[1] / RATE, " ".join(mix.notices)


def test_a_short_flac_file_that_was_joined_to_another_loses_nothing(tmp_path: Path) -> None:
    once = encode(tmp_path / "once.flac", tone(0.5), "flac", container="flac").read_bytes()
    assert read(tmp_path / "song.flac", once * 3) == (1.5, "")
    assert open_song(tmp_path / "song.flac").duration == pytest.approx(1.5)
    other = sound_file(1.0, format="FLAC", subtype="PCM_24")
    assert read(tmp_path / "song.flac", once + other) == (1.5, "")


def test_a_file_behind_the_end_of_another_is_said(tmp_path: Path) -> None:
    aac = encode(tmp_path / "once.m4a", tone(0.5), "aac", container="ipod").read_bytes()
    for content in (aac, sound_file(0.5, format="AIFF")):
        seconds, said = read(tmp_path / "song", content * 2)
        assert seconds == pytest.approx(0.5, abs=0.01) and "another file follows" in said
        assert read(tmp_path / "song", content) == (seconds, "")


def test_what_is_lost_of_an_mp3_is_told_in_seconds_and_tags_are_no_damage(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mp3", tone(2.0), "libmp3lame", container="mp3", bit_rate=128_000).read_bytes()
    half = len(whole) // 2
    _, said = read(tmp_path / "song.mp3", whole[:half] + bytes(8000) + whole[half + 8000 :])
    assert 0.4 < float(re.findall(r"about ([\d.]+) s of it", said)[0]) < 0.6
    cover = b"ID3\3\0\0" + bytes([0, 0, 64, 0]) + np.random.default_rng(1).bytes(8192)  # 64 * 128 bytes, no sound
    assert read(tmp_path / "song.mp3", whole + cover + whole + b"TAG" + bytes(125))[1] == ""


def test_a_hole_in_an_ogg_file_becomes_silence_and_what_follows_keeps_its_time(tmp_path: Path) -> None:
    whole = sound_file(4.0, format="OGG", subtype="VORBIS")
    half = len(whole) // 2
    seconds, said = read(tmp_path / "song.ogg", whole[:half] + bytes(3000) + whole[half + 3000 :])
    assert seconds == pytest.approx(4.0, abs=0.01) and re.fullmatch(r"The file lacks .* silence stands.*", said)
    assert read(tmp_path / "song.ogg", whole * 2) == (pytest.approx(8.0, abs=0.01), "")


def test_an_mp4_whose_clock_stands_still_is_refused_for_that(tmp_path: Path) -> None:
    whole = encode(tmp_path / "song.m4a", tone(0.5), "aac", container="ipod").read_bytes()
    place = whole.index(b"mdhd") + 16
    (tmp_path / "song.m4a").write_bytes(whole[:place] + bytes(4) + whole[place + 4 :])
    for opened in (open_song, open_container):
        with pytest.raises(BadInput, match="time scale is 0"):
            opened(tmp_path / "song.m4a")


def test_a_hole_in_the_sound_of_an_old_web_video_becomes_silence(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.flv", [Sound("aac", 2.0, hole=(0.6, 1.2))], frames=50, codec="flv")
    mix, heard = read_song(path, tmp_path)
    late = heard[:, RATE:]  # a click is at 1.5 s
    assert int(np.argmax(np.abs(late).max(axis=0))) / RATE == pytest.approx(0.51, abs=0.05)
    assert len(mix.notices) == 1 and "silence stands in its place" in mix.notices[0]
