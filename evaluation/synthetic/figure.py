"""The person of the sample clip: head, loose hair, shoulders and an arm that waves, drawn in layers back to front."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evaluation.synthetic.canvas import Canvas, limb, oval, rotation, smooth
from evaluation.synthetic.scenery import floats, fractal

SKIN = floats([0.87, 0.66, 0.54])
HAIR = floats([0.30, 0.18, 0.11])
SHIRT = floats([0.20, 0.34, 0.55])
STRANDS = 260
LIGHT = floats([-0.45, -0.55, 0.70])


@dataclass(frozen=True)
class Outfit:
    """The colours that tell one person from another, each `(3,)` in 0..1."""

    shirt: np.ndarray = field(default_factory=lambda: SHIRT)
    hair: np.ndarray = field(default_factory=lambda: HAIR)


@dataclass(frozen=True)
class Pose:
    """Angles in radians, shifts in heights of the head. `wind` moves the hair, `mouth` opens from 0 to 1."""

    sway: float = 0.0
    nod: float = 0.0
    wave: float = 0.0
    wind: float = 0.0
    mouth: float = 0.0
    blink: bool = False

    @classmethod
    def at(cls, seconds: float) -> Pose:
        """The pose at that time: slow swaying, a wave each second or so, blinking now and then."""
        turn = 2 * np.pi * seconds
        return cls(
            sway=0.10 * np.sin(0.31 * turn) + 0.03 * np.sin(0.83 * turn),
            nod=0.04 * np.sin(0.57 * turn + 1),
            wave=0.38 * np.sin(1.05 * turn),
            wind=turn * 0.45,
            mouth=max(0.0, float(np.sin(2.3 * turn) * np.sin(0.4 * turn))),
            blink=seconds % 2.7 > 2.58,
        )


class Figure:
    """Draws one pose. All lengths are in heights of the head (`unit` pixels), from the middle of the face."""

    def __init__(self, width: int, height: int, pose: Pose, seed: int, outfit: Outfit) -> None:
        self.outfit = outfit
        self.canvas = Canvas(width, height)
        self.pose, self.seed = pose, seed
        self.unit = height * 0.36
        self.neck = floats([width * 0.47 + pose.sway * 0.35 * self.unit, height * 0.66])
        self.head = self.neck + self.unit * floats([pose.sway * 0.55, -0.62 + pose.nod])
        self.tilt = pose.sway * 0.6
        grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x, self._y = grid_x, grid_y
        self.cloth = fractal(height, width, np.random.default_rng([seed, 2]), 5, 6)

    def at(self, *points: tuple[float, float], of: np.ndarray | None = None, tilt: float = 0.0) -> np.ndarray:
        """Points in heights of the head around `of` (the head) as pixels."""
        centre = self.head if of is None else of
        return (floats(points) * self.unit @ rotation(tilt).T + centre).astype(np.float32)

    def ball(self, centre: np.ndarray, across: float, down: float) -> np.ndarray:
        """How a ball is lit, `(H, W)`: about 1 facing the light, less away from it."""
        x, y = (self._x - centre[0]) / (across * self.unit), (self._y - centre[1]) / (down * self.unit)
        z = np.sqrt(np.maximum(0.03, 1 - x * x - y * y))
        lit = np.clip((x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2]) / np.sqrt(x * x + y * y + z * z), 0, 1)
        return 0.66 + 0.46 * lit

    def draw(self) -> np.ndarray:
        self.hair_behind()
        self.torso()
        self.arm()
        self.face()
        self.hair_before()
        return self.canvas.pixels

    def torso(self) -> None:
        base = self.neck
        down = (self.canvas.pixels.shape[0] - base[1]) / self.unit + 0.3
        folds = 0.80 + 0.34 * self.cloth + 0.16 * np.sin(self._x / self.unit * 9 + 5 * self.cloth)
        shade = folds * (1.08 - 0.30 * (self._x - base[0]) / self.unit)
        shirt = smooth(
            [
                (-0.30, 0.02),
                (-0.78, 0.20),
                (-1.02, 0.62),
                (-1.02, down),
                (1.02, down),
                (1.02, 0.62),
                (0.78, 0.20),
                (0.30, 0.02),
            ]
        )
        self.canvas.polygon(self.at(*map(tuple, shirt), of=base), self.outfit.shirt, shade)
        skin = self.ball(base + floats([0, -0.1 * self.unit]), 0.5, 0.5) * 0.86
        throat = smooth(
            [(-0.20, -0.40), (-0.21, -0.08), (-0.30, 0.03), (0.0, 0.30), (0.30, 0.03), (0.21, -0.08), (0.20, -0.40)]
        )
        self.canvas.polygon(self.at(*map(tuple, throat), of=base), SKIN, skin)
        collar = [(-0.32, 0.0), (-0.12, 0.22), (0.0, 0.31), (0.12, 0.22), (0.32, 0.0)]
        self.canvas.line(self.at(*collar, of=base), self.outfit.shirt * 0.6, max(2, round(self.unit * 0.035)))

    def arm(self) -> None:
        """Raised beside the head, waving from the elbow."""
        shoulder = self.at((0.84, 0.40), of=self.neck)[0]
        elbow = shoulder + self.unit * floats([0.62, 0.34])
        angle = -np.pi / 2 + 0.12 + self.pose.wave
        reach = floats([np.cos(angle), np.sin(angle)])
        wrist = elbow + self.unit * 0.86 * reach
        folds = 0.78 + 0.42 * self.cloth
        self.canvas.polygon(limb(shoulder, elbow, 0.25 * self.unit, 0.19 * self.unit), self.outfit.shirt, folds)
        self.canvas.polygon(
            limb(elbow, elbow + 0.42 * self.unit * reach, 0.19 * self.unit, 0.165 * self.unit),
            self.outfit.shirt,
            folds * 1.06,
        )
        lit = self.ball(wrist, 0.6, 0.6)
        self.canvas.polygon(
            limb(elbow + 0.40 * self.unit * reach, wrist, 0.125 * self.unit, 0.095 * self.unit), SKIN, lit
        )
        palm = wrist + 0.17 * self.unit * reach
        self.canvas.polygon(oval(palm, 0.19 * self.unit, 0.155 * self.unit, angle), SKIN, lit)
        for spread, length in ((-0.62, 0.32), (-0.2, 0.41), (0.16, 0.43), (0.52, 0.38)):
            tip_angle = angle + spread * 0.55
            tip = floats([np.cos(tip_angle), np.sin(tip_angle)])
            across = floats([-reach[1], reach[0]])
            root = palm + self.unit * (0.09 * tip + 0.20 * spread * across)
            self.canvas.polygon(
                limb(root, root + length * self.unit * tip, 0.050 * self.unit, 0.040 * self.unit),
                SKIN,
                lit * (0.97 - 0.10 * spread),
            )
        thumb = floats([np.cos(angle - 1.15), np.sin(angle - 1.15)])
        self.canvas.polygon(limb(palm, palm + 0.29 * self.unit * thumb, 0.07 * self.unit, 0.048 * self.unit), SKIN, lit)

    def face(self) -> None:
        head, unit, tilt = self.head, self.unit, self.tilt
        lit = self.ball(head, 0.50, 0.62)
        for side in (-1, 1):
            self.canvas.polygon(
                oval(self.at((0.375 * side, 0.05), tilt=tilt)[0], 0.06 * unit, 0.11 * unit, tilt), SKIN * 0.88, lit
            )
        jaw = smooth(
            [
                (0, -0.52),
                (0.26, -0.43),
                (0.375, -0.15),
                (0.35, 0.13),
                (0.22, 0.40),
                (0, 0.50),
                (-0.22, 0.40),
                (-0.35, 0.13),
                (-0.375, -0.15),
                (-0.26, -0.43),
            ]
        )
        self.canvas.polygon(self.at(*map(tuple, jaw), tilt=tilt), SKIN, lit)
        for side in (-1, 1):
            self.canvas.polygon(
                oval(self.at((0.20 * side, 0.17), tilt=tilt)[0], 0.085 * unit, 0.06 * unit),
                SKIN * floats([1.0, 0.95, 0.94]),
                lit,
            )
            self.eye(side)
        nose = [(0.015, -0.02), (0.045, 0.12), (0.01, 0.155), (-0.04, 0.135)]
        self.canvas.line(self.at(*nose, tilt=tilt), SKIN * 0.72, max(1, round(unit * 0.014)))
        open_by = 0.012 + 0.05 * self.pose.mouth
        self.canvas.polygon(
            oval(self.at((0, 0.285), tilt=tilt)[0], 0.115 * unit, open_by * unit + 0.018 * unit, tilt),
            floats([0.72, 0.36, 0.34]),
        )
        self.canvas.polygon(
            oval(self.at((0, 0.285), tilt=tilt)[0], 0.085 * unit, open_by * unit, tilt), floats([0.35, 0.12, 0.12])
        )

    def eye(self, side: int) -> None:
        unit, tilt = self.unit, self.tilt
        middle = self.at((0.155 * side, -0.03), tilt=tilt)[0]
        if self.pose.blink:
            self.canvas.line(
                self.at((0.155 * side - 0.06, -0.02), (0.155 * side, -0.008), (0.155 * side + 0.06, -0.02), tilt=tilt),
                SKIN * 0.45,
                max(1, round(unit * 0.016)),
            )
        else:
            self.canvas.polygon(oval(middle, 0.066 * unit, 0.036 * unit, tilt), floats([0.95, 0.94, 0.92]))
            self.canvas.polygon(oval(middle, 0.033 * unit, 0.034 * unit), floats([0.25, 0.33, 0.30]))
            self.canvas.polygon(oval(middle, 0.015 * unit, 0.016 * unit), floats([0.03, 0.03, 0.03]))
            self.canvas.line(
                self.at((0.155 * side - 0.07, -0.04), (0.155 * side, -0.072), (0.155 * side + 0.07, -0.04), tilt=tilt),
                self.outfit.hair * 0.6,
                max(1, round(unit * 0.013)),
            )
        brow = [(0.155 * side - 0.09, -0.125), (0.155 * side, -0.155), (0.155 * side + 0.09, -0.125)]
        self.canvas.line(self.at(*brow, tilt=tilt), self.outfit.hair, max(1, round(unit * 0.026)))

    def hair_behind(self) -> None:
        mass = smooth(
            [
                (0, -0.68),
                (0.38, -0.52),
                (0.50, -0.10),
                (0.47, 0.36),
                (0.30, 0.60),
                (0, 0.62),
                (-0.30, 0.60),
                (-0.47, 0.36),
                (-0.50, -0.10),
                (-0.38, -0.52),
            ]
        )
        self.canvas.polygon(self.at(*map(tuple, mass), tilt=self.tilt), self.outfit.hair * 0.75)
        self.strands(0.10, 0.52, 1.0)

    def hair_before(self) -> None:
        fringe = smooth(
            [
                (0, -0.70),
                (0.30, -0.62),
                (0.46, -0.30),
                (0.47, 0.10),
                (0.40, 0.12),
                (0.36, -0.14),
                (0.20, -0.33),
                (-0.06, -0.36),
                (-0.27, -0.26),
                (-0.37, -0.08),
                (-0.40, 0.12),
                (-0.47, 0.10),
                (-0.46, -0.30),
                (-0.30, -0.62),
            ]
        )
        gloss = 0.85 + 0.5 * np.clip(self.ball(self.head + floats([0, -0.25 * self.unit]), 0.7, 0.6) - 0.9, 0, 1) * 2.5
        self.canvas.polygon(self.at(*map(tuple, fringe), tilt=self.tilt), self.outfit.hair, gloss)
        self.locks()
        self.strands(-0.05, 0.10, 0.6)

    def locks(self) -> None:
        """Lighter and darker locks that fall from the parting to both sides."""
        rng = np.random.default_rng([self.seed, 4])
        along = np.linspace(0, 1, 10, dtype=np.float32)
        for _ in range(150):
            side = rng.choice([-1.0, 1.0])
            far, start = rng.uniform(0.12, 1.0), rng.uniform(-0.02, 0.08)
            across = 0.06 + side * (start + 0.40 * far * np.sin(along * np.pi / 2))
            down = -0.67 + 0.06 * along + (0.10 + 0.62 * far) * along**2.2 * (0.45 + 0.55 * far)
            colour = self.outfit.hair * floats(rng.uniform(0.65, 1.55))
            path = np.stack([across, down], axis=1)
            self.canvas.line(self.at(*map(tuple, path), tilt=self.tilt), colour, 2, rng.uniform(0.15, 0.45))

    def strands(self, low: float, length: float, strength: float) -> None:
        """Single hairs that leave the mass, bend in the wind and grow thin."""
        rng = np.random.default_rng([self.seed, 3, round(100 * length)])
        along = np.linspace(0, 1, 9, dtype=np.float32)
        for _ in range(STRANDS):
            angle = (
                rng.uniform(-np.pi * 1.02, np.pi * 0.02)
                if rng.random() < 0.6
                else rng.choice([-np.pi, 0]) + rng.uniform(-0.7, 0.7)
            )
            root = floats([0.46 * np.cos(angle), 0.62 * np.sin(angle) - 0.04])
            reach, curl = rng.uniform(0.04, 0.20) + 0.1 * low, rng.uniform(-0.8, 0.8)
            drop = length * rng.uniform(0.3, 1.0) * (1.0 if abs(np.cos(angle)) > 0.5 else 0.25)
            swing = 0.05 * np.sin(self.pose.wind + rng.uniform(0, 6.3)) + 0.02 * np.sin(
                2.7 * self.pose.wind + rng.uniform(0, 6.3)
            )
            out = floats([np.cos(angle), np.sin(angle)])
            bend = along[:, None] ** 2 * floats([swing + 0.1 * curl * out[1], drop])
            path = (
                root + along[:, None] * reach * out + bend + 0.015 * np.sin(along * 6 + curl * 4)[:, None] * out[::-1]
            )
            colour = self.outfit.hair * floats(rng.uniform(0.7, 1.7))
            self.canvas.line(self.at(*map(tuple, path), tilt=self.tilt), colour, 1, strength * rng.uniform(0.45, 1.0))


def draw_figure(width: int, height: int, pose: Pose, seed: int, outfit: Outfit | None = None) -> np.ndarray:
    """`(height, width, 4)` float32: colour times alpha and alpha, all in 0..1."""
    return Figure(width, height, pose, seed, outfit or Outfit()).draw()
