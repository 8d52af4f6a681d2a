"""The built-in separator on a small band whose true stems are known: a sung line over chords, bass and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from backends.separation import TASK
from backends.separation.dsp import masks
from backends.separation.dsp.engine import DspEngine, DspParameters
from backends.separation.dsp.pitch import VOICE, lead_pitch, viterbi_path
from backends.separation.dsp.voice import fit_source_filter
from backends.separation.io.mix import Mix
from evaluation.metrics.separation.bss_eval import si_sdr, si_sdr_improvement
from tests.support.memory import assert_flat_memory

RATE = 44100
SECONDS = 8.0
TUNE = [294.0, 330.0, 247.0, 370.0, 440.0, 311.0, 277.0, 392.0, 349.0, 262.0, 415.0, 466.0]
"""Hz, one every 0.7 s: longer than the song, for what repeats exactly is not taken for a singer."""
SMALL = replace(DspParameters(), block_seconds=4.0, context_seconds=1.5, crossfade_seconds=0.5)


def harmonics(pitch: np.ndarray, count: int, tilt: float) -> np.ndarray:
    """(T,) a tone at `pitch` (T,) Hz, whose nth harmonic has amplitude n ** -tilt; none above 10 kHz."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return np.asarray(sum(n**-tilt * np.sin(n * phase + n * n) * (n * pitch < 10000) for n in range(1, count + 1)))


def line(notes: list[float], each: float) -> np.ndarray:
    """(T,) Hz: the notes, `each` seconds long, over and over."""
    at = (np.arange(round(SECONDS * RATE)) / RATE / each).astype(int) % len(notes)
    return np.asarray(notes)[at]


def sung(notes: list[float], each: float) -> np.ndarray:
    """(T,) a voice: glides between notes, vibrato of a third of a semitone at 5.5 Hz, a formant round 1 kHz."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    glide = np.convolve(line(notes, each), np.hanning(4001) / np.hanning(4001).sum(), "same")
    voice = harmonics(np.maximum(glide, 60) * 2 ** (np.sin(2 * np.pi * 5.5 * time) / 36), 30, 0.7)
    return voice + 2 * sosfilt(butter(2, [700, 1400], "band", fs=RATE, output="sos"), voice)


def level(wave: np.ndarray, rms: float) -> np.ndarray:
    return np.asarray(wave * rms / np.sqrt(np.mean(wave**2)), dtype=np.float32)


@pytest.fixture(scope="module")
def band() -> dict[str, np.ndarray]:
    """True stems (2, T): all in the middle but the chords, which are wide."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    random = np.random.default_rng(0)
    click = random.standard_normal(time.size) * np.exp(-(time % 0.5) / 0.02)
    chords = [harmonics(line([a, b], 2.0), 8, 1.2) for a, b in ((262, 220), (330, 277), (392, 330))]
    wide = np.stack([chords[0] + 0.6 * chords[1], chords[2] + 0.6 * chords[1]])
    bass = harmonics(line([55.0, 65.4, 73.4, 49.0], 1.0), 4, 1.5)
    voice = sung(TUNE, 0.7)
    return {
        "drums": np.stack([level(click, 0.05)] * 2),
        "bass": np.stack([level(bass, 0.07)] * 2),
        "other": level(wide, 0.06),
        "vocals": np.stack([level(voice, 0.07)] * 2),
    }


@pytest.fixture(scope="module")
def mixture(band: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum(list(band.values()), axis=0, dtype=np.float32)


def engine(parameters: DspParameters = DspEngine.parameters) -> DspEngine:
    made = DspEngine(next(card for card in TASK.cards if card.engine == "dsp"))
    made.load("cpu")
    made.parameters = parameters
    return made


def split(samples: np.ndarray, folder: Path, parameters: DspParameters = DspEngine.parameters) -> np.ndarray:
    """(4, 2, T)"""
    mix = Mix.from_samples(samples, RATE, folder / "mix.wav")
    return np.concatenate(list(engine(parameters).chunks(mix)), axis=-1)


@pytest.fixture(scope="module")
def found(mixture: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return dict(zip(DspEngine.sources, split(mixture, tmp_path_factory.mktemp("band")), strict=True))


@pytest.fixture(scope="module")
def streamed(mixture: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The same in two windows that meet between 4 s and 4.5 s."""
    return dict(zip(DspEngine.sources, split(mixture, tmp_path_factory.mktemp("band"), SMALL), strict=True))


@pytest.mark.parametrize(("stem", "least"), [("vocals", 9.0), ("bass", 14.0), ("drums", 10.0), ("other", 9.0)])
def test_each_stem_is_nearer_its_source_than_the_mix_is(
    band: dict[str, np.ndarray], found: dict[str, np.ndarray], mixture: np.ndarray, stem: str, least: float
) -> None:
    assert si_sdr_improvement(found[stem].T, band[stem].T, mixture.T) > least


def test_the_accompaniment_is_nearer_too(
    band: dict[str, np.ndarray], found: dict[str, np.ndarray], mixture: np.ndarray
) -> None:
    backing = (mixture - band["vocals"]).T
    assert si_sdr_improvement((mixture - found["vocals"]).T, backing, mixture.T) > 8


def test_sources_land_in_their_own_stem(band: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> None:
    """Of every source, its own stem holds the largest part: what of the stem is in phase with it, as energy."""
    for source, wave in band.items():
        held = {name: float((stem * wave).sum() / (wave * wave).sum()) for name, stem in found.items()}
        assert max(held, key=held.__getitem__) == source
        assert held[source] > 0.6


def awkward() -> Iterator[tuple[str, np.ndarray]]:
    """Sounds of (2, T) with which something could go wrong."""
    random = np.random.default_rng(3)
    noise = (random.standard_normal((2, 3 * RATE)) * 0.2).astype(np.float32)
    time = np.arange(2 * RATE) / RATE
    dull = sosfilt(butter(8, 3800, fs=RATE, output="sos"), noise[0])
    yield "mono", np.stack([noise[0], noise[0]])
    yield "stereo", noise
    yield "one side", noise * [[1], [0]]
    yield "against each other", noise[:1] * [[1], [-1]]
    yield "telephone band", np.stack([dull, dull])
    yield "tenth of a second", noise[:, : RATE // 10]
    yield "one sample", noise[:, :1]
    yield "silence", np.zeros((2, RATE))
    yield "pure tone", np.stack([0.5 * np.sin(2 * np.pi * 440 * time)] * 2)
    yield "constant", np.full((2, RATE), 0.3)
    yield "sudden", np.concatenate([np.zeros((2, RATE)), noise[:, :RATE], np.zeros((2, RATE))], axis=1)
    yield "very loud", noise * 1e4
    yield "very soft", noise * 1e-6
    yield "a moment in silence", np.eye(1, 2 * RATE, RATE).repeat(2, axis=0)


@pytest.mark.parametrize(
    ("kind", "samples"), list(awkward()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_stems_add_up_to_whatever_came_in(kind: str, samples: np.ndarray, tmp_path: Path) -> None:
    samples = samples.astype(np.float32)
    stems = split(samples, tmp_path, SMALL)
    assert stems.shape == (4, *samples.shape) and stems.dtype == np.float32
    assert np.isfinite(stems).all()
    peak = np.abs(samples).max()
    assert np.abs(stems.sum(axis=0) - samples).max() <= 1e-5 * peak, kind
    assert np.abs(stems).max() <= 3 * peak


def test_the_same_song_gives_the_same_stems(mixture: np.ndarray, tmp_path: Path) -> None:
    part = mixture[:, : 3 * RATE]
    np.testing.assert_array_equal(split(part, tmp_path), split(part, tmp_path))


def test_many_windows_separate_as_well_as_one(
    band: dict[str, np.ndarray],
    mixture: np.ndarray,
    found: dict[str, np.ndarray],
    streamed: dict[str, np.ndarray],
) -> None:
    seam = slice(round(3.75 * RATE), round(4.75 * RATE))
    for name, stem in streamed.items():
        whole = si_sdr_improvement(found[name].T, band[name].T, mixture.T)
        assert si_sdr_improvement(stem.T, band[name].T, mixture.T) > whole - 1, name
        energies = [float((sound[:, seam] ** 2).sum()) for sound in (stem, found[name])]
        assert 0.8 < energies[0] / energies[1] < 1.25, name


def test_no_click_where_windows_meet(streamed: dict[str, np.ndarray]) -> None:
    """A click has its energy high up: the seams are no richer in it than the moment before, or the same beat before."""
    stems = np.stack(list(streamed.values()))
    edges = np.abs(np.diff(stems, n=3, axis=-1)).max(axis=1)  # (4, T - 3)
    for seam in (4.0, 4.5):
        at = round(seam * RATE)
        before = edges[:, at - RATE // 50 : at - 4].max(axis=1)
        beat = edges[:, at - 2 * RATE - 4 : at - 2 * RATE + 4].max(axis=1)
        assert (edges[:, at - 4 : at + 4].max(axis=1) <= 1.5 * np.maximum(before, beat)).all()


def separate_in_short_windows(songs: dict[int, Mix], seconds: int) -> None:
    tiny = replace(SMALL, block_seconds=1.0, context_seconds=0.25, crossfade_seconds=0.125, hop_length=2048)
    frames = sum(stems.shape[-1] for stems in engine(tiny).chunks(songs[seconds]))
    assert frames == songs[seconds].frames


@pytest.mark.slow
def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    short, long = 4, 12  # seconds
    songs = {}
    for seconds in (short, long):
        noise = (np.random.default_rng(0).standard_normal((2, seconds * RATE)) * 0.1).astype(np.float32)
        songs[seconds] = Mix.from_samples(noise, RATE, tmp_path / f"{seconds}.wav")
    mixture_bytes = (long - short) * RATE * 2 * 4  # the four stems would be four times that
    assert_flat_memory(partial(separate_in_short_windows, songs), short, long, growth=mixture_bytes / 2.5)


def test_it_can_be_stopped_between_the_steps_of_a_window(mixture: np.ndarray, tmp_path: Path) -> None:
    pieces = engine().chunks(Mix.from_samples(mixture[:, : 2 * RATE], RATE, tmp_path / "mix.wav"))
    pauses = 0
    while next(pieces).shape[-1] == 0:
        pauses += 1
    assert pauses > 20


@pytest.mark.slow
def test_a_voice_beside_the_middle_is_no_lead(band: dict[str, np.ndarray], tmp_path: Path) -> None:
    """In a stereo song the lead is in the middle: a second voice far to the left stays out of its stem."""
    left = level(sung([523.0, 466.0, 587.0], 0.8), 0.05) * np.array([[1.0], [0.0]], np.float32)
    vocals = split((band["vocals"] + left)[:, : 4 * RATE], tmp_path)[3]
    held = (vocals * left[:, : vocals.shape[1]]).sum() / (left[:, : vocals.shape[1]] ** 2).sum()
    assert held < 0.15
    assert si_sdr(vocals.T, band["vocals"][:, : vocals.shape[1]].T) > 10


def test_pitch_follows_a_voice_over_chords(band: dict[str, np.ndarray]) -> None:
    parameters = DspEngine.parameters
    wave = (band["vocals"] + band["other"]).mean(axis=0)
    frames = np.lib.stride_tricks.sliding_window_view(wave, parameters.fft_size)[:: parameters.hop_length]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(parameters.fft_size))).T.astype(np.float32)
    resolution = RATE / parameters.fft_size
    steady, moving = masks.harmonic_and_percussive(magnitude, 65, 9)
    pitch, confidence = lead_pitch(magnitude * masks.wiener_mask(moving, steady), resolution)
    middle = np.arange(frames.shape[0]) * parameters.hop_length + parameters.fft_size // 2
    true = line(TUNE, 0.7)[middle]
    assert np.mean(np.abs(12 * np.log2(pitch / true)) < 0.8) > 0.85
    assert np.median(confidence) > 0.5


def test_viterbi_path_prefers_a_smooth_line_to_a_single_louder_frame() -> None:
    scores = np.zeros((100, 9), np.float32)
    scores[40] = 1.0
    scores[90, 4] = 1.5
    assert (viterbi_path(scores, step_cost=0.1, jump_cost=2.0, max_step=5) == 40).all()
    assert viterbi_path(scores, step_cost=0.0, jump_cost=0.1, max_step=5)[4] == 90


def test_salience_of_silence_is_nothing() -> None:
    pitch, confidence = lead_pitch(np.zeros((400, 5), np.float32), 10.0)
    assert (confidence == 0).all() and ((pitch >= VOICE.low) & (pitch <= VOICE.high)).all()


def test_source_filter_gives_the_comb_what_only_the_comb_explains() -> None:
    """A gliding comb over held lines: the glide goes to the voice, the lines to the accompaniment."""
    frequencies = np.arange(300) * 10.0
    pitch = np.linspace(200, 300, 80).astype(np.float32)
    comb = masks.harmonic_comb(pitch, frequencies, width=14, widening=0.004)
    lines = np.zeros((300, 80), np.float32)
    lines[[26, 91, 187]] = 2.0
    work = fit_source_filter(comb + lines, comb, frequencies)
    while True:
        try:
            next(work)
        except StopIteration as stop:
            mask = stop.value
            break
    on_voice, on_lines = (comb > 0.8) & (lines == 0), (comb < 0.01) & (lines > 0)
    assert mask[on_voice].mean() > 0.8 and mask[on_lines].mean() < 0.05


def test_repetition_finds_the_loop_and_not_what_happens_once() -> None:
    random = np.random.default_rng(0)
    loop = random.random((50, 10)).astype(np.float32)
    song = np.tile(loop, 8)
    once = np.zeros_like(song)
    once[30:, 42:47] = 3.0
    background, similarity = masks.repeating_background(song + once, 5, 5)
    np.testing.assert_allclose(background, song, atol=1e-6)
    assert similarity[:40].min() > 0.99 and similarity[42:47].max() < 0.95
    nothing, unlike = masks.repeating_background(song[:, :8], 5, 5)
    assert not nothing.any() and not unlike.any()


def test_running_median_is_the_median_at_every_place() -> None:
    values = np.random.default_rng(0).random((3, 20))
    wide = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    expected = np.median(np.lib.stride_tricks.sliding_window_view(wide, 5, axis=1), axis=-1)
    np.testing.assert_array_equal(masks.running_median(values, 5), expected)
    assert masks.running_median(values[:, :2], 9).shape == (3, 2)


def test_held_and_struck_are_told_apart() -> None:
    picture = np.zeros((40, 40), np.float32)
    picture[10], picture[:, 20] = 1.0, 1.0
    held, struck = masks.harmonic_and_percussive(picture, 9, 9)
    assert held[10, 5] == 1 and struck[10, 5] == 0
    assert held[30, 20] == 0 and struck[30, 20] == 1


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_wiener_shares_are_complementary_at_any_scale(scale: float) -> None:
    a, b = (np.random.default_rng(i).random((4, 5)).astype(np.float32) * np.float32(scale) for i in (1, 2))
    np.testing.assert_allclose(masks.wiener_mask(a, b) + masks.wiener_mask(b, a), 1, atol=1e-5)
    np.testing.assert_allclose(
        masks.wiener_mask(a, b), (a / scale) ** 2 / ((a / scale) ** 2 + (b / scale) ** 2), rtol=1e-4
    )


def test_the_middle_is_where_both_channels_agree() -> None:
    left = np.array([[1, 1, 1, 0]], np.complex64)
    right = np.array([[1, 0, -1, 0]], np.complex64)
    np.testing.assert_allclose(masks.centre_mask(left, right), [[1, 0, 0, 0]], atol=1e-6)
