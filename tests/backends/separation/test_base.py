"""What every separation engine promises, shown with one that splits a song in a known way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.engine import Metric, Notice, Partial, Progress
from backends.core.errors import BadInput, EngineFailed, TooLarge
from backends.separation.io.levels import LevelMeter
from backends.separation.types import PREVIEW_GAIN, SEGMENT_FRAMES, Separation

RATE = 44100


def metrics(events):
    return {event.name: event.value for event in events if isinstance(event, Metric)}


@pytest.fixture
def run(wav, halves, tmp_path):
    def start(samples, options=None, samplerate=RATE, subtype="FLOAT"):
        song = wav(samples, samplerate, subtype)
        return list(halves().run({"song": song}, options or {}, tmp_path / "out"))

    return start


def test_stems_are_the_sources_and_add_up(run, tone, tmp_path):
    samples = tone(7.0)
    events = run(samples)
    result = events[-1]
    assert isinstance(result, Separation)
    assert result.stems == ("low", "mid", "high") and result.frames == 7 * RATE
    total = np.zeros_like(samples)
    for name, gain in zip(result.stems, (0.25, 0.25, 0.5), strict=True):
        path = result.stem(name).path
        assert path == tmp_path / "out" / "stems" / f"{name}.wav"
        assert soundfile.info(path).subtype == "FLOAT"
        stem = soundfile.read(path)[0]
        np.testing.assert_allclose(stem, gain * samples, atol=1e-6)
        total += stem
    np.testing.assert_allclose(total, samples, atol=1e-6)
    np.testing.assert_allclose(soundfile.read(tmp_path / "out" / "mix.wav")[0], samples, atol=1e-6)


@pytest.mark.parametrize(
    ("wanted", "gains"),
    [
        ("high", {"high": 0.5, "everything but high": 0.5}),
        ("low, mid", {"low": 0.25, "mid": 0.25, "high": 0.5}),
        ("low,mid,high", {"low": 0.25, "mid": 0.25, "high": 0.5}),
    ],
)
def test_grouped_stems(run, tone, tmp_path, wanted, gains):
    result = run(tone(1.0), {"stems": wanted})[-1]
    assert set(result.stems) == set(gains)
    for name, gain in gains.items():
        np.testing.assert_allclose(soundfile.read(result.stem(name).path)[0], gain * tone(1.0), atol=1e-6)


def test_an_unknown_stem_is_refused_before_anything_is_written(run, tone, tmp_path):
    with pytest.raises(BadInput, match="no stem called “flute”; it has low, mid, high"):
        run(tone(1.0), {"stems": "flute"})
    assert not (tmp_path / "out").exists()


def test_segments_arrive_in_order_on_one_grid_and_hold_the_sound(run, tone):
    samples = tone(15.0)
    events = run(samples)
    heard: dict[str, list[np.ndarray]] = {}
    for event in events:
        if not isinstance(event, Partial):
            continue
        artifact = event.artifact
        assert artifact.kind == "segment"
        pieces = heard.setdefault(artifact.name, [])
        index = len(pieces)
        assert artifact.meta["index"] == index and artifact.meta["start"] == index * SEGMENT_FRAMES
        assert soundfile.info(artifact.path).format == "FLAC" and soundfile.info(artifact.path).subtype == "PCM_16"
        pieces.append(soundfile.read(artifact.path)[0])
        assert artifact.meta["frames"] == len(pieces[-1])
    assert list(heard) == ["mix", "low", "mid", "high"]
    for name, gain in {"mix": 1.0, "low": 0.25, "high": 0.5}.items():
        whole = np.concatenate(heard[name]) / PREVIEW_GAIN
        np.testing.assert_allclose(whole, gain * samples, atol=1.01 / 2**15 / PREVIEW_GAIN)
    assert events[-1].segments == len(heard["mix"]) == 3


def test_the_first_segment_comes_before_the_song_is_done(run, tone):
    events = run(tone(15.0))
    first = next(index for index, event in enumerate(events) if isinstance(event, Partial))
    later = [event.done for event in events[first:] if isinstance(event, Progress)]
    assert later[0] == pytest.approx(SEGMENT_FRAMES / RATE, abs=1)
    assert later[-1] == pytest.approx(15.0)


def test_progress_only_grows_and_ends_at_the_end(run, tone):
    events = [event for event in run(tone(25.0)) if isinstance(event, Progress)]
    assert list(dict.fromkeys(event.stage for event in events)) == ["Reading the song", "Separating"]
    for stage in ("Reading the song", "Separating"):
        done = [event.done for event in events if event.stage == stage]
        assert done == sorted(done) and done[-1] == pytest.approx(25.0)
        assert all(event.done <= event.total and event.unit == "s" for event in events)


def test_a_stem_louder_than_full_scale_is_kept_and_its_preview_does_not_wrap(run):
    loud = np.full((RATE, 2), 3.0)
    loud[::2] = -3.0
    events = run(loud)
    assert np.abs(soundfile.read(events[-1].stem("high").path)[0]).max() == pytest.approx(1.5)
    mix = next(event.artifact for event in events if isinstance(event, Partial) and event.artifact.name == "mix")
    preview = soundfile.read(mix.path)[0]
    assert (np.sign(preview) == np.sign(loud)).all()
    assert metrics(events)["clipped"] == 1.0


def test_metrics_describe_the_stems(run):
    time = np.arange(4 * RATE) / RATE
    sine = 0.5 * np.sin(2 * np.pi * 100 * time)
    sine[2 * RATE :] = 0
    found = metrics(run(np.stack([sine, sine], axis=1)))
    assert found["residual"] < -118
    assert found["mix_peak"] == pytest.approx(0.5, rel=1e-3)
    half_time_sine = 20 * np.log10(0.5 * 0.5**0.5 * 0.5**0.5)
    assert found["level:mix"] == pytest.approx(half_time_sine, abs=0.01)
    assert found["level:low"] == pytest.approx(half_time_sine - 12.04, abs=0.01)
    assert found["peak:high"] == pytest.approx(-12.04, abs=0.01)
    assert found["silence:mid"] == pytest.approx(0.5)


def test_the_residual_tells_what_the_stems_lack(wav, halves, tone, tmp_path):
    engine = halves()
    engine.gains = (0.25, 0.25, 0.4)
    found = metrics(engine.run({"song": wav(tone(2.0))}, {}, tmp_path / "out"))
    assert found["residual"] == pytest.approx(-20, abs=0.01)


def test_meter_does_not_depend_on_how_the_sound_is_cut():
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-3, (2, 10 * 1000 + 300)) * np.repeat([1, 0.1, 1, 3, 1, 0, 0, 1, 1, 1, 1], 1000)[:10300]
    whole, parts = LevelMeter(1000), LevelMeter(1000)
    whole.add(sound)
    for start in range(0, sound.shape[1], 77):
        parts.add(sound[:, start : start + 77])
    for level in ("level_db", "peak_db", "silent_fraction"):
        assert getattr(parts, level) == pytest.approx(getattr(whole, level))
    quiet = [i for i in range(11) if np.mean(sound[:, 1000 * i : 1000 * (i + 1)] ** 2) < 1e-6]
    assert parts.silent_fraction == pytest.approx(sum(min(1000, 10300 - 1000 * i) for i in quiet) / 10300)


def test_notices_and_tags_travel_with_the_result(encode, halves, tone, tmp_path):
    song = encode(tmp_path / "s", tone(1.0, channels=6), "flac", layout="5.1", container="flac", tags={"title": "T"})
    events = list(halves().run({"song": song}, {}, tmp_path / "out"))
    sentences = [event.sentence for event in events if isinstance(event, Notice)]
    assert sentences == ["The 6 channels of the file were mixed down to stereo."]
    mix = next(artifact for artifact in events[-1].artifacts if artifact.kind == "mix")
    assert mix.meta == {"tags": {"title": "T"}, "seconds": 1.0, "notices": sentences}


def test_the_card_limits_the_length(wav, halves, tone, tmp_path):
    with pytest.raises(TooLarge, match="longer than the 5 s"):
        list(halves(5).run({"song": wav(tone(6.0))}, {}, tmp_path / "out"))


@pytest.mark.slow
def test_closing_at_any_event_closes_every_file(wav, halves, tone, tmp_path):
    import psutil

    song = wav(tone(6.2))
    total = len(list(halves().run({"song": song}, {}, tmp_path / "all")))
    for stop in range(1, total, 2):
        out = tmp_path / f"out{stop}"
        events = halves().run({"song": song}, {}, out)
        for _ in range(stop):
            next(events)
        events.close()
        held = [file.path for file in psutil.Process().open_files() if str(tmp_path) in file.path]
        assert not held, f"after event {stop}"


def test_an_engine_that_makes_too_little_is_a_fault_not_a_result(wav, halves, tone, tmp_path):
    engine = halves()
    whole = engine.chunks
    engine.chunks = lambda mix: (chunk[..., :-1] for chunk in whole(mix) if chunk.shape[-1])
    with pytest.raises(RuntimeError, match="made"):
        list(engine.run({"song": wav(tone(1.0))}, {}, tmp_path / "out"))


def test_output_that_is_no_number_is_refused(wav, halves, tone, tmp_path):
    engine = halves()
    whole = engine.chunks
    engine.chunks = lambda mix: (chunk * np.float32(np.nan) for chunk in whole(mix))
    with pytest.raises(EngineFailed, match="output broke down"):
        list(engine.run({"song": wav(tone(1.0))}, {}, tmp_path / "out"))


def test_a_disk_that_is_too_full_is_noticed_before_work_starts(wav, halves, tone, tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1, 1, 1_000_000))
    engine = halves()
    engine.chunks = lambda mix: pytest.fail("work started")
    with pytest.raises(EngineFailed, match="disk is too full"):
        list(engine.run({"song": wav(tone(2.0))}, {}, tmp_path / "out"))


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.support.separation import Halves, card
from backends.core.errors import EngineFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
try:
    list(Halves(card()).run({{"song": Path({song!r})}}, {{}}, Path({out!r})))
except EngineFailed as error:
    print(error.sentence)
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 300_000, 1_400_000])
def test_a_disk_that_fills_up_on_the_way_gives_a_sentence(wav, tone, tmp_path, size):
    root = str(Path(__file__).parents[3])
    script = FULL.format(root=root, size=size, song=str(wav(tone(4.0))), out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "could not be written" in done.stdout, done.stderr
