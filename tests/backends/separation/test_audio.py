"""Uploads: every format gives the right samples, every bad file a sentence or a right result."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput, TooLarge
from backends.separation.io.audio import open_song, read_mix
from backends.separation.io.mix import MixStatistics
from backends.separation.io.notices import clock
from tests.support.separation import level, read_song

RATE = 44100


def snr(reference: np.ndarray, estimate: np.ndarray) -> float:
    return float(10 * np.log10((reference**2).sum() / max(((reference - estimate) ** 2).sum(), 1e-30)))


@pytest.mark.parametrize(
    ("subtype", "floor"), [("PCM_U8", 30), ("PCM_16", 80), ("PCM_24", 125), ("PCM_32", 130), ("FLOAT", 140)]
)
def test_wav_of_every_depth_keeps_its_samples(wav, tone, tmp_path, subtype, floor):
    expected = tone(1.3)
    mix, heard = read_song(wav(expected, subtype=subtype), tmp_path)
    assert heard.dtype == np.float32
    assert mix.frames == len(expected) == heard.shape[1]
    assert snr(expected.T, heard) > floor


@pytest.mark.parametrize(
    ("coded", "floor"),
    [
        (("libmp3lame", "mp3", 44100), 25),
        (("flac", "flac", 44100), 80),
        (("aac", "ipod", 44100), 22),
        (("aac", "mov", 48000), 22),
        (("libopus", "ogg", 48000), 20),
        (("libopus", "webm", 48000), 20),
        (("flac", "matroska", 48000), 80),
    ],
)
def test_every_format_is_recognised_by_its_content(encode, tone, tmp_path, coded, floor):
    codec, container, samplerate = coded
    path = tmp_path / "upload.bin"
    encode(path, tone(2.0, samplerate), codec, samplerate, container=container)
    song = open_song(path)
    mix, heard = read_song(path, tmp_path)
    assert (song.samplerate, song.channels) == (samplerate, 2)
    assert mix.frames == pytest.approx(2 * RATE, abs=1200)
    frames = min(mix.frames, 2 * RATE)
    assert snr(tone(2.0).T[:, :frames], heard[:, :frames]) > floor


def test_vorbis(tone, tmp_path):
    path = tmp_path / "upload"
    soundfile.write(path, tone(2.0), RATE, format="OGG", subtype="VORBIS")
    mix, heard = read_song(path, tmp_path)
    assert mix.frames == 2 * RATE
    assert snr(tone(2.0).T, heard) > 20


@pytest.mark.parametrize("container", ["mp4", "matroska", "webm"])
def test_the_sound_of_a_video(encode, tone, tmp_path, container):
    codec, rate = ("libopus", 48000) if container == "webm" else ("aac", 44100)
    path = encode(tmp_path / "v", tone(2.0, rate), codec, rate, container=container, video=container != "webm")
    _, heard = read_song(path, tmp_path)
    assert level(heard[0], 220) == pytest.approx(0.3, abs=0.02)
    assert level(heard[1], 440) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("samplerate", [8000, 11025, 48000, 96000, 192000])
def test_resampling_keeps_pitch_level_and_length(wav, tone, tmp_path, samplerate):
    mix, heard = read_song(wav(tone(2.0, samplerate), samplerate, "FLOAT"), tmp_path)
    assert mix.frames == 2 * RATE
    middle = slice(RATE // 2, -RATE // 2)
    assert snr(tone(2.0).T[:, middle], heard[:, middle]) > 90


def test_resampling_lets_no_alias_through(wav, tmp_path):
    time = np.arange(192000) / 192000
    mixed = 0.5 * np.sin(2 * np.pi * 30000 * time) + 0.1 * np.sin(2 * np.pi * 1000 * time)
    _, heard = read_song(wav(np.stack([mixed] * 2, 1), 192000, "FLOAT"), tmp_path)
    assert level(heard[0], 44100 - 30000) < 1e-5
    assert level(heard[0], 1000) == pytest.approx(0.1, rel=1e-3)


def test_mono_is_heard_on_both_sides_as_loud(wav, tone, tmp_path):
    expected = tone(1.0, channels=1)
    _, heard = read_song(wav(expected, subtype="FLOAT"), tmp_path)
    np.testing.assert_allclose(heard, np.concatenate([expected.T] * 2), atol=1e-6)


def test_surround_keeps_sides_and_centre_and_says_so(encode, tmp_path):
    time = np.arange(RATE) / RATE
    speakers = np.stack([0.2 * np.sin(2 * np.pi * 300 * (1 + c) * time) for c in range(6)], 1)  # FL FR FC LFE BL BR
    mix, heard = read_song(encode(tmp_path / "s", speakers, "flac", layout="5.1", container="flac"), tmp_path)
    left, right = ([level(side, 300 * (1 + c)) / 0.2 for c in range(6)] for side in heard)
    scale = 1 / (1 + math.sqrt(2))
    half = scale / math.sqrt(2)
    np.testing.assert_allclose(left, [scale, 0, half, 0, half, 0], atol=1e-3)
    np.testing.assert_allclose(right, [0, scale, half, 0, 0, half], atol=1e-3)
    assert mix.notices == ("The 6 channels of the file were mixed down to stereo.",)


def test_statistics_are_those_of_the_whole_song(wav, tmp_path):
    rng = np.random.default_rng(1)
    samples = np.clip(rng.normal(0.01, 0.4, (200_003, 2)), -1, 1)
    mix, heard = read_song(wav(samples, subtype="FLOAT"), tmp_path)
    mono = heard.mean(axis=0, dtype=np.float64)
    assert mix.mean == pytest.approx(mono.mean(), rel=1e-6)
    assert mix.std == pytest.approx(mono.std(ddof=1), rel=1e-6)
    assert mix.peak == 1.0
    assert mix.clipped == pytest.approx(float((np.abs(heard) >= 1 - 2**-15).mean()))
    assert mix.offset == pytest.approx(tuple(heard.mean(axis=1, dtype=np.float64)), rel=1e-5)


def test_blocks_start_again_and_reads_are_padded(wav, tone, tmp_path):
    mix, heard = read_song(wav(tone(0.5), subtype="FLOAT"), tmp_path)
    assert [block.shape[1] for block in mix.blocks(8192)] == [8192, 8192, 5666]
    np.testing.assert_array_equal(np.concatenate(list(mix.blocks(777)), axis=1), heard)
    around = mix.read(-100, mix.frames + 250)
    np.testing.assert_array_equal(around, np.pad(heard, ((0, 0), (100, 150))))
    assert not mix.read(mix.frames + 5, 10).any()
    song = open_song(tmp_path / "upload")
    np.testing.assert_array_equal(np.concatenate(list(song.blocks(RATE, 999)), axis=1), heard)


def test_tags_and_cover_art(encode, tone, tmp_path):
    tags = {"title": "Öl\x07", "artist": "A" * 900, "album": "B"}
    path = encode(tmp_path / "c", tone(1.0), "libmp3lame", container="mp3", tags=tags, picture=True)
    song = open_song(path)
    assert song.tags == {"title": "Öl", "artist": "A" * 300, "album": "B"}
    _, heard = read_song(path, tmp_path)
    assert level(heard[1], 440) == pytest.approx(0.3, abs=0.02)


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"la la la\n" * 3000, "could not be read as sound"),
    "playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n", "could not be read"),
    "concat": (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "could not be read"),
    "noise": (np.random.default_rng(0).bytes(100_000), "choose a"),
    "zip": (b"PK\x03\x04" + bytes(5000), "could not be read as sound"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("suffix", ["", ".mp3", ".wav", ".m3u8"])
def test_what_is_no_sound_gets_one_sentence(tmp_path, kind, suffix):
    content, words = BAD[kind]
    path = tmp_path / f"upload{suffix}"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        read_song(path, tmp_path)
    assert caught.value.sentence.endswith(".")
    assert str(tmp_path) not in caught.value.sentence


def test_a_playlist_cannot_open_a_song_beside_it(wav, tone, tmp_path):
    target = wav(tone(1.0))
    for text in (f"#EXTM3U\n#EXTINF:1,\n{target}\n", f"ffconcat version 1.0\nfile '{target}'\n"):
        path = tmp_path / "list.mp3"
        path.write_text(text)
        with pytest.raises(BadInput):
            open_song(path)


def test_a_picture_named_mp3(tmp_path):
    path = tmp_path / "cover.mp3"
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    path.write_bytes(
        header + b"\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
    )
    with pytest.raises(BadInput, match="could not be read as sound"):
        open_song(path)


def test_a_video_without_sound(tmp_path):
    import av

    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 * index, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(BadInput, match="This video has no sound"):
        open_song(path)


def test_a_missing_file_and_a_folder(tmp_path):
    for path, words in ((tmp_path / "gone.wav", "not there any more"), (tmp_path, "is a folder: choose one song")):
        with pytest.raises(BadInput, match=words):
            open_song(path)


def test_a_data_chunk_of_no_length(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros((0, 2)), RATE)
    with pytest.raises(BadInput, match="nothing that can be played"):
        read_song(path, tmp_path)


@pytest.mark.parametrize("constant", [0.0, 0.4])
def test_silence_and_a_constant_level_are_told_apart(wav, tmp_path, constant):
    path = wav(np.full((RATE, 2), constant), subtype="FLOAT")
    with pytest.raises(BadInput, match="only a constant level" if constant else "silent from beginning to end"):
        read_song(path, tmp_path)


def test_sound_that_cancels_in_mono_is_no_silence(wav, tone, tmp_path):
    side = tone(1.0, channels=1)
    mix, _ = read_song(wav(np.concatenate([side, -side], 1), subtype="FLOAT"), tmp_path)
    assert mix.std < 1e-6
    assert mix.peak == pytest.approx(0.3, abs=1e-3)


def test_numbers_that_are_none_become_silence_with_a_notice(wav, tone, tmp_path):
    samples = tone(1.0)
    samples[100:110, 0] = np.nan
    samples[200, 1] = np.inf
    mix, heard = read_song(wav(samples, 48000, subtype="FLOAT"), tmp_path, 48000)
    assert np.isfinite(heard).all()
    assert not heard[0, 100:110].any() and heard[1, 200] == 0
    assert mix.notices == ("11 samples of the file are no numbers that sound can have; they were replaced by silence.",)


def test_an_offset_and_too_loud_a_song_are_noted(wav, tone, tmp_path):
    mix, _ = read_song(wav(40 * tone(1.0) + 1.0, subtype="FLOAT"), tmp_path)
    assert any("DC offset" in notice for notice in mix.notices)
    assert any("22 dB over full scale" in notice for notice in mix.notices)


@pytest.mark.parametrize(("codec", "container"), [("pcm_s16le", "wav"), ("flac", "flac"), ("libmp3lame", "mp3")])
def test_a_truncated_file_gives_its_start_and_a_notice(encode, tone, tmp_path, codec, container):
    whole = encode(tmp_path / "whole", tone(8.0), codec, container=container).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) // 2])
    mix, heard = read_song(path, tmp_path)
    assert mix.seconds == pytest.approx(4.0, abs=0.5)
    assert level(heard[0, : 3 * RATE], 220) == pytest.approx(0.3, abs=0.02)
    assert len(mix.notices) == 1
    assert "announces 8 s, of which the first" in mix.notices[0].replace("8.02", "8").replace("8.05", "8")


def test_a_video_cut_before_its_index_gets_a_sentence(encode, tone, tmp_path):
    whole = encode(tmp_path / "whole", tone(4.0), "aac", container="mp4").read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="not complete: the index at its end is missing"):
        open_song(path)


def test_damage_in_the_middle_is_left_out_and_noted(encode, tone, tmp_path):
    content = bytearray(encode(tmp_path / "whole", tone(8.0), "aac", container="matroska").read_bytes())
    rng = np.random.default_rng(3)
    for start in range(len(content) // 3, 2 * len(content) // 3, 997):
        content[start : start + 3] = rng.bytes(3)
    path = tmp_path / "damaged"
    path.write_bytes(content)
    mix, heard = read_song(path, tmp_path)
    assert level(heard[0, :RATE], 220) == pytest.approx(0.3, abs=0.02)
    assert any("damaged" in notice or "ends early" in notice for notice in mix.notices)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_written_to_a_pipe_has_no_length(wav, tone, tmp_path, size):
    path = wav(tone(2.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    mix, _ = read_song(path, tmp_path, limit=60)
    assert mix.seconds == pytest.approx(2.0, abs=0.01)
    assert mix.notices == ()


@pytest.mark.slow
def test_over_long_is_refused_from_the_header_or_while_reading(wav, encode, tone, tmp_path):
    with pytest.raises(TooLarge, match=r"lasts 12 s, which is longer than the 10 s"):
        open_song(wav(tone(12.0)), 10)
    guessed = encode(tmp_path / "m", tone(12.0), "libmp3lame", container="mp3")
    with pytest.raises(TooLarge, match=r"lasts 12 s, which is longer than the 10 s"):
        open_song(guessed, 10)
    with pytest.raises(TooLarge, match=r"is longer than the 10 s"):
        list(read_mix(open_song(guessed), RATE, tmp_path / "mix.wav", 10))
    assert soundfile.info(tmp_path / "mix.wav").duration < 12


def test_closing_the_reader_closes_the_files(wav, tone, tmp_path):
    import psutil

    def names():
        """The files that are open here and in the processes that decode."""
        process = psutil.Process()
        return {Path(file.path).name for one in (process, *process.children()) for file in one.open_files()}

    path = wav(tone(20.0))
    reading = read_mix(open_song(path), RATE, tmp_path / "mix.wav")
    next(reading)
    assert {"upload", "mix.wav"} <= names()
    reading.close()
    assert not {"upload", "mix.wav"} & names()


def test_statistics_do_not_depend_on_how_it_is_cut():
    samples = np.random.default_rng(5).normal(3.0, 1e-3, (2, 5000)).astype(np.float32)
    whole, parts = MixStatistics(), MixStatistics()
    whole.add(samples)
    for start in range(0, 5000, 613):
        parts.add(samples[:, start : start + 613])
    np.testing.assert_allclose(parts.squares, whole.squares, rtol=1e-9)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.mean[:2], samples.mean(axis=1, dtype=np.float64), rtol=1e-12)


@pytest.mark.parametrize(("seconds", "words"), [(7.5, "7.5 s"), (75, "1:15 min"), (5400, "1:30:00 h")])
def test_clock(seconds, words):
    assert clock(seconds) == words
