"""How sure a model is of each pair of chains: a sentence a pair, the scores in a table, and what each of them means."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backends.folding.structure.interfaces import MEANINGS, NAMES, Interface, interfaces
from studio.library.models import Run
from studio.proteins.run_data import FoldData
from studio.ui import charts, formatting

MARKS = {
    "good": ":green-badge[:material/check: sure]",
    "doubtful": ":orange-badge[:material/remove: unsure]",
    "poor": ":red-badge[:material/priority_high: not known]",
}


def show(run: Run, fold: FoldData) -> None:
    """Nothing of a single chain, or of a structure whose model says nothing of its own work."""
    if fold.confidence.pae is None and fold.confidence.plddt is None:
        return
    found = interfaces(fold.structure, fold.confidence)
    if not found:
        return
    st.markdown("**How the chains sit together**")
    touching = [one for one in found if one.contacts]
    for one in touching:
        st.markdown(f"{MARKS[one.verdict]} {formatting.escape(one.sentence)}")
    if len(touching) < len(found):
        st.caption(f"Chains that do not touch: {formatting.count(len(found) - len(touching), 'pair')}.")
    shown = table(found)
    helps = {NAMES[name]: st.column_config.NumberColumn(help=text) for name, text in MEANINGS.items()}
    st.dataframe(shown, hide_index=True, column_config=helps)
    charts.pin_table(shown, "How sure the model is of each pair of chains.", f"interfaces-{run.id}")
    with st.expander("What these scores mean"):
        for name, text in MEANINGS.items():
            st.markdown(f"**{NAMES[name]}**: {text}")


def table(found: tuple[Interface, ...]) -> pd.DataFrame:
    """A row a pair."""
    return pd.DataFrame(
        {
            "chains": [f"{one.first} and {one.second}" for one in found],
            **{NAMES[name]: [getattr(one, name) for one in found] for name in MEANINGS},
            "contacts": [one.contacts for one in found],
        }
    )
