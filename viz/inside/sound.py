"""A map over time and frequency, drawn over the spectrogram of the mixture that it is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from viz.inside.style import CLEAR, GREYS, LINE, colour_bar, dress, over_scale, reach
from viz.separation.palette import DECIBEL_FLOOR
from viz.separation.spectrogram import Spectrogram

HEIGHT = 380
MAX_COLUMNS = 400
TICKS = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
SELECTABLE = 24
"""Marks along each axis that nobody sees: a rectangle can only be drawn over something that can be selected."""


@dataclass(frozen=True)
class Box:
    """A rectangle of a spectrogram: seconds from `start` to `end`, hertz from `low` to `high`."""

    start: float
    end: float
    low: float
    high: float


def spectrogram_with_map(
    mix: Spectrogram,
    values: np.ndarray | None = None,
    frequency: np.ndarray | None = None,
    time: np.ndarray | None = None,
    *,
    begin: float = 0.0,
    scale: float | None = None,
    unit: str = "",
    box: Box | None = None,
) -> tuple[go.Figure, str]:
    """The spectrogram in grey, under the map in colour, and what it shows in a sentence.

    Args:
        mix: of the stretch that is shown.
        values: `(F, T)`, positive where the sound speaks for the answer; None draws the spectrogram alone.
        frequency: `(F,)` in Hz, the middle of each row of `values`.
        time: `(T,)` in s from the start of the song, the middle of each column.
        begin: where in the song the stretch begins, in s.
        scale: the value of the strongest colour; the map's own greatest where it is left out.
        unit: of the values.
        box: a rectangle to mark.
    """
    figure = go.Figure()
    step = max(1, -(-mix.db.shape[1] // MAX_COLUMNS))
    figure.add_heatmap(
        z=np.rint(mix.db[:, ::step]).astype(int), x=np.round(begin + mix.times[::step], 3), y=mix.freqs,
        colorscale=[list(stop) for stop in GREYS], zmin=DECIBEL_FLOOR, zmax=0, showscale=False, name="how loud",
        hovertemplate="%{x:.2f} s · %{y:.0f} Hz · %{z} dB<extra></extra>",
    )  # fmt: skip
    said = "The spectrogram of the song: time from left to right, pitch from low to high."
    if values is not None and frequency is not None and time is not None:
        most = reach(values) if scale is None else scale
        figure.add_heatmap(
            z=np.asarray(values, float), x=time, y=frequency, colorscale=over_scale(), zmin=-most, zmax=most,
            colorbar=colour_bar(unit), name="what counts",
            hovertemplate=f"%{{x:.2f}} s · %{{y:.0f}} Hz · %{{z:.3g}} {unit}<extra></extra>",
        )  # fmt: skip
        said = describe(values, frequency, time)
    _selectable(figure, begin, begin + mix.seconds, mix.freqs)
    _axes(figure, begin, begin + mix.seconds, mix.freqs)
    if box is not None:
        figure.add_shape(
            type="rect", x0=box.start, x1=box.end, y0=max(box.low, 1.0), y1=max(box.high, 2.0),
            line={"color": "#009e73", "width": 3},
        )  # fmt: skip
    return figure, said


def _selectable(figure: go.Figure, start: float, end: float, freqs: np.ndarray) -> None:
    x, y = np.meshgrid(np.linspace(start, end, SELECTABLE), np.geomspace(freqs[0], freqs[-1], SELECTABLE))
    figure.add_scatter(
        x=x.ravel(), y=y.ravel(), mode="markers", marker={"size": 10, "color": "rgba(0,0,0,0.004)"}, hoverinfo="skip",
        showlegend=False, selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
    )  # fmt: skip


def _axes(figure: go.Figure, start: float, end: float, freqs: np.ndarray) -> None:
    dress(figure, "time (s)", "pitch (Hz)", HEIGHT)
    ticks = [hertz for hertz in TICKS if freqs[0] <= hertz <= freqs[-1]]
    words = [f"{hertz // 1000} kHz" if hertz >= 1000 else str(hertz) for hertz in ticks]
    figure.update_xaxes(range=[start, end], showgrid=False, zeroline=False)
    figure.update_yaxes(
        type="log", range=[float(np.log10(freqs[0])), float(np.log10(freqs[-1]))], tickvals=ticks, ticktext=words,
        showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_layout(dragmode="select", paper_bgcolor=CLEAR, newselection={"line": {"color": LINE}})


def describe(values: np.ndarray, frequency: np.ndarray, time: np.ndarray) -> str:
    """Where a map `(F, T)` is strongest, and how much of it lies there."""
    positive = np.clip(np.nan_to_num(values), 0, None)
    if not positive.any():
        return "Nothing in this stretch speaks for the answer."
    row = int(positive.sum(axis=1).argmax())
    column = int(positive.sum(axis=0).argmax())
    share = positive.sum(axis=0)[column] / positive.sum()
    against = " Blue speaks against it." if np.nanmin(values) < 0 else ""
    return (
        f"Most of what speaks for the answer lies around {pitch(frequency[row])}, and at {time[column]:.1f} s "
        f"({100 * share:.0f} % of the sum).{against}"
    )


def pitch(hertz: float) -> str:
    """A frequency as people say it."""
    return f"{hertz / 1000:.1f} kHz" if hertz >= 1000 else f"{hertz:.0f} Hz"
