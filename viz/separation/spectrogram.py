"""Log-mel spectrograms of mix and stems on one scale, and the soft mask each stem took. Numpy in, plotly figures out.

Figures have no background and no font colours of their own, so that they sit on a light and on a dark page alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backends.core.errors import BadInput
from backends.separation.io.levels import decibels
from viz.separation.mel import band_edges, full_scale_window, mel_filters
from viz.separation.palette import DECIBEL_CEILING, DECIBEL_FLOOR, SPECTROGRAM_COLOURS

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float32]

WINDOW_SECONDS = 0.046
FRAMES_A_COLUMN = 16
"""The most windows averaged into one column. Where a column spans more (files over six minutes), these are spread
evenly over it, so that the work stops growing with the length."""
FIGURE_BYTES = 1_200_000
"""Columns are pooled until the numbers of one figure fit, so that a page stays quick however many stems there are."""
FRACTION_COLOURS = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)
"""Cividis in ten even steps: made to look the same with and without colour-blindness (Nunez et al. 2018)."""


@dataclass(frozen=True)
class Spectrogram:
    """`db` `(M, N)` in dB of a full-scale sine; `times` `(N,)` in s and `freqs` `(M,)` in Hz are cell centres."""

    db: Floats
    times: Floats
    freqs: Floats
    seconds: float


@dataclass(frozen=True)
class Masks:
    """`shares` holds an `(M, N)` a stem, 0 to 1, adding up to 1 wherever `heard` `(M, N)` is true, 0 elsewhere."""

    shares: Mapping[str, Floats]
    heard: NDArray[np.bool_]
    times: Floats
    freqs: Floats
    seconds: float


def log_mel(
    sound: Path | NDArray[Any], samplerate: int | None = None, columns: int = 1000, mels: int = 96
) -> Spectrogram:
    """The log-mel spectrogram of a sound.

    Power is averaged over channels and over the windows of a column, in triangular bands even on Slaney's mel scale.
    Files are read in steps, so memory does not grow with their length.

    Args:
        sound: a file, or samples `(C, T)` or `(T,)` in full-scale units.
        samplerate: of samples, in Hz; a file states its own.
        columns: the most columns.
        mels: bands.

    Raises:
        BadInput: the file cannot be read or holds no sound.
        ValueError: samples without a rate, of another shape, or none at all.
    """
    frames, rate, read = _open(sound, samplerate)
    size = 1 << round(np.log2(WINDOW_SECONDS * rate))
    width = max(-(-frames // columns), size // 4)  # frames a column
    count = -(-frames // width)
    window, filters = full_scale_window(size), _sparse_filters(rate, size, mels)
    windows = min(FRAMES_A_COLUMN, max(1, round(2 * width / size)))
    batch = max(1, rate // width)  # columns read at once, about a second
    starts = np.arange(batch)[:, None] * width + ((np.arange(windows) + 0.5) * width / windows).astype(int)
    samples = starts[..., None] + np.arange(size)  # (batch, windows, size); stretches lead in by half a window
    parts = []
    for stretch in _stretches(read, frames, batch * width, size):
        spectrum = np.fft.rfft(stretch[:, samples] * window, axis=-1)  # (C, batch, windows, bins)
        parts.append(filters @ (spectrum.real**2 + spectrum.imag**2).mean(axis=(0, 2)).T)  # (M, batch)
    db = decibels(np.concatenate(parts, axis=1)[:, :count])
    times = ((np.arange(count) + 0.5) * width / rate).astype(np.float32)
    return Spectrogram(db.astype(np.float32), times, band_edges(rate, mels)[1:-1].astype(np.float32), frames / rate)


def _open(sound: Path | NDArray[Any], samplerate: int | None) -> tuple[int, int, Any]:
    """`(frames, samplerate, read)`; `read(n)` gives the next `(C, n)` float32, silent past the end."""
    if isinstance(sound, Path):
        return _open_file(sound)
    samples = np.atleast_2d(sound)
    if samplerate is None or samples.ndim != 2 or not samples.shape[1]:
        raise ValueError(f"samples (C, T) and their rate are needed, got {samples.shape} at {samplerate}")
    position = 0

    def read(length: int) -> Floats:
        nonlocal position
        part = samples[:, position : position + length].astype(np.float32)
        position += length
        return np.pad(part, ((0, 0), (0, length - part.shape[1])))

    return samples.shape[1], samplerate, read


def _open_file(path: Path) -> tuple[int, int, Any]:
    import soundfile

    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput("This sound cannot be drawn, because its file cannot be read.") from error
    if not file.frames:
        raise BadInput("There is no sound in this file.")

    def read(length: int) -> Floats:
        return file.read(length, dtype="float32", always_2d=True, fill_value=0.0).T

    return file.frames, file.samplerate, read


def _stretches(read: Any, frames: int, width: int, size: int) -> Iterator[Floats]:
    """Samples `width` at a time with half a window before and after: `(C, width + size)`."""
    half = size // 2
    ahead = np.nan_to_num(read(half + width), posinf=0.0, neginf=0.0)
    stretch = np.pad(ahead, ((0, 0), (half, 0)))
    for _ in range(-(-frames // width)):
        yield stretch
        more = np.nan_to_num(read(width), posinf=0.0, neginf=0.0)
        stretch = np.concatenate([stretch[:, width:], more], axis=1)


@cache
def _sparse_filters(samplerate: int, size: int, bands: int) -> Any:
    """`mel_filters` as a sparse matrix: a dense one would go to BLAS, whose idle threads spin on a busy machine."""
    from scipy.sparse import csr_array

    return csr_array(mel_filters(samplerate, size, bands))


def soft_masks(mix: Spectrogram, stems: Mapping[str, Spectrogram]) -> Masks:
    """The share of the power that each stem took in every cell of the mix that is not silent.

    Raises ValueError where the spectrograms do not have the same cells.
    """
    if any(stem.db.shape != mix.db.shape for stem in stems.values()):
        raise ValueError("masks need the spectrograms of mix and stems on the same cells")
    power = {name: 10.0 ** (stem.db / 10.0) for name, stem in stems.items()}
    total = np.sum(list(power.values()), axis=0)
    heard = (mix.db > DECIBEL_FLOOR) & (total > 10.0 ** (DECIBEL_FLOOR / 10.0))
    shares = {name: np.where(heard, part / total, 0.0).astype(np.float32) for name, part in power.items()}
    return Masks(shares, heard, mix.times, mix.freqs, mix.seconds)


def spectrogram_panels(
    specs: Mapping[str, Spectrogram], db_range: tuple[float, float] = (DECIBEL_FLOOR, DECIBEL_CEILING)
) -> go.Figure:
    """One panel a sound, under one time axis and one dB scale, so that brightness can be compared across panels.

    Levels are whole decibels: finer steps cannot be told apart by eye, and a figure stays small.
    """
    cells = {name: np.clip(np.rint(spec.db), *db_range).astype(np.int8) for name, spec in specs.items()}
    figure = _panels(cells, next(iter(specs.values())), "%{z} dB")
    figure.update_layout(coloraxis=_scale(SPECTROGRAM_COLOURS, *db_range, "dB"))
    return figure


def mask_panels(masks: Masks) -> go.Figure:
    """One panel a stem: what share of the sound, 0 to 100 %, the model gave to it at each time and pitch."""
    cells = {name: np.rint(100.0 * share).astype(np.int8) for name, share in masks.shares.items()}
    figure = _panels(cells, masks, "%{z} % of the sound")
    figure.update_layout(coloraxis=_scale(FRACTION_COLOURS, 0, 100, "%"))
    return figure


def _scale(colours: tuple[str, ...], low: float, high: float, unit: str) -> dict[str, Any]:
    steps = [[number / (len(colours) - 1), colour] for number, colour in enumerate(colours)]
    bar = {"title": {"text": unit}, "thickness": 12, "outlinewidth": 0}
    return {"cmin": low, "cmax": high, "colorscale": steps, "colorbar": bar}


def _panels(cells: Mapping[str, NDArray[np.int8]], axes: Spectrogram | Masks, value: str) -> go.Figure:
    """Heat maps `(M, N)` of whole numbers one below the other; time is a date axis, so that it reads as m:ss."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    pooled, times = _fitting(cells, axes.times)
    step = 1000.0 * float(times[1] - times[0] if len(times) > 1 else axes.seconds)
    names = list(pooled)
    clock = "%-H:%M:%S" if axes.seconds >= 3600 else "%-M:%S"
    height = max(120, min(190, 900 // len(names)))
    gap = 26 / (height * len(names) + 26 * (len(names) - 1)) if len(names) > 1 else 0.0
    figure = make_subplots(len(names), 1, shared_xaxes=True, vertical_spacing=gap, subplot_titles=names)
    for row, name in enumerate(names, start=1):
        hover = f"{name} · %{{x|{clock}.%L}} · %{{y:.0f}} Hz · {value}<extra></extra>"
        heat = go.Heatmap(
            z=pooled[name], y=axes.freqs, x0=1000.0 * float(times[0]), dx=step, xtype="scaled",
            coloraxis="coloraxis", hovertemplate=hover, name=name,
        )  # fmt: skip
        figure.add_trace(heat, row=row, col=1)
    figure.update_xaxes(type="date", tickformat=clock, showgrid=False, range=[0, 1000.0 * axes.seconds])
    figure.update_xaxes(title_text="time", row=len(names), col=1)
    ticks = [hz for hz in (50, 200, 1000, 5000, 15000) if hz <= axes.freqs[-1]]
    words = [f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz} Hz" for hz in ticks]
    edges = np.log10([1.5 * axes.freqs[0] - 0.5 * axes.freqs[1], 1.5 * axes.freqs[-1] - 0.5 * axes.freqs[-2]])
    figure.update_yaxes(
        type="log", range=edges.tolist(), tickvals=ticks, ticktext=words, showgrid=False, zeroline=False, matches="y"
    )
    clear = "rgba(0,0,0,0)"
    figure.update_layout(
        height=height * len(names) + 26 * (len(names) - 1) + 90, margin={"l": 60, "r": 10, "t": 30, "b": 45},
        paper_bgcolor=clear, plot_bgcolor=clear, showlegend=False,
    )  # fmt: skip
    figure.update_annotations(font_size=13, x=0.0, xanchor="left")
    return figure


def _fitting(cells: Mapping[str, NDArray[np.int8]], times: Floats) -> tuple[dict[str, NDArray[np.int8]], Floats]:
    """Pool columns by their mean until all panels fit `FIGURE_BYTES`; a byte a cell grows by a third on the wire."""
    total = sum(cell.size for cell in cells.values()) * 4 / 3
    fold = max(1, int(np.ceil(total / FIGURE_BYTES)))
    if fold == 1:
        return dict(cells), times
    starts = np.arange(0, len(times), fold)
    counts = np.diff(np.append(starts, len(times)))
    pooled = {
        name: np.rint(np.add.reduceat(cell.astype(np.float32), starts, axis=1) / counts).astype(np.int8)
        for name, cell in cells.items()
    }
    return pooled, times[starts] + (fold - 1) / 2 * (times[1] - times[0])


def describe(specs: Mapping[str, Spectrogram]) -> str:
    """`spectrogram_panels` in words, for screen readers: where each sound is strongest, and how often it is there."""
    seconds = next(iter(specs.values())).seconds
    parts = []
    for name, spec in specs.items():
        power = 10.0 ** (spec.db / 10.0)
        loud = power.sum(axis=0) > 1e-6  # within 60 dB of full scale
        if not loud.any():
            parts.append(f"{name} is silent")
            continue
        hz = _round_hz(spec.freqs[power.mean(axis=1).argmax()])
        parts.append(f"{name} is strongest around {hz} and sounds {100 * loud.mean():.0f} % of the time")
    return f"Spectrograms over {_clock(seconds)} on one scale of loudness: {'; '.join(parts)}."


def describe_masks(masks: Masks) -> str:
    """`mask_panels` in words, for screen readers: the share of all sounding cells that each stem took."""
    if not masks.heard.any():
        return "There is no sound to share out between the stems."
    parts = [f"{name} {100 * share[masks.heard].mean():.0f} %" for name, share in masks.shares.items()]
    return (
        f"How the sound is shared out over {_clock(masks.seconds)}, averaged over time and pitch: {', '.join(parts)}."
    )


def _round_hz(hz: float) -> str:
    return f"{hz / 1000:.1f} kHz" if hz >= 1000 else f"{round(float(hz), -1):.0f} Hz"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
