"""What the file of a structure holds, listed: chains and assemblies, gaps, bridges, ligands with what touches them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from backends.folding.structure.contents import MAX_NEIGHBOUR, Gap, bridges, gaps, neighbourhoods
from backends.folding.structure.structure import Structure
from studio.library.library import Run
from studio.proteins import assembly_panel, ensemble, run_data
from studio.ui import charts, formatting

MAX_BUTTONS = 12


def show(run: Run) -> None:
    """Chains, assemblies, models, gaps, bridges and ligands; what has a place can be shown in 3D."""
    fold = run_data.load_fold(run)
    if fold is None:
        return
    structure = fold.structure
    st.markdown("**Chains**")
    rows = chain_table(structure)
    st.dataframe(rows, hide_index=True)
    charts.pin_table(rows, "The chains of the structure.", f"chains-{run.id}")
    assembly_panel.show(run, structure)
    ensemble.show(run, structure)
    if found := gaps(structure):
        st.markdown(
            "**Gaps**",
            help="Residues that the file does not show, mostly loops that move too much. They are drawn dashed in 3D.",
        )
        _buttons(run, "gap", {gap_label(structure, gap): [gap.before, gap.after] for gap in found})
    if pairs := bridges(structure):
        st.markdown("**Disulphide bridges**", help="Two cysteines whose sulphur atoms are bonded.")
        named = {
            f"{_residue(structure, one.one)}–{_residue(structure, one.other)} ({one.distance:.2f} Å)": one
            for one in pairs
        }
        _buttons(run, "bridge", {name: [one.one, one.other] for name, one in named.items()})
    _ligands(run, structure)


def _ligands(run: Run, structure: Structure) -> None:
    rows = ligand_table(structure)
    if rows.empty:
        st.caption("Beside the protein there are no ligands, ions, sugars or nucleic acids.")
        return
    st.markdown("**Ligands, ions, sugars and nucleotides**")
    st.dataframe(rows, hide_index=True)
    charts.pin_table(rows, "What lies beside the protein, and what touches it.", f"ligands-{run.id}")
    around = {
        f"around {one.component} {one.chain}:{one.number}": list(one.rows)
        for one in neighbourhoods(structure)
        if one.rows and one.kind != "nucleic"
    }
    _buttons(run, "ligand", around)


def chain_table(structure: Structure) -> pd.DataFrame:
    """One row a chain: how many residues it has, from where to where, and how many miss by its numbers."""
    missing = dict.fromkeys(structure.chains.tolist(), 0)
    for gap in gaps(structure):
        missing[str(structure.chains[gap.before])] += gap.missing
    return pd.DataFrame(
        [
            {
                "chain": name,
                "residues": part.stop - part.start,
                "from": _residue(structure, part.start),
                "to": _residue(structure, part.stop - 1),
                "missing inside": missing[name],
            }
            for name, part in structure.chain_slices()
        ]
    )


def ligand_table(structure: Structure) -> pd.DataFrame:
    """One row a ligand, ion, sugar or nucleotide, with the residues that touch it."""
    return pd.DataFrame(
        [
            {
                "name": one.component,
                "kind": one.kind,
                "chain": one.chain,
                "number": one.number,
                "atoms": one.atoms,
                "nearest residue (Å)": round(one.nearest, 2),
                f"residues within {MAX_NEIGHBOUR:g} Å": ", ".join(_residue(structure, row) for row in one.rows),
            }
            for one in neighbourhoods(structure)
        ]
    )


def gap_label(structure: Structure, gap: Gap) -> str:
    """Between which residues, how many miss by their numbers, and how far the two are apart."""
    missing = f"{formatting.count(gap.missing, 'residue')} missing, " if gap.missing else ""
    apart = float(np.linalg.norm(structure.ca[gap.after] - structure.ca[gap.before]))
    return f"{_residue(structure, gap.before)} to {_residue(structure, gap.after)} ({missing}{apart:.1f} Å)"


def _residue(structure: Structure, row: int) -> str:
    """A residue as people name it: `A:CYS32`."""
    number = f"{structure.numbers[row]}{structure.insertions[row]}"
    return f"{structure.chains[row]}:{structure.components[row]}{number}"


def _buttons(run: Run, kind: str, places: dict[str, list[int]]) -> None:
    """A button for each place that selects it in the workbench."""
    with st.container(horizontal=True):
        for name, rows in list(places.items())[:MAX_BUTTONS]:
            if st.button(formatting.escape(name), icon=":material/deployed_code:", key=f"{kind}-{run.id}-{name}"):
                run_data.select(run.id, rows)
                st.rerun()
    if len(places) > MAX_BUTTONS:
        st.caption(f"And {len(places) - MAX_BUTTONS} more.")
