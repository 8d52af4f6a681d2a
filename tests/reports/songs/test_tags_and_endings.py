"""Tags survive into exports, every ending that is read is offered, and an estimate is worded as one."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from backends.core.engine import Result
from backends.matting.endings import VIDEO_ENDINGS
from backends.separation.formats import ALL_SUFFIXES
from backends.separation.io.audio import open_song
from backends.separation.io.cover import Cover, cover_of
from evaluation.metrics.separation.quality_rows import bleed_row
from studio.songs.encode import _append_id3
from studio.songs.id3 import id3_tag
from studio.songs.mixdown import mixdown
from studio.songs.probe import TYPES, probe
from tests.support.separation import Halves, card, encode, tone

TAGS = {
    "title": "Lied",
    "artist": "Wir",
    "disc": "2/3",
    "track": "4",
    "publisher": "Haus",
    "TBPM": "120",
    "TKEY": "Am",
    "TSRC": "DEXX12345678",
    "lyrics": "la la",
    "date": "2001-02-03",
    "CONDUCTOR": "Sie",
    "MOOD": "froh",
    "MusicBrainz Album Id": "5b11f4ce-a62d-471e-81fc-a69a8278c7da",
    "replaygain_track_gain": "-7.1 dB",
}
KEPT = {**{name: value for name, value in TAGS.items() if name.islower()}, "bpm": "120", "key": "Am"}
KEPT["isrc"] = TAGS["TSRC"]
KEPT |= {name: TAGS[name] for name in ("CONDUCTOR", "MOOD", "MusicBrainz Album Id")}
del KEPT["replaygain_track_gain"]


def test_what_a_song_says_of_itself_survives_and_what_it_says_of_its_file_does_not(tmp_path: Path) -> None:
    song = encode(tmp_path / "song.mp3", tone(0.3), "libmp3lame", container="mp3", tags=TAGS)
    tags = dict(open_song(song).tags)
    assert {name: tags.get(name) for name in KEPT} == KEPT
    stem = tmp_path / "vocals.wav"
    soundfile.write(stem, tone(0.3), 44100, subtype="FLOAT")
    assert "replaygain_track_gain" not in tags  # the level of the song is not that of its parts
    for kind in ("mp3", "wav24", "flac", "m4a"):
        out = tmp_path / f"export-{kind}"
        mixdown({"vocals": stem}, {"vocals": 0.0}, format=kind, out=out, tags=tags)
        exported = dict(open_song(out).tags)
        assert {name: exported.get(name) for name in KEPT} == KEPT, kind
        assert open_song(out).duration == pytest.approx(0.3, abs=0.05)


def test_lines_of_a_title_stay_apart(tmp_path: Path) -> None:
    tags = {"title": "One\nTwo", "lyrics": "One\nTwo"}
    song = encode(tmp_path / "song.flac", tone(0.3), "flac", container="flac", tags=tags)
    assert open_song(song).tags["title"] == "One Two" and open_song(song).tags["lyrics"] == "One\nTwo"


def test_stems_on_disk_name_their_song(tmp_path: Path) -> None:
    song = encode(tmp_path / "song.mp3", tone(0.3), "libmp3lame", container="mp3", tags=TAGS)
    result = list(Halves(card()).run({"song": song}, {}, tmp_path / "out"))[-1]
    assert isinstance(result, Result)
    for artifact in result.artifacts:
        if artifact.kind == "stem":
            with soundfile.SoundFile(artifact.path) as stem:
                assert (stem.title, stem.artist, stem.tracknumber) == (f"Lied ({artifact.name})", "Wir", "4")


@pytest.mark.parametrize(
    "ending",
    [
        "oga",
        "m4b",
        "m4v",
        "3gp",
        "mka",
        "weba",
        "caf",
        "w64",
        "aifc",
        "mp2",
        "mts",
        "mxf",
        "avi",
        "ts",
        "wma",
        "wv",
        "flv",
        "ac3",
        "ape",
    ],
)
def test_an_ending_that_is_read_is_on_the_list(ending: str) -> None:
    assert ending in TYPES and f".{ending}" in ALL_SUFFIXES


def test_a_video_that_can_be_cut_out_can_be_split_too() -> None:
    """But for those without a place for sound, and two that hold raw pictures for the most part."""
    silent = {"m2v", "h264", "264", "hevc", "h265", "265", "ivf", "obu", "mjpeg", "mjpg", "gif", "apng", "avifs"}
    assert set(VIDEO_ENDINGS) - silent - {"dv", "nut"} <= set(TYPES)


@pytest.mark.parametrize(
    ("codec", "container", "rate"),
    [
        ("flac", "ogg", 44100),
        ("pcm_s16le", "w64", 44100),
        ("pcm_s16be", "caf", 44100),
        ("aac", "3gp", 44100),
        ("mp2", "mp2", 44100),
        ("aac", "mpegts", 44100),
        ("pcm_s16le", "avi", 44100),
        ("pcm_s16be", "au", 44100),
        ("wmav2", "asf", 44100),
        ("wavpack", "wv", 44100),
        ("aac", "flv", 44100),
        ("ac3", "ac3", 48000),
        ("eac3", "eac3", 48000),
        ("tta", "tta", 44100),
        ("pcm_s16le", "voc", 44100),
    ],
)
def test_every_kind_on_the_list_is_read(tmp_path: Path, codec: str, container: str, rate: int) -> None:
    path = encode(tmp_path / "song", tone(0.5, rate), codec, rate, container=container, bit_rate=128_000)
    known = probe(path)
    assert known.problem == "" and known.seconds == pytest.approx(0.5, abs=0.1)
    blocks = np.concatenate(list(open_song(path).blocks(44100, 8192)), axis=1)
    assert np.abs(blocks).max() > 0.2


def _page() -> None:  # its text runs as a script of its own
    from studio.songs.page import bring

    bring()


@pytest.mark.slow
def test_the_widget_refuses_no_ending_so_that_the_page_can_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = AppTest.from_function(_page).run(timeout=30)
    assert not app.exception
    assert list(app.get("file_uploader")[0].proto.type) == []
    assert "could not be read as sound" in probe(Path(__file__)).problem


def test_a_low_estimate_of_bleed_is_no_praise() -> None:
    row = bleed_row("vocals", 0.003)
    assert row.verdict == "info" and "estimate" in row.label and "clean" not in row.sentence
    assert "true stems" in row.sentence
    assert bleed_row("vocals", 0.2).verdict == "poor"


def test_a_file_without_sound_that_can_be_decoded_is_said(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    encode(path, tone(0.3), "aac", container="mp4")
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"apac").replace(b"esds", b"xxxx"))
    with av.open(str(path)) as container:
        assert container.streams.audio or container.streams
    assert "cannot be decoded here" in probe(path).problem or "no sound" in probe(path).problem.lower()


@pytest.mark.parametrize(("bits", "kind"), [(64, "<i8"), (32, "<i4"), (16, "<i2")])
def test_whole_numbers_of_any_size_are_read(tmp_path: Path, bits: int, kind: str) -> None:
    data = (tone(0.3, channels=1) * (2.0 ** (bits - 1) - 2**11)).astype(kind).tobytes()
    head = struct.pack("<HHIIHH", 1, 1, 44100, 44100 * bits // 8, bits // 8, bits)
    sizes = [struct.pack("<I", size) for size in (36 + len(data), 16, len(data))]
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF" + sizes[0] + b"WAVEfmt " + sizes[1] + head + b"data" + sizes[2] + data)
    [block] = open_song(path).blocks(44100, 1 << 20)
    assert np.abs(block[0] - tone(0.3, channels=1)[:, 0]).max() < 0.05


@pytest.mark.parametrize(("bits", "rate"), [(0, 44100), (16, 0)])
def test_a_header_that_cannot_be_gets_a_sentence(tmp_path: Path, bits: int, rate: int) -> None:
    head = struct.pack("<HHIIHH", 1, 2, rate, rate * 4, 4, bits)
    path = tmp_path / "song.wav"
    sizes = [struct.pack("<I", size) for size in (4036, 16, 4000)]
    path.write_bytes(b"RIFF" + sizes[0] + b"WAVEfmt " + sizes[1] + head + b"data" + sizes[2] + bytes(4000))
    assert "choose a WAV" in probe(path).problem


@pytest.mark.parametrize(("codec", "container"), [("libmp3lame", "mp3"), ("flac", "flac"), ("aac", "mp4")])
def test_the_cover_picture_is_in_every_export(tmp_path: Path, codec: str, container: str) -> None:
    song = encode(tmp_path / f"song.{container}", tone(0.3), codec, container=container, picture=True)
    cover = cover_of(song)
    assert cover is not None and (cover.type, cover.width, cover.height) == ("image/jpeg", 64, 64)
    stem = tmp_path / "vocals.wav"
    soundfile.write(stem, tone(0.3), 44100, subtype="FLOAT")
    for format in ("mp3", "flac", "wav24", "m4a", "ogg"):
        out = tmp_path / f"export-{format}"
        mixdown({"vocals": stem}, {"vocals": 0.0}, format=format, out=out, tags={"title": "Lied"}, cover=cover)
        assert open_song(out).tags["title"] == "Lied"
        assert cover_of(out) == cover
        read = np.concatenate(list(open_song(out).blocks(44100, 1 << 20)), axis=1)
        lost = 128 if format == "ogg" else 0  # FFmpeg passes over half a short block of Vorbis at the start
        assert len(tone(0.3)) - lost <= read.shape[1] <= len(tone(0.3))


def test_a_cover_that_is_no_picture_is_left_out(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    encode(tmp_path / "plain.mp3", tone(0.3), "libmp3lame", container="mp3")
    for data in (b"<script>alert(1)</script>", b"\xff\xd8\xff\xe0 cut"):
        song.write_bytes(id3_tag({}, Cover(data, "image/jpeg", 1, 1)) + (tmp_path / "plain.mp3").read_bytes())
        assert cover_of(song) is None and open_song(song).channels == 2
    assert cover_of(tmp_path / "plain.mp3") is None


def test_a_wav_file_of_64_bits_holds_the_tags_too(tmp_path: Path) -> None:
    song = tmp_path / "long.wav"
    soundfile.write(song, tone(0.3), 44100, format="RF64", subtype="PCM_24")
    _append_id3(song, id3_tag({"title": "Lied", "key": "Am"}))
    data = song.read_bytes()
    assert data[:4] == b"RF64" and int.from_bytes(data[20:28], "little") == len(data) - 8
    assert open_song(song).tags["title"] == "Lied"
    assert len(soundfile.read(song)[0]) == len(tone(0.3))
