"""The atlas of attention: every layer of every model as a dot on common axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from viz.inside.style import CLEAR_FOR, FOR, colour_bar, dress

LOOKS = {
    "sound": ("#d55e00", "circle"),
    "pixels": ("#0072b2", "square"),
    "residues": ("#009e73", "diamond"),
    "words": ("#cc79a7", "triangle-up"),
    "words on pictures": ("#a97a00", "cross"),
}
OTHER = ("#8567c4", "star")


def attention_atlas(
    rows: Sequence[Mapping[str, Any]], x: str, y: str, names: Mapping[str, str], percent: Sequence[str] = ()
) -> tuple[go.Figure, str]:
    """Each row a dot: `model`, `modality`, `layer`, and the two measures by their keys `x` and `y`.

    Args:
        rows: of the atlas; the place of each is the dot's `customdata`.
        x: the measure across.
        y: the measure upwards.
        names: the title of each measure.
        percent: measures that are shares, shown in percent.
    """
    figure, said = go.Figure(), []
    for modality in dict.fromkeys(str(row["modality"]) for row in rows):
        mine = [(place, row) for place, row in enumerate(rows) if row["modality"] == modality]
        mine = [(place, row) for place, row in mine if row.get(x) is not None and row.get(y) is not None]
        if not mine:
            continue
        colour, mark = LOOKS.get(modality, OTHER)
        figure.add_scatter(
            x=[row[x] for _, row in mine], y=[row[y] for _, row in mine], mode="markers", name=modality,
            marker={"color": colour, "symbol": mark, "size": 12, "line": {"color": "#ffffff", "width": 0.8}},
            customdata=[place for place, _ in mine], text=[f"{row['model']}: {row['layer']}" for _, row in mine],
            hovertemplate="%{text}<br>%{x:.3g} · %{y:.3g}<extra></extra>",
        )  # fmt: skip
        mean = sum(row[y] for _, row in mine) / len(mine)
        said.append(f"{modality} {100 * mean:.0f} %" if y in percent else f"{modality} {mean:.3g}")
    dress(figure, names.get(x, x), names.get(y, y), 460)
    for update, key in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        update(tickformat=".0%" if key in percent else None, zeroline=False)
    return figure, f"{names.get(y, y)}, on average over the layers: {'; '.join(said)}."


def layer_map(values: np.ndarray) -> tuple[go.Figure, str]:
    """The attention `(Q, K)` of a layer, the mean over its heads: rows look, columns are looked at."""
    figure = go.Figure()
    figure.add_heatmap(
        z=np.asarray(values, float), colorscale=[[0, CLEAR_FOR], [1, FOR]], colorbar=colour_bar("share"), zmin=0,
        hovertemplate="part %{y} looks at part %{x}: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    dress(figure, "looked at (first to last)", "looks (first to last)", 420)
    figure.update_yaxes(autorange="reversed", showticklabels=False)
    figure.update_xaxes(showticklabels=False)
    if values.shape[0] != values.shape[1]:
        return figure, "From each part, from the top, to each that it looks at, from the left."
    rows, columns = np.indices(values.shape)
    near = float(values[np.abs(rows - columns) <= 1].sum() / max(float(values.sum()), 1e-12))
    return figure, f"{100 * near:.0f} % of what is looked at lies at the same place or right beside it."
