"""Maps of reasons as boards: what is pinned of an answer, to be touched and heard on a stage and in a file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from studio.inside import hearing, trust
from studio.inside.attribution import Map
from studio.inside.hearing import Stretch
from studio.ui import opus
from viz.components import map_board
from viz.components.map_board import Axis, Board, Layer, layer
from viz.inside.picture import Area
from viz.inside.sound import TICKS, pitch
from viz.separation.palette import DECIBEL_FLOOR
from viz.separation.spectrogram import Spectrogram, log_mel

MAP, CONTROL = "The map", "A model that knows nothing"
PICTURE_SIDE, SPECTROGRAM_SIZE = 640, (800, 300)
KBITS = 96
GREY = 0.75
"""How far a picture below a map is without colour, so that its colours are not taken for those of the map."""


def on_picture(rgb: np.ndarray, found: Map, alt: str, area: Area | None = None) -> Board:
    """A map over a picture `(H, W, 3)` uint8; `area` is the place that is asked about."""
    values, x, y = found.on_picture()
    plain = rgb.astype(np.float32)
    grey = np.rint((1 - GREY) * plain + GREY * plain.mean(axis=2, keepdims=True)).astype(np.uint8)
    across, down = (Axis(edges=tuple(map_board.edges(places, 0, 1).tolist())) for places in (x, y))
    control = None if found.control is None else found.control.on_picture()[0]
    return Board(
        kind="cells", alt=alt, unit=found.unit, maps=_layers(values, control), picture=_picture(grey),
        aspect=rgb.shape[0] / rgb.shape[1], area=area, x=across, y=down, trust=_trust(found),
    )  # fmt: skip


def on_sound(sound: Stretch, found: Map, alt: str) -> Board:
    """A map over the spectrogram of a stretch of a song, with the song heard through it."""
    mix = log_mel(sound.samples, sound.rate, 400)
    frequency, time = found.axes["frequency"], found.axes["time"]
    values = found.arranged("frequency", "time")[::-1]  # the highest pitch on top
    control = None if found.control is None else found.control.arranged("frequency", "time")[::-1]
    low, high = float(mix.freqs[0]), float(mix.freqs[-1])
    octaves = np.log(np.clip(frequency, low, high))
    rows = 1 - map_board.edges(octaves, np.log(low), np.log(high))[::-1]
    shown = [hertz for hertz in TICKS if low <= hertz <= high]
    return Board(
        kind="cells", alt=alt, unit=found.unit, maps=_layers(values, control), picture=_spectrogram(mix),
        aspect=SPECTROGRAM_SIZE[1] / SPECTROGRAM_SIZE[0],
        x=Axis(
            title="time (s)", edges=tuple(map_board.edges(time, sound.start, sound.end).tolist()),
            labels=tuple(f"{seconds:.2f} s" for seconds in time),
            ticks=tuple(((second - sound.start) / sound.seconds, f"{second:g}") for second in _seconds(sound)),
        ),
        y=Axis(
            title="pitch", edges=tuple(rows.round(5).tolist()), labels=tuple(map(pitch, frequency[::-1])),
            ticks=tuple((round(1 - np.log(hertz / low) / np.log(high / low), 4), pitch(hertz)) for hertz in shown[::2]),
        ),
        sounds=_sounds(sound, found), trust=_trust(found),
    )  # fmt: skip


def of_parts(names: Sequence[str], found: Map, alt: str) -> Board:
    """What each of some named parts, or each residue of a chain, adds."""
    control = None if found.control is None else found.control.values
    values = found.values.ravel()
    return Board(kind="bars", alt=alt, unit=found.unit, maps=_layers(values, control), names=tuple(names),
                 trust=_trust(found))  # fmt: skip


def residue_names(sequence: str) -> list[str]:
    """The letter and place of each residue.

    >>> residue_names("KL")
    ['K1', 'L2']
    """
    return [f"{letter}{place}" for place, letter in enumerate(sequence, 1)]


def _layers(values: np.ndarray, control: np.ndarray | None) -> tuple[Layer, ...]:
    more = () if control is None or control.size != values.size else (layer(CONTROL, control.reshape(values.shape)),)
    return (layer(MAP, values), *more)


def _trust(found: Map) -> map_board.Trust:
    rows = trust.rows(found.checks) if found.checks else []
    return map_board.trust(found.checks, [(row["test"], row["result"]) for row in rows[1:]])


def _seconds(sound: Stretch) -> list[float]:
    """Round seconds within a stretch, about eight of them."""
    step = next(step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0) if sound.seconds / step <= 10 or step == 30)
    return [float(f"{place:.6g}") for place in np.arange(np.ceil(sound.start / step) * step, sound.end + 1e-6, step)]


def _sounds(sound: Stretch, found: Map) -> tuple[tuple[str, str], ...]:
    """The song through the map, what is left of it, and the song, at one level."""
    passed, left, share = hearing.through_map(
        sound, found.arranged("frequency", "time"), found.axes["frequency"], found.axes["time"]
    )
    names = (f"What mattered ({100 * share:.0f} % of the power)", "What is left", "The song")
    heard = hearing.level_matched(passed, left, sound)
    return tuple(
        (name, opus.stereo_address(one.samples, one.rate, KBITS)) for name, one in zip(names, heard, strict=True)
    )


def _spectrogram(mix: Spectrogram) -> str:
    """The spectrogram in grey, its pitch rising upwards by octaves."""
    width, height = SPECTROGRAM_SIZE
    levels = np.clip(1 - mix.db / DECIBEL_FLOOR, 0, 1)  # 0 dB is 1
    wanted = np.geomspace(mix.freqs[0], mix.freqs[-1], height)[::-1]
    nearest = np.abs(mix.freqs[None, :] - wanted[:, None]).argmin(axis=1)
    grey = np.rint(20 + 222 * levels[nearest]).astype(np.uint8)
    return _webp(Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR).convert("RGB"))


def _picture(rgb: np.ndarray) -> str:
    image = Image.fromarray(rgb)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    return _webp(image)


def _webp(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
