"""The biological assemblies of a file that was opened, each one click away, and where the chains shown here meet."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backends.core.errors import UserError
from backends.folding.structure.assemblies import Assembly
from backends.folding.structure.chain_contacts import MAX_CHAINS, MAX_DISTANCE, Meeting, meetings
from backends.folding.structure.structure import Structure
from studio import launch, services
from studio.library.library import Run
from studio.proteins import run_data
from studio.ui import charts, formatting

MAX_SENTENCES = 6
"""Pairs of chains that are told one by one; the table has all."""
MAX_BUTTONS = 12
"""Assemblies, and pairs of chains, with a button."""


def show(run: Run, structure: Structure) -> None:
    """What the file says its chains form, and what of that is open; then the pairs of chains that touch."""
    _assemblies(run)
    _meetings(run, structure)


def _assemblies(run: Run) -> None:
    known = run_data.assemblies_of(run.id)
    if not known:
        return
    st.markdown(
        "**Biological assemblies**",
        help="What the protein forms in nature, as the file says. A crystal's file often holds only a part of it, from "
        "which symmetry makes the rest.",
    )
    now = str(run.options.get("assembly") or "")
    rows = assembly_table(known, now)
    st.dataframe(rows, hide_index=True)
    charts.pin_table(rows, "The biological assemblies that the file names.", f"assemblies-{run.id}")
    offered = [one for one in known if not one.deposited and one.name != now][:MAX_BUTTONS]
    with st.container(horizontal=True):
        if now and st.button("Open as deposited", icon=":material/grid_view:", key=f"assembly-{run.id}-"):
            _open(run, "")
        for one in offered:
            problem = one.too_large()
            label = f"Open assembly {formatting.escape(one.name)}"
            key = f"assembly-{run.id}-{one.name}"
            if st.button(label, icon=":material/grid_view:", key=key, disabled=bool(problem), help=problem or None):
                _open(run, one.name)


def _open(run: Run, assembly: str) -> None:
    """The same file once more, as a run of its own."""
    options = {name: value for name, value in run.options.items() if name not in ("assembly", "chain")}
    if assembly:
        options["assembly"] = assembly
    try:
        source = services.library().only(run.id, "input", "input")
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
        return
    launch.start(run.task, run.inputs[0]["name"], source, run.weights, options)


def assembly_table(known: tuple[Assembly, ...], now: str) -> pd.DataFrame:
    """A row an assembly; `now` names the one that is open."""
    return pd.DataFrame(
        [
            {
                "assembly": one.name,
                "what it is": one.composition,
                "residues": one.residues,
                "atoms": one.atoms,
                "the file says": one.details,
                "determined by": one.determined,
                "open": "yes" if one.name == now or (one.deposited and not now) else "",
            }
            for one in known
        ]
    )


def _meetings(run: Run, structure: Structure) -> None:
    names = list(dict.fromkeys(structure.chains.tolist()))
    if len(names) < 2:
        return
    st.markdown(
        "**Where chains meet**",
        help=f"Residues of two chains touch where atoms of theirs are within {MAX_DISTANCE:g} Å. The hidden surface is "
        "what of each chain water can no longer reach because of the other (Shrake and Rupley 1973; probe of 1.4 Å, "
        "protein alone): under some 400 Å² a meeting may be mere packing of a crystal.",
    )
    if len(names) > MAX_CHAINS:
        st.caption(f"There are {len(names)} chains, too many to list every pair.")
        return
    found = meetings_of(run.id, structure)
    if not found:
        st.caption("No two chains touch each other.")
        return
    for one in found[:MAX_SENTENCES]:
        st.caption(f":material/join_inner: {formatting.escape(one.sentence)}")
    rows = meeting_table(found)
    st.dataframe(rows, hide_index=True)
    charts.pin_table(rows, "Where the chains of the structure meet.", f"meetings-{run.id}")
    with st.container(horizontal=True):
        for one in found[:MAX_BUTTONS]:
            label = f"{formatting.escape(one.first)} and {formatting.escape(one.second)} in 3D"
            if st.button(label, icon=":material/deployed_code:", key=f"meeting-{run.id}-{one.first}-{one.second}"):
                run_data.select(run.id, one.rows)
                st.rerun()


@st.cache_resource(max_entries=12, show_spinner="Measuring where chains meet…")
def meetings_of(run_id: str, _structure: Structure) -> list[Meeting]:
    """Where the chains of a run's structure meet; the structure of a run never changes."""
    return meetings(_structure)


def meeting_table(found: list[Meeting]) -> pd.DataFrame:
    """A row a pair of chains that touch."""
    return pd.DataFrame(
        [
            {
                "chains": f"{one.first} and {one.second}",
                "pairs of residues": one.pairs,
                "residues": len(one.rows),
                "hidden surface (Å²)": round(one.area),
            }
            for one in found
        ]
    )
