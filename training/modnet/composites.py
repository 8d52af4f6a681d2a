"""Pictures of people made on the fly: a framing, a background, and what cameras and networks do to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.modnet.people import People, Person

SHAPES = ((9, 16), (1, 1), (4, 3))
SHAPE_ODDS = (0.55, 0.3, 0.15)
"""Height to width of a batch, and how often: webcams lie on their side."""

SCENES = {"portraits": 0.3, "unlabelled_office": 0.25, "street": 0.25, "unlabelled_portraits": 0.2}
UNLABELLED = {"unlabelled_office": 0.6, "unlabelled_portraits": 0.4}
PLACED = {"catalogue": 0.45, "street": 0.2, "cutouts": 0.15, "portraits": 0.1, "unlabelled_portraits": 0.1}
SCENE, SWAPPED, EMPTY, SECOND = 0.5, 0.12, 0.02, 0.08
"""How often a photograph as it is, one with its background swapped, nobody at all, and a second person behind."""

HEAD_FIRST = 0.7
"""How often a crop begins at the head: a body without one is rare before a camera."""

CHANNELS = 6
"""Of a sample, all uint8: RGB, alpha, boundary, and how far the person's colour is from the background's."""


@dataclass(frozen=True)
class Layer:
    """A person on the canvas: `colours` `(h, w, 3)` and `alpha` `(h, w)` float32 in 0..1."""

    colours: np.ndarray
    alpha: np.ndarray


def canvas_size(rng: np.random.Generator, area: int) -> tuple[int, int]:
    """(height, width) of about `area` pixels, multiples of 32."""
    h, w = SHAPES[rng.choice(len(SHAPES), p=SHAPE_ODDS)]
    height = round((area * h / w) ** 0.5 / 32) * 32
    return height, round(area / height / 32) * 32


class Composer:
    """Samples from the people of a store."""

    def __init__(self, people: People, seed: int) -> None:
        self.people = people
        self.rng = np.random.default_rng(seed)
        self._of = {kind: people.of(kind) for kind in {*SCENES, *PLACED, "backgrounds"}}

    def batch(self, count: int, area: int) -> np.ndarray:
        """`(count, h, w, 6)` uint8 of one size for all."""
        size = canvas_size(self.rng, area)
        return np.stack([self.sample(size) for _ in range(count)])

    def unlabelled(self, count: int, area: int) -> np.ndarray:
        """`(count, h, w, 3)` uint8: photographs as they are, of people whose mattes nobody drew."""
        size = canvas_size(self.rng, area)
        people = [self._person(UNLABELLED) for _ in range(count)]
        shown = [_warped(p.photo, p.alpha, self._cropping(p, size), size).colours for p in people]
        return np.stack([spoil(picture, self.rng) for picture in shown])

    def sample(self, size: tuple[int, int]) -> np.ndarray:
        """One picture `(h, w, 6)`, see CHANNELS."""
        chance = self.rng.random()
        if chance < EMPTY:
            picture, alpha = self._background(size), np.zeros(size, np.float32)
            contrast = alpha
        elif chance < EMPTY + SCENE:
            person = self._person(SCENES)
            layer = _warped(person.photo, person.alpha, self._cropping(person, size), size)
            # Which colours are the person's own is only guessed here, so there is nothing to hold a composite to.
            picture, alpha, contrast = layer.colours, layer.alpha, np.zeros(size, np.float32)
        else:
            picture, alpha, contrast = self._composite(size, swapped=chance < EMPTY + SCENE + SWAPPED)
        picture = spoil(picture, self.rng)
        planes = [_bytes(255 * alpha), boundary(alpha), _bytes(contrast)]
        return np.dstack([picture, *planes])

    def _composite(self, size: tuple[int, int], swapped: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        behind = self._background(size)
        if swapped:
            person = self._person(SCENES)
            layer = _warped(person.colours, person.alpha, self._cropping(person, size), size)
            layers = [layer]
        else:
            layers = [self._placed(size) for _ in range(1 + (self.rng.random() < SECOND))]
        picture, alpha = behind, np.zeros(size, np.float32)
        for layer in layers:
            fore = self._lit(layer.colours, behind)
            contrast = cv2.cvtColor(np.abs(fore - picture), cv2.COLOR_RGB2GRAY)
            a = layer.alpha[..., None]
            picture = a * fore + (1 - a) * picture
            alpha = 1 - (1 - alpha) * (1 - layer.alpha)
        return picture, alpha, contrast

    def _person(self, odds: dict[str, float]) -> Person:
        kinds, weights = list(odds), np.array(list(odds.values()))
        items = self._of[kinds[self.rng.choice(len(kinds), p=weights / weights.sum())]]
        return self.people[items[self.rng.integers(len(items))]]

    def _placed(self, size: tuple[int, int]) -> Layer:
        """A person of whom some part, from head and shoulders to all, stands on the lower edge of the canvas."""
        person = self._person(PLACED)
        height, width = size
        left, top, w, h = cv2.boundingRect((person.alpha > 64).astype(np.uint8))
        upright = h > 1.6 * w
        least = 0.25 if upright else 0.5
        part = least + (1 - least) * self.rng.random() ** (1.6 if upright else 1.0)
        cut = part < 0.97 or top + h >= person.item.height - 2
        tall = self.rng.uniform(0.55, 0.97) * height
        scale = min(tall / (part * h), 1.3 * width / w, 3.2)
        foot = height * (1.03 if cut else self.rng.uniform(0.85, 1.0))
        centre = width * (0.5 + 0.3 * self.rng.triangular(-1, 0, 1))
        matrix = self._transform(scale, (left + w / 2, top + part * h), (centre, foot))
        return _warped(person.colours, person.alpha, matrix, size)

    def _transform(self, scale: float, source: tuple[float, float], target: tuple[float, float]) -> np.ndarray:
        """The map `(2, 3)` that scales, turns and perhaps mirrors about `source`, which lands on `target`."""
        angle = np.deg2rad(self.rng.normal(0, 4))
        mirror = self.rng.choice((-1, 1))
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[mirror * cos, -sin], [mirror * sin, cos]])
        return np.column_stack([linear, np.array(target) - linear @ np.array(source)])

    def _cropping(self, person: Person, size: tuple[int, int]) -> np.ndarray:
        """The map that shows a part of the photograph with much of the person in it, somewhat stretched at times."""
        height, width = person.alpha.shape
        stretch = np.exp(self.rng.uniform(-0.12, 0.12))
        most = min(height / size[0], stretch * width / size[1])
        scale = most * self.rng.uniform(0.6, 1.0) if self.rng.random() < 0.6 else most
        h, w = scale * size[0], scale * size[1] / stretch
        spots = self.rng.random((3, 2)) * (height - h, width - w)
        if self.rng.random() < HEAD_FIRST:
            crown = int(np.argmax((person.alpha > 127).any(axis=1)))
            spots[:, 0] = np.clip(crown - self.rng.uniform(0, 0.25, 3) * h, 0, height - h)
        seen = [person.alpha[int(y) : int(y + h), int(x) : int(x + w)].mean() for y, x in spots]
        y, x = spots[int(np.argmax(seen))]
        mirror = self.rng.choice((-1, 1))
        across = size[1] / w
        shift = -x * across if mirror > 0 else size[1] + x * across
        return np.array([[mirror * across, 0, shift], [0, 1 / scale, -y / scale]])

    def _background(self, size: tuple[int, int]) -> np.ndarray:
        """`(h, w, 3)` float32 in 0..255, sometimes out of focus."""
        if self.rng.random() < 0.06:
            ends = self.rng.uniform(0, 255, (2, 1, 1, 3)).astype(np.float32)
            ramp = np.linspace(0, 1, size[1], dtype=np.float32)[None, :, None]
            return np.broadcast_to(ends[0] + ramp * (ends[1] - ends[0]), (*size, 3)).astype(np.float32)
        items = self._of["backgrounds"]
        person = self.people[items[self.rng.integers(len(items))]]
        picture = _warped(person.photo, person.alpha, self._cropping(person, size), size).colours
        if self.rng.random() < 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), self.rng.uniform(0.6, 4))
        return _toned(picture, self.rng, 0.25)

    def _lit(self, colours: np.ndarray, behind: np.ndarray) -> np.ndarray:
        """The person in light of their own, or in that of the background."""
        if self.rng.random() < 0.5:
            pull = self.rng.uniform(0, 0.6)
            light = (behind.mean(axis=(0, 1)) + 20) / (colours.mean(axis=(0, 1)) + 20)
            colours = colours * light**pull
        return np.clip(_toned(colours, self.rng, 0.2), 0, 255)


def _warped(colours: np.ndarray, alpha: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> Layer:
    """Both through one map, filtered first where it makes them much smaller."""
    height, width = size
    shrink = 1 / max(1e-6, abs(np.linalg.det(matrix[:, :2])) ** 0.5)
    if shrink > 1.6:
        small = (max(2, round(colours.shape[1] / shrink)), max(2, round(colours.shape[0] / shrink)))
        factors = np.array([colours.shape[1] / small[0], colours.shape[0] / small[1]])
        matrix = np.column_stack([matrix[:, :2] * factors, matrix[:, 2]])
        colours, alpha = (cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in (colours, alpha))
    drawn = cv2.warpAffine(
        np.ascontiguousarray(colours), matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    shape = cv2.warpAffine(np.ascontiguousarray(alpha), matrix, (width, height), flags=cv2.INTER_LINEAR)
    return Layer(drawn.astype(np.float32), shape.astype(np.float32) / 255)


def boundary(alpha: np.ndarray) -> np.ndarray:
    """Where the detail is judged: a band around the edge, as wide as the paper's at its size; 255 or 0."""
    reach = 2 * max(2, round(0.02 * max(alpha.shape))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.where((cv2.dilate(alpha, kernel) > 0.05) & (cv2.erode(alpha, kernel) < 0.95), 255, 0).astype(np.uint8)


def _toned(picture: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Each colour brighter or darker, and all of them together."""
    return picture * np.exp(rng.normal(0, strength) + rng.normal(0, strength / 3, 3)).astype(np.float32)


def spoil(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`(h, w, 3)` float32 to uint8 as a camera might have it: tone, low light, blur, sharpening, noise, JPEG."""
    chance = rng.random(8)
    if chance[0] < 0.5:
        picture = _toned(picture, rng, 0.18)
    if chance[1] < 0.25:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
        picture = grey + (picture - grey) * (0.0 if chance[1] < 0.04 else rng.uniform(0.4, 1.5))
    if chance[2] < 0.25:
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** np.exp(rng.normal(0.1, 0.35))
    if chance[3] < 0.15:
        height, width = picture.shape[:2]
        scale = rng.uniform(0.4, 0.9)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    elif chance[3] < 0.35:
        picture = picture + rng.uniform(0.3, 1.5) * (picture - cv2.GaussianBlur(picture, (0, 0), 1.2))
    if chance[4] < 0.05:
        length = int(rng.integers(3, 8))
        line = np.ones((1, length), np.float32) / length
        picture = cv2.filter2D(picture, -1, line if chance[5] < 0.7 else line.T)
    if chance[6] < 0.2:
        noise = rng.normal(0, rng.uniform(2, 14), picture.shape[:2]).astype(np.float32)
        picture = picture + noise[..., None]
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if chance[7] < 0.2:
        _, coded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        shown = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return shown


def _bytes(plane: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(plane, 0, 255)).astype(np.uint8)
