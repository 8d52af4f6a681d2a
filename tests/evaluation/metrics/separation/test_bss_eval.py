"""SI-SDR against values worked out by hand, BSS Eval against museval itself, and what silence does to either."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from backends.core.errors import BadInput
from evaluation.metrics.separation import bss_eval as separation
from evaluation.metrics.separation import bss_filters
from evaluation.metrics.separation.bss_eval import bss_eval, match_length, si_sdr, si_sdr_improvement
from tests.support.museval import museval

RATE = 8000


@pytest.fixture
def stereo() -> dict[str, np.ndarray]:
    """Two stems (T, 2) of six seconds that share nothing, each with its own place between the speakers."""
    random = np.random.default_rng(1)
    noise = random.standard_normal((2, 6 * RATE, 1))
    room = random.standard_normal((2, 6 * RATE, 2)) * 0.3
    return {"voice": noise[0] * [0.9, 0.4] + room[0], "band": noise[1] * [0.2, 0.8] + room[1]}


@pytest.fixture
def stems(stereo: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One channel of each, (T, 1): filters of one channel take an eighth of the time."""
    return {"voice": stereo["voice"][:, :1], "band": stereo["band"][:, 1:]}


def mixed(stems: dict[str, np.ndarray], leak: float) -> dict[str, np.ndarray]:
    """Each stem with `leak` of the other."""
    return {"voice": stems["voice"] + leak * stems["band"], "band": stems["band"] + leak * stems["voice"]}


def test_si_sdr_is_the_ratio_of_target_to_rest() -> None:
    reference = np.array([1.0, -1.0, 1.0, -1.0])
    across = np.array([1.0, 1.0, -1.0, -1.0])  # at a right angle to it, and of the same energy
    assert si_sdr(reference + 0.1 * across, reference) == pytest.approx(20.0)
    assert si_sdr(2 * reference + across, reference) == pytest.approx(10 * math.log10(4))


def test_si_sdr_does_not_hear_gain_sign_or_offset() -> None:
    random = np.random.default_rng(0)
    reference, noise = random.standard_normal((2, 1000))
    plain = si_sdr(reference + noise, reference)
    assert plain == pytest.approx(si_sdr(-0.01 * (reference + noise) + 5, 300 * reference - 7), abs=1e-9)


def test_si_sdr_shares_one_gain_between_channels() -> None:
    reference = np.random.default_rng(0).standard_normal((1000, 2))
    assert si_sdr(3 * reference, reference) > 200
    assert si_sdr(reference * [1.0, 0.5], reference) < 15


def test_si_sdr_where_there_is_nothing_to_measure() -> None:
    tone, silence = np.sin(np.arange(800) / 10), np.zeros(800)
    assert math.isnan(si_sdr(tone, silence))
    assert math.isnan(si_sdr(silence, tone))
    assert math.isnan(si_sdr(tone, silence + 0.5))
    assert math.isnan(si_sdr(np.zeros(0), np.zeros(0)))
    assert si_sdr(np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])) == -math.inf
    with pytest.raises(ValueError, match="shape"):
        si_sdr(tone, tone[:-1])


def test_improvement_is_over_the_mixture() -> None:
    random = np.random.default_rng(0)
    voice, band = random.standard_normal((2, 4000))
    assert si_sdr_improvement(voice + 0.1 * band, voice, voice + band) == pytest.approx(20, abs=0.5)
    assert si_sdr_improvement(voice + band, voice, voice + band) == 0


def test_lengths_are_matched_or_refused_in_words() -> None:
    cut = match_length({"a": np.ones((RATE, 2)), "b": np.ones((RATE + 100, 2))}, RATE)
    assert {len(signal) for signal in cut.values()} == {RATE}
    with pytest.raises(BadInput, match=r"“a” lasts 1\.0 s and “b” 3\.0 s"):
        match_length({"a": np.ones((RATE, 2)), "b": np.ones((3 * RATE, 2))}, RATE)
    with pytest.raises(BadInput, match="“a” is empty"):
        match_length({"a": np.ones((0, 2)), "b": np.ones((10, 2))}, RATE)


@pytest.mark.slow
def test_bss_eval_has_the_values_of_museval(stereo: dict[str, np.ndarray]) -> None:
    found = mixed(stereo, 0.3)
    scores = bss_eval(stereo, found, RATE)
    theirs = museval().bss_eval(np.stack(list(stereo.values())), np.stack(list(found.values())), window=RATE, hop=RATE)
    for i, stem in enumerate(stereo):
        ours = np.array([(row.sdr, row.isr, row.sir, row.sar) for row in scores.rows if row.stem == stem])
        # Beyond 200 dB both are rounding: these mixes have no artefacts at all.
        expected = np.minimum(np.stack([ratio[i] for ratio in theirs[:4]], axis=1), 200)
        np.testing.assert_allclose(np.minimum(ours, 200), expected)
    assert [row.start for row in scores.rows if row.stem == "voice"] == [0, 1, 2, 3, 4, 5]


def test_artefacts_and_signals_longer_than_a_segment_have_the_values_of_museval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(size=(2, 3000, 2))
    true[0, 1000:1500] = 0  # a window that nobody scores
    estimated = true + 0.3 * true[::-1] + 0.2 * rng.normal(size=true.shape)
    monkeypatch.setattr(bss_filters, "SEGMENT", 700)
    ours = bss_filters.ratios(true, estimated, range(0, 2501, 500), 500, taps=64)
    theirs = museval().bss_eval(true, estimated, window=500, hop=500, filters_len=64)
    np.testing.assert_allclose(ours, np.stack(theirs[:4]), atol=1e-9)
    assert np.isnan(ours[:, :, 2]).all() and np.isfinite(ours[:, :, 3]).all()


def test_bss_eval_tells_good_from_leaky_from_swapped(stems: dict[str, np.ndarray]) -> None:
    swapped = {"voice": stems["band"], "band": stems["voice"]}
    perfect, leaky, wrong = (bss_eval(stems, found, RATE) for found in (stems, mixed(stems, 0.1), swapped))
    assert perfect.median("voice") > 100
    assert 15 < leaky.median("voice", "sir") < 25  # a leak of a tenth, between stems of like loudness
    assert wrong.median("voice") < 0 and wrong.median("voice", "sir") < -10


def test_silent_windows_are_counted_not_dropped(stems: dict[str, np.ndarray]) -> None:
    stems["voice"][2 * RATE : 4 * RATE] = 0
    scores = bss_eval(stems, mixed(stems, 0.3), RATE)
    assert scores.windows == 6 and len(scores.rows) == 12
    assert scores.silent_references == {"voice": 2, "band": 0}
    assert scores.unscored == {"voice": 2, "band": 2}
    assert [math.isnan(row.sdr) for row in scores.rows if row.stem == "band"] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert math.isfinite(scores.median("voice"))


def test_a_stem_that_never_sounds_leaves_the_others_scored(stems: dict[str, np.ndarray]) -> None:
    stems["drums"] = np.zeros((6 * RATE, 1))
    found = {**mixed(stems, 0.3), "drums": np.full((6 * RATE, 1), 1e-3)}
    scores = bss_eval(stems, found, RATE)
    assert scores.silent_references["drums"] == scores.unscored["drums"] == 6
    assert scores.unscored["voice"] == 0 and math.isnan(scores.median("drums"))
    assert scores.median("voice") == pytest.approx(
        bss_eval(_but(stems, "drums"), _but(found, "drums"), RATE).median("voice")
    )


def _but(stems: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key: value for key, value in stems.items() if key != name}


def test_blocks_cover_every_window_and_hardly_move_the_figures(stems: dict[str, np.ndarray]) -> None:
    found = mixed(stems, 0.3)
    whole, blocks = bss_eval(stems, found, RATE), bss_eval(stems, found, RATE, block=3.0)
    assert [(row.stem, row.start) for row in sorted(blocks.rows, key=lambda row: (row.stem != "voice", row.start))] == [
        (row.stem, row.start) for row in whole.rows
    ]
    assert blocks.median("voice") == pytest.approx(whole.median("voice"), abs=0.5)


def test_equal_channels_are_scored_as_one(stems: dict[str, np.ndarray]) -> None:
    twice = {name: np.repeat(stem, 2, axis=1) for name, stem in stems.items()}
    one, two = bss_eval(stems, mixed(stems, 0.3), RATE), bss_eval(twice, mixed(twice, 0.3), RATE)
    assert two.median("voice", "sar") == pytest.approx(one.median("voice", "sar"), abs=1e-6)


def test_a_song_shorter_than_a_window_is_one_window(stems: dict[str, np.ndarray]) -> None:
    short = {name: stem[: RATE // 2] for name, stem in stems.items()}
    scores = bss_eval(short, mixed(short, 0.3), RATE)
    assert scores.windows == 1 and all(math.isfinite(row.sdr) for row in scores.rows)


def test_stems_must_pair_up(stems: dict[str, np.ndarray]) -> None:
    with pytest.raises(BadInput, match="“band” has no counterpart"):
        bss_eval(stems, _but(stems, "band"), RATE)
    with pytest.raises(BadInput, match="there are none"):
        bss_eval({}, {}, RATE)
    many = {str(i): stems["voice"] for i in range(separation.MAX_STEMS + 1)}
    with pytest.raises(BadInput, match="At most"):
        bss_eval(many, many, RATE)


@pytest.mark.slow
def test_needs_neither_ffmpeg_nor_torch() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from evaluation.metrics.separation import bss_eval;"
            "print(sorted({'torch', 'stempeg', 'museval', 'streamlit'} & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": ""},
    )
    assert told.stdout.strip() == "[]"
