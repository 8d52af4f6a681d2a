"""What is heard of a map and of a wiped rectangle, on sounds whose parts are known."""

from __future__ import annotations

import numpy as np

from studio.inside import hearing
from studio.inside.hearing import Stretch
from viz.inside.sound import Box

RATE = 16_000


def tone(hertz: float, seconds: float = 0.6) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * hertz * time)] * 2).astype(np.float32)


def power(samples: np.ndarray, hertz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples[0]))
    return float(spectrum[round(hertz * samples.shape[1] / RATE)])


def test_a_map_of_one_tone_passes_that_tone_and_leaves_the_other() -> None:
    sound = Stretch(tone(440) + tone(3000), RATE, 30.0)
    frequency, time = np.array([200.0, 1000.0, 3000.0, 6000.0]), np.array([30.1, 30.3, 30.5])
    values = np.array([[1.0] * 3, [-2.0] * 3, [0.0] * 3, [0.0] * 3])
    passed, left, share = hearing.through_map(sound, values, frequency, time)
    assert power(passed.samples, 440) > 20 * power(passed.samples, 3000)
    assert power(left.samples, 3000) > 20 * power(left.samples, 440)
    np.testing.assert_allclose(passed.samples + left.samples, sound.samples, atol=1e-5)
    assert 0.4 < share < 0.6 and passed.start == 30.0


def test_both_are_played_at_one_level_without_clipping() -> None:
    loud, soft, silent = (Stretch(gain * tone(440), RATE, 0.0) for gain in (3.0, 0.01, 0.0))
    matched = hearing.level_matched(loud, soft, silent)
    levels = [float(np.sqrt(np.square(one.samples).mean())) for one in matched]
    assert abs(levels[0] - levels[1]) < 1e-6 and levels[2] == 0
    assert max(float(np.abs(one.samples).max()) for one in matched) <= hearing.CEILING + 1e-6


def test_a_wiped_rectangle_is_gone_and_all_else_stays() -> None:
    sound = Stretch(tone(440) + tone(3000), RATE, 5.0)
    box = Box(5.2, 5.4, 2000, 4500)
    gone = hearing.wiped(sound, box)
    middle, first = slice(round(0.25 * RATE), round(0.35 * RATE)), slice(0, round(0.15 * RATE))
    assert power(gone.samples[:, middle], 3000) < 0.05 * power(sound.samples[:, middle], 3000)
    assert abs(power(gone.samples[:, middle], 440) / power(sound.samples[:, middle], 440) - 1) < 0.05
    np.testing.assert_allclose(gone.samples[:, first], sound.samples[:, first], atol=1e-4)
    inside, outside = hearing.change_decibels(sound, gone, box)
    assert inside > -3 and outside < inside - 10


def test_a_stretch_is_read_where_it_was_asked_for() -> None:
    whole = Stretch(np.concatenate([tone(440), tone(3000)], axis=1), RATE, 0.0)
    part = hearing.read_stretch(whole.exact(), 0.6, 0.9)
    assert part.start == 0.6 and abs(part.seconds - 0.3) < 1e-6
    assert power(part.samples, 3000) > 20 * power(part.samples, 440)
