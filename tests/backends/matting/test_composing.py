"""The person over a new background: placed, scaled, lit at the edge, with a shadow; exactly as filmed by default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.matting.finishing import composing
from backends.matting.finishing.composing import compose, over
from backends.matting.options import MattingOptions
from tests.support.matting import CARD, MakeVideo, RedEngine, finish, pictures_of

HEIGHT, WIDTH = 60, 100
ALPHA = np.zeros((HEIGHT, WIDTH), np.float32)
ALPHA[20:, 40:60] = 1
PERSON = np.full((HEIGHT, WIDTH, 3), (200, 120, 90), np.uint8)
BEHIND = np.full((HEIGHT, WIDTH, 3), (40, 60, 240), np.uint8)


def composite(**options: float) -> np.ndarray:
    return compose(PERSON, ALPHA, BEHIND, MattingOptions.read(options)).astype(int)


def where(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns in which the person is."""
    person = np.abs(picture - PERSON[0, 0]).sum(axis=2) < 30
    return np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))


def test_without_a_wish_it_is_the_plain_composite() -> None:
    assert np.array_equal(composite(), over(PERSON, ALPHA, BEHIND))


def test_only_around_the_person_is_anything_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    person, behind = (rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(2))
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[11:41, 23:63] = rng.random((30, 40), np.float32)
    truth = alpha[..., None] * person + (1 - alpha[..., None]) * behind  # (H, W, 3)
    before, mixed, blend = behind.copy(), [], composing.cv2.blendLinear

    def watched(colours: np.ndarray, *rest: np.ndarray, dst: np.ndarray) -> np.ndarray:
        mixed.append(colours.shape)
        return blend(colours, *rest, dst=dst)

    monkeypatch.setattr(composing.cv2, "blendLinear", watched)
    assert np.abs(over(person, alpha, behind) - truth).max() < 0.51
    assert mixed == [(30, 40, 3)]
    assert np.array_equal(over(person, np.zeros_like(alpha), behind), before)
    assert np.array_equal(behind, before) and len(mixed) == 1  # a picture that stays is laid behind many frames


@pytest.mark.parametrize(
    ("options", "rows", "columns"),
    [
        ({"across": 0.2}, (20, 59), (60, 79)),
        ({"down": -0.25}, (5, 44), (40, 59)),
        ({"size": 0.5}, (40, 59), (45, 54)),
        ({"size": 1.5}, (0, 59), (35, 64)),
        ({"size": 0.5, "across": -0.3, "down": -0.1}, (34, 53), (15, 24)),
    ],
)
def test_the_person_is_where_and_as_large_as_wished(
    options: dict[str, float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    down, across = where(composite(**options))
    assert (down.min(), down.max()) == pytest.approx(rows, abs=1)
    assert (across.min(), across.max()) == pytest.approx(columns, abs=1)


def test_a_shadow_falls_on_the_background_and_not_on_the_person() -> None:
    plain, shaded = composite(), composite(shadow=1)
    inside = ALPHA == 1
    assert np.array_equal(plain[inside], shaded[inside])
    right, left = shaded[30:, 61:64].mean(), shaded[30:, 36:39].mean()
    assert right < 0.75 * plain[30:, 61:64].mean() and right < left
    assert np.array_equal(plain[:8, :20], shaded[:8, :20])


def test_light_of_the_background_wraps_the_edge_and_leaves_the_middle() -> None:
    plain, wrapped = composite(), composite(wrap=1)
    assert wrapped[40, 40, 2] > plain[40, 40, 2] + 40  # the blue of the background
    assert np.abs(wrapped[40, 50] - plain[40, 50]).max() <= 2
    assert np.array_equal(wrapped[:10], plain[:10])


def test_an_export_has_the_person_at_their_place(video: MakeVideo, tmp_path: Path) -> None:
    options = {"export": "composite,luma", "background": "#0000ff", "across": 0.25}
    finish(RedEngine(CARD).run({"media": video(frames=2)}, options, tmp_path / "out"))
    picture = pictures_of(tmp_path / "out/composite.mp4")[0].astype(int)
    matte = pictures_of(tmp_path / "out/alpha.mkv", "gray")[0] > 250
    moved = np.roll(matte, 24, axis=1)
    assert picture[moved][:, 0].mean() > 180 and picture[matte & ~moved][:, 2].mean() > 150
