"""The sample pictures: six kinds of things, each drawn anew every time, and a few things that are none of them.

Everything is drawn by arithmetic at twice the size and reduced: shape, colour, size, turn, light and what lies behind
differ from picture to picture, so that no single one of them gives the kind away. The same arguments give the same
pixels.
"""

from __future__ import annotations

import colorsys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from evaluation.synthetic.scenery import floats, fractal

SIDE = 160
SUPERSAMPLING = 2
SHOTS, QUERIES, STRANGERS = 6, 3, 4
EDGE = 0.02  # of the thing's half size: how soft its outline is

SENTENCES: Mapping[str, str] = {
    "ball": "a round toy ball, often with stripes",
    "box": "a wooden box seen from one corner",
    "leaf": "a pointed leaf with veins",
    "mushroom": "a mushroom with dots on its cap",
    "ring": "a shiny metal ring with a hole",
    "star": "a flat star with five points",
}
"""The kinds with a sentence that describes each."""


@dataclass(frozen=True)
class SamplePicture:
    """One picture: `rgb` `(H, W, 3)` uint8. `kind` is "" for a thing that is none of the kinds."""

    name: str
    kind: str
    rgb: np.ndarray

    def png(self) -> bytes:
        file = BytesIO()
        Image.fromarray(self.rgb).save(file, "PNG")
        return file.getvalue()


@dataclass(frozen=True)
class Grid:
    """Where each pixel lies as seen by the thing: `u`, `v` `(H, W)` turned and scaled, 1 at the thing's half size."""

    u: np.ndarray
    v: np.ndarray
    rng: np.random.Generator

    @property
    def radius(self) -> np.ndarray:
        return np.hypot(self.u, self.v)

    @property
    def angle(self) -> np.ndarray:
        return np.arctan2(self.v, self.u)

    def light(self) -> np.ndarray:
        """How bright each place is by the light, which comes from above and one side."""
        side = self.rng.uniform(-0.8, 0.8)
        return np.clip(0.9 - 0.22 * self.v + 0.18 * side * self.u, 0.4, 1.25)


ColourAndAlpha = tuple[np.ndarray, np.ndarray]
"""Colour `(H, W, 3)` and cover `(H, W)`, both 0..1."""


def shots(kind: str, count: int = SHOTS, seed: int = 0) -> list[SamplePicture]:
    """Examples of a kind."""
    return [_picture(kind, f"{kind} {number + 1}.png", [seed, 0, _place(kind), number]) for number in range(count)]


def queries(count: int = QUERIES, seed: int = 0) -> list[SamplePicture]:
    """`count` new pictures of each kind, with names that do not tell it, then some things that are none of them."""
    made: list[SamplePicture] = []
    for number in range(count):
        for kind in SENTENCES:
            made.append(_picture(kind, f"question {len(made) + 1}.png", [seed, 1, _place(kind), number]))
    for number in range(STRANGERS):
        name = f"question {len(made) + 1}.png"
        stranger = list(_STRANGERS)[number % len(_STRANGERS)]
        made.append(SamplePicture(name, "", _render(_STRANGERS[stranger], [seed, 2, number])))
    return made


def write_sample(folder: Path, count: int = SHOTS, seed: int = 0) -> None:
    """Into a new folder: `shots/<kind>/`, `questions/`, `classes.txt` as the command line takes them, `shots.zip`."""
    for picture in _all_shots(count, seed):
        place = folder / "shots" / picture.kind / picture.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture.png())
    (folder / "questions").mkdir()
    for picture in queries(seed=seed):
        (folder / "questions" / picture.name).write_bytes(picture.png())
    (folder / "classes.txt").write_text("".join(f"{kind}: {said}\n" for kind, said in SENTENCES.items()))
    with zipfile.ZipFile(folder / "shots.zip", "w") as bundle:
        for path in sorted((folder / "shots").glob("*/*")):
            bundle.write(path, path.relative_to(folder / "shots"))


def _all_shots(count: int, seed: int) -> Iterator[SamplePicture]:
    for kind in SENTENCES:
        yield from shots(kind, count, seed)


def _place(kind: str) -> int:
    return list(SENTENCES).index(kind)


def _picture(kind: str, name: str, seed: list[int]) -> SamplePicture:
    return SamplePicture(name, kind, _render(_KINDS[kind], seed))


def _render(draw: Callable[[Grid], ColourAndAlpha], seed: list[int]) -> np.ndarray:
    """The thing over its background `(SIDE, SIDE, 3)` uint8."""
    rng = np.random.default_rng(seed)
    side = SIDE * SUPERSAMPLING
    behind = _background(side, rng)
    across, down = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    size, turn = rng.uniform(0.52, 0.74), rng.uniform(-0.45, 0.45)
    x, y = (across - rng.uniform(-0.16, 0.16)) / size, (down - rng.uniform(-0.16, 0.16)) / size
    cos, sin = np.cos(turn), np.sin(turn)
    colour, cover = draw(Grid(floats(cos * x + sin * y), floats(cos * y - sin * x), rng))
    shadow = cv2.GaussianBlur(floats(cover), (0, 0), side / 40)
    drop = floats([[1, 0, 0.01 * side], [0, 1, 0.035 * side]])
    behind = behind * (1 - 0.45 * cv2.warpAffine(shadow, drop, (side, side)))[..., None]
    picture = behind * (1 - cover[..., None]) + colour * cover[..., None]
    picture = picture + 0.012 * rng.standard_normal((side, side, 1))
    small = cv2.resize(floats(picture), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)


def _background(side: int, rng: np.random.Generator) -> np.ndarray:
    """Two muted colours mixed by smooth noise, as a table, a lawn or a cloth out of focus."""
    hue = rng.random()
    one = _colour(hue, rng.uniform(0.05, 0.3), rng.uniform(0.45, 0.9))
    two = _colour(hue + rng.uniform(-0.12, 0.12), rng.uniform(0.05, 0.35), rng.uniform(0.35, 0.85))
    mix = fractal(side, side, rng, octaves=int(rng.integers(3, 7)), first=int(rng.integers(2, 7)))[..., None]
    return one * (1 - mix) + two * mix


def _colour(hue: float, saturation: float, value: float) -> np.ndarray:
    return floats(colorsys.hsv_to_rgb(hue % 1, saturation, value))


def _inside(distance: np.ndarray, soft: float = EDGE) -> np.ndarray:
    """1 where `distance` to the outline is negative, 0 where it is positive, soft between."""
    return floats(np.clip(0.5 - distance / (2 * soft), 0, 1))


def _ball(grid: Grid) -> ColourAndAlpha:
    """A shaded sphere; most have stripes."""
    rng = grid.rng
    hue = rng.random()
    one, two = _colour(hue, rng.uniform(0.55, 0.9), 0.85), _colour(hue + rng.uniform(0.3, 0.6), 0.5, 0.95)
    stripes = _inside(np.cos(grid.v * rng.uniform(5, 9) + 0.8 * grid.u**2), 0.12)[..., None]
    base = one * (1 - stripes) + two * stripes if rng.random() < 0.75 else np.broadcast_to(one, (*grid.u.shape, 3))
    height = np.sqrt(np.clip(1 - grid.radius**2, 0, 1))
    shade = np.clip(0.35 + 0.75 * height - 0.25 * grid.v - 0.15 * grid.u, 0.15, 1.2)[..., None]
    shine = np.exp(-((grid.u + 0.35) ** 2 + (grid.v + 0.4) ** 2) / 0.025)[..., None]
    return base * shade * (1 - 0.7 * shine) + 0.7 * shine, _inside(grid.radius - 1)


def _box(grid: Grid) -> ColourAndAlpha:
    """A cube seen from a corner: three faces of different brightness, with grain."""
    rng = grid.rng
    wood = _colour(rng.uniform(0.04, 0.14), rng.uniform(0.3, 0.65), rng.uniform(0.55, 0.9))
    third = grid.angle / (2 * np.pi / 3) + 0.75  # the edges between faces run from the middle
    face = np.floor(third).astype(int) % 3
    hexagon = grid.radius * np.cos((grid.angle + np.pi / 2) % (np.pi / 3) - np.pi / 6)
    grain = 0.88 + 0.2 * cv2.resize(rng.random((64, 4), dtype=np.float32), grid.u.shape[::-1])
    shade = floats([0.62, 0.84, 1.1])[face] * grain
    seam = np.abs(third - np.rint(third)) * grid.radius * 2
    shade = np.where((seam < 0.025) | (hexagon > 0.81), shade * 0.6, shade)
    return wood * shade[..., None], _inside(hexagon - 0.86)


def _leaf(grid: Grid) -> ColourAndAlpha:
    """Two arcs that meet in points, with a rib and veins; green or of autumn."""
    rng = grid.rng
    hue = rng.choice([rng.uniform(0.24, 0.36), rng.uniform(0.02, 0.13)])
    base = _colour(hue, rng.uniform(0.5, 0.85), rng.uniform(0.45, 0.8))
    width = rng.uniform(0.42, 0.6)
    outline = np.abs(grid.u) - width * np.clip(1 - grid.v**2, 0, 1) * (1 + 0.25 * grid.v)
    outline = np.where(np.abs(grid.v) > 1, 1.0, outline)
    veins = np.abs(np.sin((grid.v + 0.9 * np.abs(grid.u)) * rng.uniform(11, 15)))
    lines = np.clip(1 - veins / 0.22, 0, 1) * 0.6
    rib = np.clip(1 - np.abs(grid.u) / 0.035, 0, 1)
    pale = np.maximum(lines, rib)[..., None]
    stalk = _inside(np.maximum(np.abs(grid.u) - 0.035, np.abs(grid.v - 1.1) - 0.2))
    colour = base * grid.light()[..., None] * (1 - 0.45 * pale) + 0.45 * pale * (0.5 + 0.5 * base)
    return colour, np.maximum(_inside(outline), stalk)


def _mushroom(grid: Grid) -> ColourAndAlpha:
    """A cap with dots on a pale stem."""
    rng = grid.rng
    cap_colour = _colour(
        rng.choice([rng.uniform(0.96, 1.03), rng.uniform(0.05, 0.1), rng.uniform(0.7, 0.8)]), 0.7, 0.78
    )
    bulge = rng.uniform(0.75, 0.95)
    cap = np.maximum(np.hypot(grid.u, (grid.v + 0.1) / bulge) - 1, grid.v - 0.12)
    stem = np.maximum(np.abs(grid.u) - 0.24 - 0.12 * np.clip(grid.v, 0, 1) ** 2, np.abs(grid.v - 0.5) - 0.5)
    dots = np.zeros_like(grid.u)
    for _ in range(int(rng.integers(6, 11))):
        across, up, size = rng.uniform(-0.8, 0.8), rng.uniform(-0.85, 0.0), rng.uniform(0.07, 0.15)
        dots = np.maximum(dots, _inside(np.hypot(grid.u - across, grid.v - up) - size))
    round_ = np.clip(1.05 - 0.35 * grid.u - 0.5 * (grid.v + 0.5), 0.45, 1.25)[..., None]
    on_cap = (cap_colour * (1 - dots[..., None]) + 0.95 * dots[..., None]) * round_
    on_stem = _colour(0.11, 0.14, 0.93) * np.clip(1.0 - 0.7 * grid.u - 0.12 * grid.v, 0.4, 1.1)[..., None]
    cover = _inside(cap)
    return on_cap * cover[..., None] + on_stem * (1 - cover[..., None]), np.maximum(cover, _inside(stem))


def _ring(grid: Grid) -> ColourAndAlpha:
    """A torus of metal seen from above or a little from the side."""
    rng = grid.rng
    metal = _colour(rng.choice([0.12, 0.58, 0.06]), rng.uniform(0.1, 0.5), rng.uniform(0.75, 0.95))
    squeeze, thick = rng.uniform(0.72, 1.0), rng.uniform(0.16, 0.27)
    radius = np.hypot(grid.u, grid.v / squeeze)
    across = (radius - (1 - thick)) / thick  # -1 at the hole, 1 at the rim
    round_ = np.sqrt(np.clip(1 - across**2, 0, 1))
    gleam = 0.5 + 0.5 * np.cos(grid.angle * 2 + rng.uniform(0, 6))
    shade = np.clip(0.3 + 0.6 * round_ - 0.2 * across * np.sin(grid.angle) + 0.45 * gleam * round_**4, 0.1, 1.3)
    return metal * shade[..., None], _inside(np.abs(across) - 1, EDGE / thick)


def _star(grid: Grid) -> ColourAndAlpha:
    """Five points, each folded along its middle."""
    rng = grid.rng
    base = _colour(rng.random(), rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.95))
    wedge = (grid.angle + np.pi / 2) % (2 * np.pi / 5) - np.pi / 5
    inner = rng.uniform(0.38, 0.5)
    tip, notch = np.pi / 5 - np.abs(wedge), np.pi / 5
    # The straight line from a tip (radius 1 at angle 0) to a notch (radius `inner` at angle `notch`).
    line = inner * np.sin(notch) / (inner * np.sin(notch - tip) + np.sin(tip))
    shade = np.where(wedge > 0, 1.08, 0.78) * (1 - 0.12 * grid.radius)
    return base * (shade * grid.light())[..., None], _inside(grid.radius - line)


def _spiral(grid: Grid) -> ColourAndAlpha:
    rng = grid.rng
    base = _colour(rng.random(), 0.6, 0.6)
    wave = np.cos(grid.angle + grid.radius * rng.uniform(14, 18))
    return np.broadcast_to(base, (*grid.u.shape, 3)), _inside(wave - 0.1, 0.2) * _inside(grid.radius - 1.05)


def _cloth(grid: Grid) -> ColourAndAlpha:
    """A checked cloth that fills the picture."""
    rng = grid.rng
    one, two = _colour(rng.random(), 0.6, 0.8), _colour(rng.random(), 0.25, 0.95)
    check = 0.5 * _inside(np.cos(grid.u * 9), 0.15) + 0.5 * _inside(np.cos(grid.v * 9), 0.15)
    return one * check[..., None] + two * (1 - check[..., None]), np.ones_like(grid.u)


_KINDS: Mapping[str, Callable[[Grid], ColourAndAlpha]] = {
    "ball": _ball,
    "box": _box,
    "leaf": _leaf,
    "mushroom": _mushroom,
    "ring": _ring,
    "star": _star,
}
_STRANGERS: Mapping[str, Callable[[Grid], ColourAndAlpha]] = {"spiral": _spiral, "cloth": _cloth}
