"""Scores of a separation against its truth: known ratios, undefined ones, and files that do not fit."""

from __future__ import annotations

import json
import math
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from backends.core.errors import BadInput
from evaluation.metrics.separation import scores
from evaluation.metrics.separation.bss_eval import BssScores, bss_blocks, bss_eval, si_sdr
from evaluation.metrics.separation.scores import align_files, scores_over_time, whole_song_scores
from tests.support.memory import assert_flat_memory, in_own_process, lengths, peak_memory

RATE = 16000
LOW = scipy.signal.butter(8, 6000, fs=RATE, output="sos")


@pytest.fixture
def files(tmp_path: Path):
    """Writes (T, 2) arrays as WAV files and returns their paths by name."""

    def write(prefix: str, waves: dict[str, np.ndarray], rate: int = RATE) -> dict[str, Path]:
        paths = {name: tmp_path / f"{prefix}-{name}.wav" for name in waves}
        for name, wave in waves.items():
            soundfile.write(paths[name], wave, rate, subtype="FLOAT")
        return paths

    return write


@pytest.fixture
def truth() -> dict[str, np.ndarray]:
    """Two stems of noise; the bass sits exactly in the middle, as it does on real records."""
    noise = np.random.default_rng(1).standard_normal((3, 4 * RATE)) * 0.1
    return {"vocals": noise[:2].T, "bass": np.stack([noise[2], noise[2]], axis=1)}


def measured(files, truth, estimates, measure):
    mix = files("mix", {"mix": sum(truth.values())})["mix"]
    return measure(align_files(files("true", truth), files("found", estimates), mix, RATE))


def test_known_leakage_gives_its_ratio(files, truth) -> None:
    """A tenth of the other stem's amplitude, stems equally loud: 20 dB, and 20 dB better than the mix."""
    leaky = {"vocals": truth["vocals"] + 0.1 * truth["bass"], "bass": truth["bass"] + 0.1 * truth["vocals"]}
    told = measured(files, truth, leaky, whole_song_scores)
    for score in told["stems"].values():
        assert score["si_sdr"] == pytest.approx(20, abs=0.3)
        assert score["mix_si_sdr"] == pytest.approx(0, abs=0.3)
        assert score["improvement"] == pytest.approx(20, abs=0.3)


def test_leakage_is_interference_and_not_artefacts_even_for_a_bass_in_the_middle(files, truth) -> None:
    leaky = {"vocals": truth["vocals"] + 0.1 * truth["bass"], "bass": truth["bass"] + 0.1 * truth["vocals"]}
    told = measured(files, truth, leaky, scores_over_time)
    assert told["times"] == [0, 1, 2, 3] and all(len(told["frames"]["bass"][ratio]) == 4 for ratio in ("sdr", "sir"))
    for ratios in told["medians"].values():
        assert ratios["sir"] == pytest.approx(20, abs=1.5)
        assert ratios["sar"] > 30


def test_a_silent_second_is_counted_and_left_out(files, truth) -> None:
    truth["vocals"][RATE : 2 * RATE] = 0
    told = measured(files, truth, {name: wave.copy() for name, wave in truth.items()}, scores_over_time)
    assert told["frames"]["bass"]["sdr"][1] is None and told["frames"]["bass"]["sdr"][0] is not None
    assert any("True vocals is silent in 1 of 4 seconds" in note for note in told["notes"])
    json.dumps(told, allow_nan=False)


def test_a_silent_stem_has_no_ratio(files, truth) -> None:
    told = measured(files, truth, {"vocals": np.zeros_like(truth["vocals"]), "bass": truth["bass"]}, whole_song_scores)
    assert told["stems"]["vocals"]["si_sdr"] is None
    json.dumps(told, allow_nan=False)


def test_another_song_is_refused_in_words(files, truth, tmp_path: Path) -> None:
    short = {name: wave[:RATE] for name, wave in truth.items()}
    with pytest.raises(BadInput, match="same song"):
        align_files(
            files("short", short), files("found", truth), files("mix", {"mix": sum(truth.values())})["mix"], RATE
        )
    mix = files("mix", {"mix": sum(truth.values())})["mix"]
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    with pytest.raises(BadInput, match="given as true vocals"):
        align_files({"vocals": text}, files("found", truth), mix, RATE)


def test_a_reference_that_goes_on_is_not_read_to_its_end(files, truth, monkeypatch) -> None:
    mix = files("mix", {"mix": sum(truth.values())})["mix"]
    endless = files("true", {"vocals": np.tile(truth["vocals"], (20, 1))})
    read = []
    seconds = scores._seconds

    def counted(path: Path, samplerate: int, name: str):
        for block in seconds(path, samplerate, name):
            read.append(name)
            yield block

    monkeypatch.setattr(scores, "_seconds", counted)
    with pytest.raises(BadInput, match=r"“true vocals” goes on after the end of the mix, .* 4\.0 s: .*same song"):
        align_files(endless, files("found", truth), mix, RATE)
    assert read.count("true vocals") == 6  # of 80


@pytest.mark.slow
def test_up_to_a_second_is_cut_off(files, truth) -> None:
    """An encoder's padding at the end of one file changes nothing in the scores of what all have."""
    mix, paths = files("mix", {"mix": sum(truth.values())})["mix"], files("true", truth)
    found = files("found", {name: np.concatenate([wave, wave[: RATE // 2]]) for name, wave in truth.items()})
    sounds = align_files(paths, found, mix, RATE)
    assert sounds.length == 4 * RATE
    assert whole_song_scores(sounds) == whole_song_scores(align_files(paths, files("cut", truth), mix, RATE))


def test_a_compressed_reference_of_another_rate_is_scored(files, truth, tmp_path: Path) -> None:
    """At 24 kHz instead of 16: below 6 kHz, where all of the stem lies, it is the same sound."""
    low = {name: scipy.signal.sosfiltfilt(LOW, wave, axis=0) for name, wave in truth.items()}
    mix, found = files("mix", {"mix": sum(low.values())})["mix"], files("found", low)
    path = tmp_path / "vocals.flac"
    soundfile.write(path, scipy.signal.resample_poly(low["vocals"], 3, 2), RATE * 3 // 2)
    told = whole_song_scores(align_files({"vocals": path}, found, mix, RATE))
    assert list(told["stems"]) == ["vocals"] and told["stems"]["vocals"]["si_sdr"] > 35


@pytest.mark.slow
def test_sums_in_blocks_give_what_the_whole_gives(files, truth) -> None:
    """Also where the error is small, where a channel is shifted by a constant, and where the gain is another one."""
    rng = np.random.default_rng(3)
    for gain, error, shift in [(1, 0.3, 0), (0.5, 1e-4, 0.2), (-2, 1e-3, 0), (1, 3, -0.4), (1, 1e-6, 0)]:
        found = {name: gain * wave + error * 0.1 * rng.standard_normal(wave.shape) for name, wave in truth.items()}
        found = {name: np.add(wave, [shift, 0]).astype(np.float32) for name, wave in found.items()}
        told = measured(files, truth, found, whole_song_scores)
        for name, score in told["stems"].items():
            reference = truth[name].astype(np.float32)
            whole, mix = si_sdr(found[name], reference), si_sdr(sum(truth.values()).astype(np.float32), reference)
            assert score["si_sdr"] == pytest.approx(whole, abs=1e-3)
            assert score["mix_si_sdr"] == pytest.approx(mix, abs=1e-3)
            assert score["improvement"] == pytest.approx(whole - mix, abs=1e-3)


def test_a_perfect_stem_gets_the_highest_figure_and_a_constant_none(files, truth) -> None:
    found = {"vocals": truth["vocals"], "bass": np.full_like(truth["bass"], 0.1)}
    told = measured(files, truth, found, whole_song_scores)["stems"]
    assert told["vocals"]["si_sdr"] == 120 and told["bass"]["si_sdr"] is None
    json.dumps(told, allow_nan=False)


def long_song(files, seconds: float, rate: int, stems: int = 2):
    """A song of noise with a leak of -20 dB between its stems, written at `rate`: what `align_files` takes."""
    rng = np.random.default_rng(4)
    names = ("vocals", "bass")[:stems]
    waves = {name: 0.1 * rng.standard_normal((int(seconds * rate), 2), dtype=np.float32) for name in names}
    mix = sum(waves.values())
    found = {name: 0.9 * wave + 0.1 * mix for name, wave in waves.items()}
    paths = files(f"true{seconds}", waves, rate), files(f"found{seconds}", found, rate)
    return waves, found, (*paths, files(f"mix{seconds}", {"mix": mix}, rate)["mix"], rate)


@pytest.mark.slow
def test_blocks_one_by_one_score_as_bss_eval_does_in_one_call(files, monkeypatch) -> None:
    rate = 1000
    true, found, paths = long_song(files, 12.4, rate)  # two blocks, and a rest shorter than a second
    monkeypatch.setattr(scores, "DITHER_DB", -math.inf)
    monkeypatch.setattr(scores, "bss_blocks", partial(bss_blocks, block=6))
    told, whole = scores_over_time(align_files(*paths)), bss_eval(true, found, rate, block=6)
    assert told["times"] == list(range(12)) and told["notes"] == []
    for row in whole.rows:
        for ratio in scores.RATIOS:
            assert told["frames"][row.stem][ratio][int(row.start)] == pytest.approx(getattr(row, ratio), abs=1e-3)
    assert told["medians"]["bass"]["sdr"] == pytest.approx(whole.median("bass"), abs=1e-3)


@pytest.mark.slow
def test_only_the_time_that_bss_eval_takes_limits_the_length(files, monkeypatch) -> None:
    _, _, paths = long_song(files, 12, 1000, 1)
    monkeypatch.setattr(scores, "MAX_SECONDS", 6.0)
    sounds = align_files(*paths)
    assert sounds.length == 12000 and whole_song_scores(sounds)["notes"] == []
    told = scores_over_time(sounds)
    assert told["times"] == list(range(6)) and any("Only the first" in note for note in told["notes"])


def whole_song(paths: dict[int, tuple], seconds: int) -> None:
    assert whole_song_scores(align_files(*paths[seconds]))["stems"]


@pytest.mark.slow
@lengths((10, 120), nightly=(60, 240))
def test_totals_of_a_long_song_take_no_more_memory_than_of_a_short_one(files, small: int, large: int) -> None:
    paths = {seconds: long_song(files, seconds, 4000, 1)[2] for seconds in (small, large)}
    assert_flat_memory(partial(whole_song, paths), small, large, growth=1_000_000)  # 110 seconds of one file are 3.5 MB


def held_when_scored(paths: tuple) -> tuple[list[int], int]:
    """Bytes held as each block of 8 seconds is scored, and the most at any time."""
    held: list[int] = []

    def weighed(references, estimates, samplerate, block) -> BssScores:
        held.append(tracemalloc.get_traced_memory()[0])
        return BssScores((), 8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "bss_blocks", partial(bss_blocks, block=8))
        patch.setattr(scores, "bss_eval", weighed)
        peak = peak_memory(lambda: scores_over_time(align_files(*paths)))
    return held, peak


@pytest.mark.slow
def test_bss_eval_is_given_a_long_song_without_holding_it(files) -> None:
    """What is held when each block is scored is that block: here 1 MB of 8 MB. What scoring itself takes is apart."""
    held, peak = in_own_process(held_when_scored, long_song(files, 64, 8000, 1)[2])
    assert len(held) == 8
    assert held[-1] - held[1] < 200_000
    assert peak < 4_000_000
