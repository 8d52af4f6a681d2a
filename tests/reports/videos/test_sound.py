"""Sound that came out early, folded, nameless or not at all, or that stopped the run."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.matting import cut_out, lines, times_of
from tests.support.sounds import Sound, clicks, tracks_of, write_clip


def test_a_track_of_an_unknown_codec_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "phone.mov", [Sound("aac"), Sound("pcm_s16le")]).read_bytes()
    (tmp_path / "phone.mov").write_bytes(data.replace(b"sowt", b"apac"))  # as iPhones write beside the stereo track
    result = cut_out(tmp_path / "phone.mov", tmp_path / "out")
    assert [name for name, *_ in tracks_of(tmp_path / "out/prores4444.mov")] == ["aac"]
    assert lines(result, "sound") == [
        ("lost", "One sound track of an unknown codec is lost."),
        ("kept", "Copied bit by bit (aac)."),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_uncompressed_sound_without_named_speakers_fits_every_export(tmp_path: Path, layout: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", [Sound(layout=layout)])
    with av.open(str(source)) as container:
        assert container.streams.audio[0].codec_context.layout.name.endswith("channels")
        channels = container.streams.audio[0].codec_context.layout.nb_channels
    cut_out(source, tmp_path / "out", export="prores4444,webm,composite")
    for name, codec in (("prores4444.mov", "pcm_s16le"), ("webm.webm", "opus"), ("composite.mp4", "aac")):
        assert [track[:2] for track in tracks_of(tmp_path / "out" / name)] == [(codec, channels)]
        assert clicks(tmp_path / "out" / name)[1] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("codec", ["pcm_s16le", "libopus", "flac"])
def test_a_hole_in_the_sound_stays_a_hole(tmp_path: Path, codec: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", [Sound(codec, 1.6, hole=(0.7, 1.3))], frames=3)
    result = cut_out(source, tmp_path / "out", export="prores4444,webm,composite")
    for name in ("prores4444.mov", "webm.webm", "composite.mp4"):
        assert clicks(tmp_path / "out" / name) == pytest.approx([0, 0.5, 1.5], abs=0.011), name
    assert not any("another time" in sentence for _, sentence in lines(result, "sound"))


def test_sound_that_moved_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "clip.mkv", [Sound(seconds=1.6, hole=(0.7, 1.3))], frames=3)
    monkeypatch.setattr("backends.matting.video.sound_tracks.EncodedTrack._in_time", _closed_up)
    state, sentence = lines(cut_out(source, tmp_path / "out"), "sound")[0]
    assert state == "changed"
    assert "ends at 1.00 s instead of 1.60 s" in sentence


def _closed_up(track, samples, begin):
    track._position = track._position or 0
    return samples


@pytest.mark.parametrize(
    ("sound", "written"),
    [
        (Sound("flac", 0.3, "5.1"), ("pcm_s16le", 6, "s16")),
        (Sound("pcm_s24be", 0.3, "quad"), ("pcm_s24be", 4, "s32")),
        (Sound("pcm_f32le", 0.3), ("pcm_f32le", 2, "flt")),
        (Sound("pcm_u8", 0.3, "mono"), ("pcm_u8", 1, "u8")),
    ],
)
def test_channels_and_bits_are_those_of_the_source(tmp_path: Path, sound: Sound, written: tuple[str, int, str]) -> None:
    source = write_clip(tmp_path / f"clip.{'mov' if sound.codec == 'pcm_s24be' else 'mkv'}", [sound])
    result = cut_out(source, tmp_path / "out")
    assert tracks_of(tmp_path / "out/prores4444.mov") == [written]
    expected = {"flac": ("changed", "Coded anew, without loss: flac became pcm_s16le.")}
    assert lines(result, "sound") == [expected.get(sound.codec, ("kept", f"Copied bit by bit ({sound.codec})."))]


def test_fewer_channels_or_bits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.matting.video.speakers._layouts", lambda layout: iter(["stereo"]))
    source = write_clip(tmp_path / "clip.mkv", [Sound("pcm_s24le", 0.3, "5.1")])
    (line,) = lines(cut_out(source, tmp_path / "out", export="webm"), "sound")
    assert line == (
        "changed",
        "Coded anew, for this format cannot hold it as it was: pcm_s24le became opus, 6 channels became 2.",
    )


def test_fewer_bits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.matting.video.speakers._deep_enough", lambda stream, codec: "pcm_s16le")
    source = write_clip(tmp_path / "clip.mkv", [Sound("flac", 0.3, format="s32")])
    (line,) = lines(cut_out(source, tmp_path / "out"), "sound")
    assert line[0] == "changed" and "24 bits became 16" in line[1]


def test_names_and_languages_of_the_tracks_are_kept(tmp_path: Path) -> None:
    names = [{"language": "eng", "title": "Boom"}, {"language": "deu", "title": "Lavalier"}]
    source = write_clip(tmp_path / "clip.mkv", [Sound("libopus", 0.3, names=name) for name in names])
    result = cut_out(source, tmp_path / "out", export="prores4444,webm,composite")
    assert lines(result, "track names") == [("kept", "Names and languages of the sound tracks.")]
    with av.open(str(tmp_path / "out/webm.webm")) as made:
        tags = [(stream.metadata["language"], stream.metadata["title"]) for stream in made.streams.audio]
    assert tags == [("eng", "Boom"), ("deu", "Lavalier")]


def test_lost_names_of_tracks_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "clip.mkv", [Sound("libopus", 0.3, names={"language": "deu", "title": "Boom"})])
    monkeypatch.setattr("backends.matting.video.sound_tracks.Track._describe", lambda track: None)
    assert lines(cut_out(source, tmp_path / "out"), "track names") == [
        ("changed", "Not in the file, or changed: “Boom”, “deu”.")
    ]


def test_a_second_that_was_trimmed_away_does_not_come_back(tmp_path: Path) -> None:
    whole, trimmed = write_clip(tmp_path / "whole.mp4", [Sound("libopus")], frames=25), tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as source, av.open(str(trimmed), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                ticks = round(0.48 / packet.time_base)
                packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    cut_out(trimmed, tmp_path / "out", export="webm")
    assert clicks(tmp_path / "out/webm.webm") == pytest.approx([0.02], abs=0.011)
    assert float(times_of(tmp_path / "out/webm.webm")[0]) < 0.005


@pytest.mark.parametrize("codec", ["vorbis", "libopus", "aac", "libmp3lame"])
@pytest.mark.parametrize("start", [0, 0.04])
def test_sound_is_heard_from_the_first_moment_on_and_at_its_time(tmp_path: Path, codec: str, start: float) -> None:
    """A codec's lead-in lies before the first moment: without it, or counted as sound, the rest is lost or late."""
    source = write_clip(tmp_path / "clip.mkv", [Sound(codec, 0.7)])
    result = cut_out(source, tmp_path / "out", export="prores4444,webm,composite", start=start)
    expected = [0, 0.5] if not start else [0.46]
    for name in ("prores4444.mov", "webm.webm", "composite.mp4"):
        assert clicks(tmp_path / "out" / name) == pytest.approx(expected, abs=0.002), name
    if codec == "vorbis":
        assert any("vorbis became opus" in sentence for _, sentence in lines(result, "sound"))


def test_a_damaged_piece_of_sound_costs_that_piece_and_is_said(tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "clip.ts", [Sound("aac", 1.2)], frames=30).read_bytes())
    rng = np.random.default_rng(0)
    for place in range(int(0.3 * len(data)), int(0.7 * len(data))):
        if rng.random() < 0.05:
            data[place] = int(rng.integers(256))
    (tmp_path / "clip.ts").write_bytes(data)
    (line,) = lines(cut_out(tmp_path / "clip.ts", tmp_path / "out"), "sound")
    assert line[0] == "changed" and "left out" in line[1]
