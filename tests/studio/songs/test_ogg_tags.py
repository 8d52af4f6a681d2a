"""Tags of Ogg Vorbis: every program finds them, the sound stays as it is, and a cover may take many pages."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from backends.separation.io.cover import Cover, cover_of
from studio.songs.ogg_tags import PICTURE, checksum, write_tags


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.ogg"
    noise = np.random.default_rng(0).normal(0, 0.1, (30_000, 2)).astype(np.float32)
    soundfile.write(path, noise, 44100, format="OGG", subtype="VORBIS")
    return path


def comments(path: Path) -> dict[str, str]:
    with av.open(str(path)) as box:
        return {name.upper(): value for name, value in box.streams.audio[0].metadata.items()}


def cover(side: int) -> Cover:
    file = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return Cover(file.getvalue(), "image/png", side, side)


def pages(content: bytes) -> list[bytes]:
    found = []
    while content:
        end = 27 + content[26] + sum(content[27 : 27 + content[26]])
        found.append(content[:end])
        content = content[end:]
    return found


@pytest.mark.parametrize("side", [4, 300])
def test_tags_and_cover_are_there_and_the_sound_is_the_same(song: Path, side: int) -> None:
    sound, art = soundfile.read(song)[0], cover(side)
    write_tags(
        song, {"title": "Über “x”", "artist": "Me", "track": "3/9", "bpm": "120", "key": "Am", "odd=name": "x"}, art
    )
    found = comments(song)
    wanted = {"TITLE": "Über “x”", "ARTIST": "Me", "BPM": "120", "INITIALKEY": "Am"}
    assert {name: found.get(name) for name in wanted} == wanted
    assert "3/9" in found.values() and not any("odd" in name.lower() for name in found)
    assert np.array_equal(soundfile.read(song)[0], sound)
    assert cover_of(song) == art
    content = song.read_bytes()
    assert [int.from_bytes(page[18:22], "little") for page in pages(content)] == list(range(len(pages(content))))
    for page in pages(content):
        assert checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
    assert list(song.parent.iterdir()) == [song]


def test_written_again_the_tags_are_the_new_ones_alone(song: Path) -> None:
    write_tags(song, {"title": "One", "artist": "Me"}, cover(300))
    write_tags(song, {"title": "Two"})
    found = comments(song)
    assert found["TITLE"] == "Two" and "ARTIST" not in found
    assert PICTURE.encode() not in song.read_bytes()


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(b"OggS\0" + bytes(22))
    with pytest.raises(ValueError, match="ends within its head"):
        write_tags(path, {})
    assert [one.name for one in tmp_path.iterdir()] == ["a.ogg"]
