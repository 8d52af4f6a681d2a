"""Sound keeps its time: late starts, holes, a longer picture, padding, and lengths that headers get wrong."""

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
from studio.songs.probe import probe
from tests.support.separation import encode, read_song, tone
from tests.support.sound_tracks import video

RATE = 44100


def click(at: float, seconds: float = 2.0) -> np.ndarray:
    """(T, 2): a soft tone with a loud burst at one moment."""
    samples = 0.02 * tone(seconds)
    start = round(at * RATE)
    samples[start : start + 400] += 0.8 * np.random.default_rng(0).standard_normal((400, 1)).clip(-1, 1)
    return samples


def moment(heard: np.ndarray) -> float:
    """When the burst is heard, in seconds."""
    power = np.convolve(np.square(heard).sum(axis=0), np.ones(400), "valid")
    return int(np.argmax(power)) / RATE


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_sound_that_starts_after_the_picture_stays_there(tmp_path: Path, container: str) -> None:
    mix, heard = read_song(video(tmp_path / "v", [click(1.5)], container=container, late=0.5), tmp_path)
    assert moment(heard) == pytest.approx(2.0, abs=0.03)
    assert len(mix.notices) == 1 and re.search(r"begins 0\.(5|4[789]\d?) s after the picture", mix.notices[0])


def test_a_hole_is_filled_with_silence_and_said(tmp_path: Path) -> None:
    path = video(tmp_path / "v", [click(1.5)], lost=(0.5, 1.0), picture_seconds=2.0)
    mix, heard = read_song(path, tmp_path)
    assert moment(heard) == pytest.approx(1.5, abs=0.03)
    assert not heard[:, round(0.6 * RATE) : round(0.9 * RATE)].any()
    assert len(mix.notices) == 1 and "lacks" in mix.notices[0] and "silence stands in its place" in mix.notices[0]


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_a_picture_that_lasts_longer_is_no_damage(tmp_path: Path, container: str) -> None:
    mix, _ = read_song(video(tmp_path / "v", [click(0.5)], container=container, picture_seconds=4.0), tmp_path)
    assert mix.notices == ()


@pytest.mark.parametrize(
    ("codec", "container", "rate"),
    [("aac", "ipod", 44100), ("aac", "mov", 48000), ("libmp3lame", "mp4", 44100), ("alac", "caf", 44100)],
)
def test_padding_is_cut_at_the_stated_length(tmp_path: Path, codec: str, container: str, rate: int) -> None:
    seconds = (RATE + 123) / RATE
    mix, _ = read_song(encode(tmp_path / "song", tone(seconds, rate), codec, rate, container=container), tmp_path)
    assert abs(mix.frames - (RATE + 123)) < RATE / 1000 and mix.notices == ()  # some headers count milliseconds


def test_the_length_of_an_mp3_without_a_header_is_counted_not_guessed(tmp_path: Path) -> None:
    quiet = encode(tmp_path / "a.mp3", np.zeros((2 * RATE, 2)), "libmp3lame", container="mp3", bit_rate=32_000)
    loud = encode(tmp_path / "b.mp3", tone(2.0), "libmp3lame", container="mp3", bit_rate=320_000)
    joined = tmp_path / "song.mp3"
    joined.write_bytes(_frames(quiet) + _frames(loud) * 3)
    assert open_song(joined).duration == pytest.approx(8.0, abs=0.3)
    assert probe(joined).seconds == pytest.approx(8.0, abs=0.3)


def _frames(path: Path) -> bytes:
    """An MP3 file without its tag and the frame that states its length."""
    content = path.read_bytes()
    start = 10 + int.from_bytes(bytes(b & 0x7F for b in content[6:10]), "big") if content[:3] == b"ID3" else 0
    second = content.index(content[start : start + 2], start + 4)
    return content[second:]


def test_a_folder_is_no_song_that_went_away(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder: choose one song in it"):
        open_song(tmp_path)


def test_an_edit_list_of_no_length_means_all_of_the_sound(tmp_path: Path) -> None:
    data = encode(tmp_path / "song.m4a", tone(0.5), "aac").read_bytes()
    place = data.index(b"elst") + 12  # after the version, and the number of its entries
    (tmp_path / "song.m4a").write_bytes(data[:place] + bytes(4) + data[place + 4 :])
    mix, heard = read_song(tmp_path / "song.m4a", tmp_path)
    assert heard.shape[1] / RATE == pytest.approx(0.5, abs=0.03) and mix.notices == ()


@pytest.mark.parametrize("joined", [False, True])
def test_sound_behind_the_stated_end_of_a_wav_file_is_heard(tmp_path: Path, joined: bool) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(2.0), RATE, format="WAV", subtype="PCM_16")
    data, half = buffer.getvalue(), (RATE * 4).to_bytes(4, "little")
    (tmp_path / "song.wav").write_bytes(data * 2 if joined else data[:40] + half + data[44:])
    _, heard = read_song(tmp_path / "song.wav", tmp_path)
    assert heard.shape[1] / RATE == pytest.approx(4.0 if joined else 2.0, abs=0.001)
    for tail in (b"TAG" + bytes(125), b"LIST\4\0\0\0INFO"):
        (tmp_path / "song.wav").write_bytes(data + tail)
        assert read_song(tmp_path / "song.wav", tmp_path)[1].shape[1] == 2 * RATE


def test_an_mp4_file_without_its_index_is_called_incomplete(tmp_path: Path) -> None:
    whole = encode(tmp_path / "song.m4a", tone(0.5), "aac").read_bytes()
    (tmp_path / "song.m4a").write_bytes(whole[: len(whole) // 2])
    for read in (open_song, open_container):
        with pytest.raises(BadInput, match="not complete"):
            read(tmp_path / "song.m4a")
