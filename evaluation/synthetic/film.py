"""A film of several scenes with cuts: two people, somebody who comes late, an empty room; every true alpha is known.

    film = make_film()
    film[12].alpha              # of everybody
    film[12].alone["left"]      # of one person, where nobody else is in front of them

Drawn as the sample clip is, by arithmetic at twice the size; the same arguments give the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from evaluation.synthetic.canvas import rotation
from evaluation.synthetic.clip import LENS_BLUR, SUPERSAMPLING, Recorder, to_bytes
from evaluation.synthetic.figure import Outfit, Pose, draw_figure
from evaluation.synthetic.scenery import Scenery, floats, fractal

BLUE, RED, GREEN = (
    Outfit(),
    Outfit(floats([0.62, 0.20, 0.17]), floats([0.62, 0.47, 0.25])),
    Outfit(floats([0.25, 0.48, 0.30]), floats([0.10, 0.08, 0.08])),
)


@dataclass(frozen=True)
class Actor:
    """Somebody in a scene.

    Attributes:
        name: of the person.
        outfit: what they wear.
        at: the middle of the body, as a share of the width, when the scene begins.
        size: of the figure, of the picture's height.
        pace: how far it walks in a second, in widths.
        enters: seconds after which it walks in from beyond the nearer side; 0 for who is there from the start.
        mirrored: waves with the other hand.
        later: seconds by which its movements run ahead of the others', so that no two people move alike.
    """

    name: str
    outfit: Outfit = field(default_factory=Outfit)
    at: float = 0.5
    size: float = 1.0
    pace: float = 0.0
    enters: float = 0.0
    mirrored: bool = False
    later: float = 0.0

    def middle(self, seconds: float) -> float:
        """Where the body is at that time, in widths; far outside before it enters."""
        if not self.enters:
            return self.at + self.pace * seconds
        outside = 1.5 if self.at >= 0.5 else -0.5
        walked = np.clip((seconds - self.enters) / 0.8, 0, 1)
        return outside + (self.at - outside) * float(walked)


@dataclass(frozen=True)
class Scene:
    """One take: so many frames, before a garden or a wall, with its people from back to front."""

    name: str
    frames: int
    people: tuple[Actor, ...] = ()
    garden: bool = True
    seed: int = 0


@dataclass(frozen=True)
class FilmFrame:
    """One frame: `rgb` `(H, W, 3)` uint8, `alpha` `(H, W)` float32 of everybody, `alone` the same of each by name."""

    rgb: np.ndarray
    alpha: np.ndarray
    alone: Mapping[str, np.ndarray]
    scene: str


SCENES = (
    Scene("one", 16, (Actor("guest", GREEN, 0.5, 1.0),), garden=False, seed=5),
    Scene("two", 40, (Actor("left", BLUE, 0.27, 0.86), Actor("right", RED, 0.74, 0.82, mirrored=True, later=1.3))),
    Scene("late", 32, (Actor("late", RED, 0.55, 0.95, enters=0.4),), garden=False, seed=7),
    Scene("empty", 12, (), garden=True, seed=9),
)


@dataclass(frozen=True)
class Film:
    """Scenes one after the other; each frame is drawn when it is asked for."""

    scenes: tuple[Scene, ...] = SCENES
    width: int = 480
    height: int = 270
    rate: Fraction = Fraction(24)

    def __len__(self) -> int:
        return sum(scene.frames for scene in self.scenes)

    def __iter__(self) -> Iterator[FilmFrame]:
        return (self[index] for index in range(len(self)))

    def span(self, name: str) -> range:
        """The frames of a scene."""
        begin = 0
        for scene in self.scenes:
            if scene.name == name:
                return range(begin, begin + scene.frames)
            begin += scene.frames
        raise KeyError(name)

    def __getitem__(self, index: int) -> FilmFrame:
        """Frame `index`; raises IndexError past the end."""
        begin = 0
        for scene in self.scenes:
            if index < begin + scene.frames:
                return self._draw(scene, float((index - begin) / self.rate))
            begin += scene.frames
        raise IndexError(index)

    def _draw(self, scene: Scene, seconds: float) -> FilmFrame:
        picture = _place(scene.garden, self.width, self.height, scene.seed, seconds)
        alone: dict[str, np.ndarray] = {}
        for actor in scene.people:
            layer = self._person(actor, scene.seed, seconds)  # (H, W, 4), premultiplied
            cover = 1 - layer[..., 3]
            picture = layer[..., :3] + cover[..., None] * picture
            alone = {name: alpha * cover for name, alpha in alone.items()} | {actor.name: layer[..., 3]}
        alpha = np.sum(list(alone.values()), axis=0) if alone else np.zeros((self.height, self.width), np.float32)
        return FilmFrame(to_bytes(picture), np.clip(alpha, 0, 1).astype(np.float32), alone, scene.name)

    def _person(self, actor: Actor, seed: int, seconds: float) -> np.ndarray:
        """Colour times alpha and alpha `(H, W, 4)` float32."""
        width, height = self.width * SUPERSAMPLING, self.height * SUPERSAMPLING
        layer = draw_figure(width, height, Pose.at(seconds + actor.later), seed, actor.outfit)
        if actor.mirrored:
            layer = np.ascontiguousarray(layer[:, ::-1])
        base = 0.47 if not actor.mirrored else 0.53  # where the figure stands on its own canvas
        shift = (actor.middle(seconds) - base * actor.size) * width
        place = floats([[actor.size, 0, shift], [0, actor.size, (1 - actor.size) * height]])
        layer = cv2.warpAffine(layer, place, (width, height), flags=cv2.INTER_LINEAR)
        layer = cv2.GaussianBlur(layer, (0, 0), LENS_BLUR * SUPERSAMPLING)
        small = cv2.resize(layer, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return np.where((small[..., 3] < 1 / 512)[..., None], 0, np.clip(small, 0, 1)).astype(np.float32)


def make_film(scenes: tuple[Scene, ...] = SCENES, width: int = 480, height: int = 270, rate: int = 24) -> Film:
    """A film of these scenes, whose true alphas are known."""
    return Film(scenes, width, height, Fraction(rate))


def write_film(film: Film, video: Path) -> None:
    """Save the film as an H.264 video."""
    write_frames((frame.rgb for frame in film), film, video)


def write_frames(pictures: Iterable[np.ndarray], film: Film, video: Path) -> None:
    """Save pictures `(H, W, 3)` uint8 of a film, drawn already, as an H.264 video."""
    with Recorder(video, "libx264", "yuv420p", (film.width, film.height), film.rate) as recorder:
        for picture in pictures:
            recorder.add(picture)


@cache
def _scenery(width: int, height: int, seed: int) -> Scenery:
    return Scenery(width, height, seed)


@cache
def _wall(width: int, height: int, seed: int) -> np.ndarray:
    """A room `(H, W, 3)` float32: a papered wall, a picture on it and a shelf of books."""
    rng = np.random.default_rng([seed, 11])
    paper = floats([0.78, 0.74, 0.66]) * (0.9 + 0.2 * fractal(height, width, rng, 5, 4)[..., None])
    picture = paper.copy()
    unit = height / 18
    frame = np.array([[0.62, 0.10], [0.90, 0.10], [0.90, 0.38], [0.62, 0.38]]) * (width, height)
    cv2.fillPoly(picture, [np.rint(frame @ rotation(0.0)).astype(np.int32)], (0.42, 0.30, 0.20))
    inner = frame + np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * unit * 0.6
    cv2.fillPoly(picture, [np.rint(inner).astype(np.int32)], (0.55, 0.66, 0.70))
    left = 0.03 * width
    while left < 0.30 * width:
        wide, high = rng.uniform(0.5, 1.1) * unit, rng.uniform(3.0, 4.4) * unit
        colour = tuple(float(part) for part in rng.uniform(0.15, 0.7, 3))
        corner = (round(left), round(0.42 * height - high))
        cv2.rectangle(picture, corner, (round(left + wide), round(0.42 * height)), colour, -1)
        left += wide + 0.08 * unit
    cv2.rectangle(
        picture,
        (round(0.02 * width), round(0.42 * height)),
        (round(0.31 * width), round(0.44 * height)),
        (0.45, 0.32, 0.22),
        -1,
    )
    return cv2.GaussianBlur(picture, (0, 0), height / 300)


def _place(garden: bool, width: int, height: int, seed: int, seconds: float) -> np.ndarray:
    """What is behind the people, `(H, W, 3)` float32 in 0..1."""
    return _scenery(width, height, seed).at(seconds) if garden else _wall(width, height, seed)
