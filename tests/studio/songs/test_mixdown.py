"""Exports: what is written, decoded again, is the sum of the stems, to the sample and to the format's last bit."""

import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput, TooLarge
from studio.songs import mixdown as module
from studio.songs.mixdown import FORMATS, mixdown, stems_zip
from studio.songs.stretch import Pace
from studio.web.filenames import clean, export_name, unique

ROOT = Path(__file__).resolve().parents[3]
RATE = 44100
FRAMES = 2 * module.BLOCK + 12345
TAGS = {"title": "Tïtle “x”", "artist": "Me", "album": "Al", "date": "2020", "genre": "Rock", "comment": "kept"}
ALL = {"vocals": 0.0, "drums": 0.0, "everything but both": 0.0}


def tone(hertz, level, frames=FRAMES, rate=RATE):
    time = np.arange(frames) / rate
    return np.stack([level * np.sin(2 * np.pi * hertz * time), level * np.cos(2 * np.pi * hertz * time)], 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three stems, louder together than full scale: their paths, and the samples (T, 2) that are in the files."""
    folder = tmp_path_factory.mktemp("stems")
    random = np.random.default_rng(5)
    sounds = {
        "vocals": tone(440, 0.6),
        "drums": random.normal(0, 0.2, (FRAMES, 2)),
        "everything but both": tone(97.3, 0.5) + random.normal(0, 0.05, (FRAMES, 2)),
    }
    paths = {}
    for name, sound in sounds.items():
        paths[name] = folder / f"{name}.wav"
        soundfile.write(paths[name], sound, RATE, subtype="FLOAT")
    return paths, {name: soundfile.read(path, dtype="float64")[0] for name, path in paths.items()}


def db(signal):
    return 20 * np.log10(np.sqrt(np.mean(np.square(signal))) + 1e-30)


def sound_of(path):
    if path.suffix != ".m4a":
        return soundfile.read(path, dtype="float64", always_2d=True)[0]
    with av.open(str(path)) as box:
        return np.concatenate([frame.to_ndarray().T for frame in box.decode(audio=0)]).astype(np.float64)


def tags_of(path):
    with av.open(str(path)) as box:
        found = {**box.metadata, **box.streams.audio[0].metadata}  # Ogg has them in the stream
        return {name.lower(): value for name, value in found.items()}


@pytest.mark.parametrize(
    ("kind", "floor", "subtype"), [("wav32f", -120, "FLOAT"), ("wav24", -130, "PCM_24"), ("flac", -130, "PCM_24")]
)
def test_the_mix_of_all_stems_is_their_sum(made, tmp_path, kind, floor, subtype):
    paths, sounds = made
    out = tmp_path / f"mix{FORMATS[kind].suffix}"
    export = mixdown(paths, ALL, format=kind, out=out, tags=TAGS)
    written, true = sound_of(out), sum(sounds.values())
    assert np.abs(true).max() > 1.2  # or the gain below would not be tested
    assert soundfile.info(out).subtype == subtype
    assert written.shape == true.shape
    assert export.frames == FRAMES
    gain = 10 ** (export.gain_db / 20)
    assert (gain == 1) == (kind == "wav32f")  # floats do not clip, so they stay at the original level
    assert db(written - gain * true) < floor
    if kind != "wav32f":
        assert 0.9999 < np.abs(written).max() <= 1
        assert f"{export.gain_db:.2f} dB" in tags_of(out)["comment"]


def test_gains_are_heard_and_the_others_are_not(made, tmp_path):
    paths, sounds = made
    out = tmp_path / "a.wav"
    mixdown(paths, {"vocals": -6.0, "drums": 3.0}, format="wav32f", out=out, tags={})
    assert db(sound_of(out) - sounds["vocals"] * 10 ** (-6 / 20) - sounds["drums"] * 10 ** (3 / 20)) < -120
    export = mixdown(paths, {"vocals": 0.0, "drums": -np.inf}, format="wav24", out=out, tags={})
    assert db(sound_of(out) - sounds["vocals"] * 10 ** (export.gain_db / 20)) < -130


@pytest.mark.parametrize(
    ("pan", "left", "right"),  # what of left and right is heard on either side, by the Web Audio specification
    [
        (0.0, (1, 0), (0, 1)),
        (-1.0, (1, 1), (0, 0)),
        (1.0, (0, 0), (1, 1)),
        (-0.5, (1, np.sqrt(0.5)), (0, np.sqrt(0.5))),
        (0.5, (np.sqrt(0.5), 0), (np.sqrt(0.5), 1)),
    ],
)
def test_pans_are_those_of_the_player(made, tmp_path, pan, left, right):
    paths, sounds = made
    out = tmp_path / "a.wav"
    gains = {"vocals": -6.0, "drums": 0.0}
    mixdown(paths, gains, pans={"vocals": pan}, format="wav32f", out=out, tags={})
    moved = sounds["vocals"] * 10 ** (-6 / 20) @ np.array([left, right]).T
    assert db(sound_of(out) - sounds["drums"] - moved) < -120


@pytest.mark.parametrize("kind", FORMATS)
def test_a_region_is_exact_to_the_sample(made, tmp_path, kind):
    paths, sounds = made
    out = tmp_path / f"a{FORMATS[kind].suffix}"
    start, end = 1.2345, 2.5001
    first, last = round(start * RATE), round(end * RATE)
    export = mixdown(paths, {"vocals": -9.0}, start=start, end=end, format=kind, out=out, tags={})
    written = sound_of(out)
    assert export.frames == last - first
    if kind == "m4a":  # its last packet is always whole
        assert last - first <= len(written) < last - first + 1024
        written = written[: last - first]
    assert len(written) == last - first
    true = sounds["vocals"][first:last] * 10 ** (-9 / 20) * 10 ** (export.gain_db / 20)
    worst = {"mp3": -45, "m4a": -45, "ogg": -45, "wav16": -90}.get(kind, -120)
    assert db(written - true) < worst  # one sample late would be -30 dB here


def test_an_end_past_the_song_is_its_end(made, tmp_path):
    paths, _ = made
    export = mixdown(paths, ALL, start=2.0, end=9e9, format="wav24", out=tmp_path / "a.wav", tags={})
    assert export.frames == FRAMES - 2 * RATE


@pytest.mark.parametrize("kind", FORMATS)
def test_tags_survive(made, tmp_path, kind):
    paths, _ = made
    out = tmp_path / f"a{FORMATS[kind].suffix}"
    mixdown(
        paths,
        {"vocals": 0.0, "drums": -40.0},
        end=0.5,
        format=kind,
        out=out,
        tags={**TAGS, "composer": "C", "mood": "calm"},
    )
    found = tags_of(out)
    assert {key: found[key] for key in ("title", "artist", "album", "date", "genre")} == {
        key: TAGS[key] for key in ("title", "artist", "album", "date", "genre")
    }
    assert found["comment"] == "kept | Exported by Fourfold at the original level."
    assert kind.startswith("wav") or found["composer"] == "C"  # RIFF INFO has no composer
    assert kind not in ("mp3", "ogg") or found["mood"] == "calm"


@pytest.mark.parametrize("frames", [47, 575, 1152, 1153, 4609, 44100])
@pytest.mark.parametrize("rate", [44100, 48000, 22050, 8000])
@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg"])
def test_no_gap_at_either_end(tmp_path, kind, frames, rate):
    """The header of an MP3 tells the encoder's delay and padding, so a decoder gives back what went in, no more."""
    random = np.random.default_rng(1).standard_normal((frames + 15, 2))
    sound = np.stack([np.convolve(random[:, c], np.hanning(16) / 16, "valid") for c in (0, 1)], 1)
    soundfile.write(tmp_path / "s.wav", sound, rate, subtype="FLOAT")
    out = tmp_path / f"a.{kind}"
    mixdown({"s": tmp_path / "s.wav"}, {"s": 0.0}, format=kind, out=out, tags=TAGS)
    written = sound_of(out)
    assert written.shape == sound.shape
    with av.open(str(out)) as box:
        assert box.streams.audio[0].rate == rate
        if kind != "ogg":  # of Vorbis FFmpeg gives whole packets
            assert sum(frame.samples for frame in box.decode(audio=0)) == frames
    if frames > 4000:
        fit = [np.vdot(np.roll(written, -shift, 0)[50:-50], sound[50:-50]) for shift in range(-40, 41)]
        assert np.argmax(fit) == 40  # not a sample early or late


def test_the_zip_adds_up_and_is_named(made, tmp_path):
    paths, sounds = made
    loud = {**paths, "drums": tmp_path / "loud.wav"}
    soundfile.write(loud["drums"], 4 * sounds["drums"], RATE, subtype="FLOAT")
    export = stems_zip(loud, format="wav24", out=tmp_path / "a.zip", title="My: song.mp3", model="htdemucs", tags=TAGS)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist() == [f"My song - {name} (htdemucs).wav" for name in ALL]
        archive.extractall(tmp_path / "out")
    files = [tmp_path / "out" / f"My song - {name} (htdemucs).wav" for name in ALL]
    true = sum(sounds.values()) + 3 * sounds["drums"]
    assert export.gain_db < -6
    assert db(sum(map(sound_of, files)) - true * 10 ** (export.gain_db / 20)) < -130
    assert tags_of(files[0])["title"] == "Tïtle “x” (vocals)"
    assert {tags_of(file)["comment"] for file in files} == {tags_of(files[0])["comment"]}
    assert f"{export.gain_db:.2f} dB" in tags_of(files[0])["comment"]
    assert [path.name for path in tmp_path.iterdir() if "single" in path.name] == []


def test_stems_exported_one_by_one_add_up_too(made, tmp_path):
    paths, sounds = made
    loud = {**paths, "drums": tmp_path / "loud.wav"}
    soundfile.write(loud["drums"], 4 * sounds["drums"], RATE, subtype="FLOAT")
    gains, total = set(), 0
    for name in loud:
        export = mixdown(loud, {name: 0.0}, format="flac", out=tmp_path / "a.flac", tags={})
        gains.add(export.gain_db)
        total = total + sound_of(export.path)
    (gain,) = gains
    assert db(total - (sum(sounds.values()) + 3 * sounds["drums"]) * 10 ** (gain / 20)) < -130


def test_a_zip_of_a_region_through_openers(made, tmp_path):
    paths, sounds = made
    openers = {name: (lambda path=path: path.open("rb")) for name, path in paths.items()}
    out = tmp_path / "a.zip"
    export = stems_zip(openers, format="wav32f", out=out, title="t", model="m", tags={}, start=0.5, end=1.0)
    with zipfile.ZipFile(out) as archive, archive.open("t - drums (m).wav") as file:
        written = soundfile.read(file, dtype="float64")[0]
    assert export.frames == RATE // 2
    assert np.array_equal(written, sounds["drums"][RATE // 2 : RATE])


def test_mono_stems_and_a_stem_that_ends_early(tmp_path):
    long, short = tone(440, 0.3)[:, :1], tone(200, 0.3, 1000)[:, :1]
    soundfile.write(tmp_path / "long.wav", long, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", short, RATE, subtype="FLOAT")
    stems = {"long": tmp_path / "long.wav", "short": tmp_path / "short.wav"}
    mixdown(stems, {"long": 0.0, "short": 0.0}, format="wav32f", out=tmp_path / "a.wav", tags={})
    true = long.copy()
    true[:1000] += short
    assert db(sound_of(tmp_path / "a.wav") - true) < -120
    with pytest.raises(BadInput, match="one channel"):
        mixdown(stems, {"long": 0.0}, pans={"long": 0.5}, format="wav32f", out=tmp_path / "b.wav", tags={})
    mixdown(stems, {"long": 0.0, "short": 0.0}, start=1.0, format="mp3", out=tmp_path / "a.mp3", tags={})
    assert sound_of(tmp_path / "a.mp3").shape == (FRAMES - RATE, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gains_db": {}}, "Nothing can be heard"),
        ({"gains_db": {"vocals": -np.inf}}, "Nothing can be heard"),
        ({"gains_db": {"kazoo": 0.0}}, "no stem called “kazoo”"),
        ({"gains_db": {"vocals": np.nan}}, "gain of “vocals”"),
        ({"gains_db": {"vocals": 99.0}}, "gain of “vocals”"),
        ({"pans": {"kazoo": 0.5}}, "no stem called “kazoo”"),
        ({"pans": {"vocals": 1.5}}, "pan of “vocals”"),
        ({"pans": {"vocals": np.nan}}, "pan of “vocals”"),
        ({"format": "wma"}, "“wma” is not a format"),
        ({"start": 2.0, "end": 1.0}, "Choose a region"),
        ({"start": 1.0, "end": 1.0}, "Choose a region"),
        ({"start": -1.0}, "Choose a region"),
        ({"start": 9999.0}, "Choose a region"),
        ({"start": np.nan}, "Choose a region"),
        ({"end": np.inf}, "Choose a region"),
        ({"start": 1.0, "end": 1.000001}, "too short"),
    ],
)
def test_requests_that_make_no_sense_are_told_in_a_sentence(made, tmp_path, changes, words):
    paths, _ = made
    wanted = {"gains_db": ALL, "format": "wav24", "out": tmp_path / "a", "tags": {}, **changes}
    with pytest.raises(BadInput, match=words):
        mixdown(paths, **wanted)
    assert list(tmp_path.iterdir()) == []


def test_stems_that_do_not_belong_together(made, tmp_path):
    paths, _ = made
    soundfile.write(tmp_path / "other.wav", np.zeros((100, 2)), 16000, subtype="FLOAT")
    (tmp_path / "broken.wav").write_bytes(b"RIFFnothing")
    soundfile.write(tmp_path / "six.wav", np.zeros((100, 6)), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "fast.wav", np.zeros((100, 2)), 96000, subtype="FLOAT")
    for file, words in (("other", "do not belong"), ("broken", "cannot be read"), ("six", "6 channels")):
        stems = {"x": tmp_path / f"{file}.wav", **({"v": paths["vocals"]} if file == "other" else {})}
        with pytest.raises(BadInput, match=words):
            mixdown(stems, dict.fromkeys(stems, 0.0), format="wav24", out=tmp_path / "a.wav", tags={})
    with pytest.raises(BadInput, match=r"96,000.*FLAC or WAV"):
        mixdown({"x": tmp_path / "fast.wav"}, {"x": 0.0}, format="mp3", out=tmp_path / "a.mp3", tags={})
    with pytest.raises(BadInput, match="no stems"):
        stems_zip({}, format="mp3", out=tmp_path / "a.zip", title="", model="", tags={})


def test_a_full_disk_is_told_before_and_during(made, tmp_path, monkeypatch):
    paths, _ = made
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
        with pytest.raises(TooLarge, match="no room"):
            stems_zip(paths, format="wav24", out=tmp_path / "a.zip", title="t", model="m", tags={})
    assert list(tmp_path.iterdir()) == []

    def fills_up(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.songs.encode._frame", fills_up)
    with pytest.raises(TooLarge, match="filled up"):
        stems_zip(paths, format="wav24", out=tmp_path / "a.zip", title="t", model="m", tags={})
    assert list(tmp_path.iterdir()) == []


def test_silence_exports_as_silence(tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros((1000, 2)), RATE, subtype="FLOAT")
    export = mixdown({"s": tmp_path / "s.wav"}, {"s": 0.0}, format="flac", out=tmp_path / "a.flac", tags={})
    assert export.gain_db == 0
    assert not sound_of(tmp_path / "a.flac").any()


HALF_HOUR = """
import resource, sys
from pathlib import Path
from studio.songs.mixdown import mixdown, stems_zip
stems = {name: Path(sys.argv[1]) for name in ("a", "b")}
out = Path(sys.argv[2])
mixdown(stems, {"a": 0.0, "b": 0.0}, end=5.0, format="wav24", out=out, tags={})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
export = mixdown(stems, {"a": 0.0, "b": 0.0}, format="wav24", out=out, tags={})
print(export.frames, export.gain_db, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_half_an_hour_takes_no_more_memory_than_seconds(tmp_path):
    """A sparse half hour of 8 kHz mono, 58 MB in memory, with one loud sample near its end."""
    rate, frames = 8000, 8000 * 1800
    source, out = tmp_path / "long.wav", tmp_path / "out.wav"
    soundfile.write(source, np.zeros(10, np.float32), rate, subtype="FLOAT", format="WAV")
    head = bytearray(source.read_bytes()[: source.stat().st_size - 40])
    at = head.rindex(b"data")
    head[4:8] = (len(head) - 8 + 4 * frames).to_bytes(4, "little")
    head[at + 4 : at + 8] = (4 * frames).to_bytes(4, "little")
    with source.open("wb") as file:
        file.write(head)
        file.seek(len(head) + 4 * (frames - 5))
        file.write(np.float32(0.9).tobytes())
        file.truncate(len(head) + 4 * frames)
    said = subprocess.run(
        [sys.executable, "-c", HALF_HOUR, source, out], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(said[0]) == frames
    assert float(said[1]) == pytest.approx(-20 * np.log10(1.8), abs=1e-3)
    grown = int(said[2]) * (1 if sys.platform != "darwin" else 1 / 1024)
    assert grown < 30_000, f"peak memory grew by {grown / 1000:.0f} MB over that of five seconds"
    with soundfile.SoundFile(out) as file:
        file.seek(frames - 6)
        assert np.round(file.read(), 6).tolist() == [0, 1, 0, 0, 0, 0]


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Song.mp3", "Song - vocals (htdemucs_ft).wav"),
        ("Mr. Blue", "Mr. Blue - vocals (htdemucs_ft).wav"),
        ('../..\\a:b*?<>|"\x00\n', "a b - vocals (htdemucs_ft).wav"),
        ("CON", "_CON - vocals (htdemucs_ft).wav"),
        ("", "Song - vocals (htdemucs_ft).wav"),
        ("Ünïcødé 歌", "Ünïcødé 歌 - vocals (htdemucs_ft).wav"),
    ],
)
def test_names_suit_every_file_system(title, name):
    assert export_name(title, "vocals", "htdemucs_ft", ".wav") == name


def test_long_names_are_cut_and_twins_are_numbered():
    assert len(export_name("歌" * 300, "v" * 300, "m" * 300, ".wav").encode()) < 255
    assert clean("歌" * 300).encode().decode() == "歌" * 26
    assert unique(["a.wav", "A.wav", "b.wav", "a.wav"]) == ["a.wav", "A 2.wav", "b.wav", "a 3.wav"]


def test_sixteen_bits_are_dithered_so_what_is_below_a_step_is_still_heard(tmp_path):
    quiet = tone(1000, 0.3 / 32768, 4 * RATE)
    soundfile.write(tmp_path / "quiet.wav", quiet, RATE, subtype="FLOAT")
    mixdown({"a": tmp_path / "quiet.wav"}, {"a": 0.0}, format="wav16", out=tmp_path / "out.wav", tags={})
    assert soundfile.info(tmp_path / "out.wav").subtype == "PCM_16"
    heard = sound_of(tmp_path / "out.wav")[:, 0]
    level = 2 * np.mean(heard * np.sin(2 * np.pi * 1000 * np.arange(len(heard)) / RATE))
    assert level == pytest.approx(0.3 / 32768, rel=0.1)
    assert heard.std() < 1.2 / 32768


@pytest.mark.parametrize(("kind", "rate"), [("wav24", 48000), ("flac", 96000), ("mp3", 22050)])
def test_another_sample_rate_keeps_length_and_pitch(made, tmp_path, kind, rate):
    paths, _ = made
    out = tmp_path / f"a{FORMATS[kind].suffix}"
    export = mixdown(paths, {"vocals": 0.0}, format=kind, out=out, tags={}, rate=rate)
    written = sound_of(out)
    assert soundfile.info(out).samplerate == export.samplerate == rate
    assert len(written) == export.frames == round(FRAMES * rate / RATE)
    true = tone(440, 0.6, len(written), rate) * 10 ** (export.gain_db / 20)
    inner = slice(rate // 10, -rate // 10)
    assert db(written[inner] - true[inner]) < (-30 if kind == "mp3" else -90)  # one sample late is -25 dB


def test_stems_at_another_rate_still_add_up(made, tmp_path):
    paths, _ = made
    export = stems_zip(paths, format="wav32f", out=tmp_path / "s.zip", title="T", model="m", tags={}, rate=48000)
    with zipfile.ZipFile(export.path) as archive:
        archive.extractall(tmp_path)
        total = sum(sound_of(tmp_path / name) for name in archive.namelist())
    whole = mixdown(paths, ALL, format="wav32f", out=tmp_path / "mix.wav", tags={}, rate=48000)
    assert db(total - sound_of(whole.path)) < -120


@pytest.mark.parametrize(("speed", "semitones"), [(0.5, 0), (1.5, 0), (1.0, -5), (0.8, 7), (2.0, 12), (0.25, 0)])
def test_another_pace_changes_length_and_pitch_as_asked_and_nothing_else(made, tmp_path, speed, semitones):
    paths, _ = made
    pace = Pace(speed, semitones)
    export = mixdown(paths, {"vocals": 0.0}, format="wav32f", out=tmp_path / "a.wav", tags={}, pace=pace)
    written = sound_of(tmp_path / "a.wav")
    assert len(written) == export.frames == round(FRAMES / speed)
    hertz = 440 * 2 ** (semitones / 12)
    inner = written[len(written) // 4 : 3 * len(written) // 4]
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(inner)) / RATE)
    window = np.hanning(len(inner)) / np.hanning(len(inner)).mean()
    left, right = (2 * np.mean(window * inner[:, side] * turn) for side in (0, 1))
    assert abs(left) == pytest.approx(0.6, rel=0.01) and abs(right) == pytest.approx(0.6, rel=0.01)
    assert np.angle(left / right) == pytest.approx(-np.pi / 2, abs=0.05)  # the stereo image stays
    pure = np.sqrt(np.mean(inner**2)) / (0.6 / np.sqrt(2))
    assert pure == pytest.approx(1.0, abs=0.01)
    assert not list(tmp_path.glob("*pace*"))


def test_a_click_is_where_it_belongs_at_another_speed(tmp_path):
    sound = np.zeros((3 * RATE, 2))
    sound[RATE] = 0.9
    soundfile.write(tmp_path / "s.wav", sound, RATE, subtype="FLOAT")
    for speed in (0.5, 1.5):
        mixdown(
            {"a": tmp_path / "s.wav"}, {"a": 0.0}, format="wav32f", out=tmp_path / "o.wav", tags={}, pace=Pace(speed)
        )
        assert np.abs(sound_of(tmp_path / "o.wav")[:, 0]).argmax() / RATE == pytest.approx(1 / speed, abs=0.02)


def test_a_pace_out_of_range_is_a_sentence():
    with pytest.raises(BadInput, match=r"between 0\.25 and 2 times"):
        Pace(3.0)
    with pytest.raises(BadInput, match="at most 12 semitones"):
        Pace(1.0, 13)
