"""The laboratory of points in the plane, which several exhibits share: the lab itself, and points from the studio."""

from __future__ import annotations

import streamlit as st

from studio.how import own_points
from viz.components.training_lab import training_lab


def show(family: str) -> None:
    """Show one family of generative models.

    Args:
        family: "vae", "gan", "diffusion" or "side".
    """
    own = own_points.chosen()
    address = training_lab(family, st.query_params.get("lab", ""), own, key="lab")
    if address and address != st.query_params.get("lab"):
        st.query_params["lab"] = address
    own_points.offer()
