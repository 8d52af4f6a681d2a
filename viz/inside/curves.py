"""The curves behind a verdict: the score as what a map calls important is taken away, or put back."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from viz.inside.style import AGAINST, FOR, LINE, dress


def removal_curves(
    shares: np.ndarray,
    deletion: np.ndarray,
    random: np.ndarray,
    insertion: np.ndarray | None = None,
    unit: str = "score",
) -> tuple[go.Figure, str]:
    """How the score falls, most important first, against random orders; and how it rises where parts are put back.

    Args:
        shares: `(S,)`, how much has been taken away, 0 to 1.
        deletion: `(S,)`, the score with the most important parts taken away first.
        random: `(R, S)`, the same in R random orders.
        insertion: `(S,)`, the score with the most important parts put back first.
        unit: of the score.
    """
    percent = 100 * np.asarray(shares)
    low, high = random.min(axis=0), random.max(axis=0)
    figure = go.Figure()
    figure.add_scatter(
        x=[*percent, *percent[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines", line={"width": 0},
        fillcolor="rgba(124,133,146,0.25)", hoverinfo="skip", name=f"{len(random)} random orders",
    )  # fmt: skip
    figure.add_scatter(
        x=percent, y=random.mean(axis=0), mode="lines", line={"color": LINE, "dash": "dot"}, name="their mean",
        hovertemplate="%{y:.3g}<extra>random</extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=percent, y=deletion, mode="lines+markers", line={"color": FOR, "width": 2}, name="most important away first",
        hovertemplate="%{y:.3g}<extra>taken away</extra>",
    )  # fmt: skip
    if insertion is not None:
        figure.add_scatter(
            x=percent, y=insertion, mode="lines+markers", line={"color": AGAINST, "width": 2, "dash": "dash"},
            marker={"symbol": "square"}, name="most important back first", hovertemplate="%{y:.3g}<extra>back</extra>",
        )  # fmt: skip
    dress(figure, "share taken away or put back (%)", unit, 320)
    figure.update_layout(hovermode="x unified")
    below = int((deletion.mean() < random.mean(axis=1)).sum())
    return figure, (
        f"Taking away what the map calls important lowers the score faster than {below} of {len(random)} random orders "
        f"do (means {deletion.mean():.3g} and {random.mean():.3g})."
    )
