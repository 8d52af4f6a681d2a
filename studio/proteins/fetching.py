"""The way to a protein by its id, where there is a network: what is sent where is said before anything is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from studio.proteins import databases, probe, source
from studio.proteins.databases import ALPHAFOLD, PDB, UNIPROT, Entry
from studio.proteins.source import Protein
from studio.ui import formatting
from studio.ui.session_files import cached, temporary_file

ADDRESSES = databases.Addresses()
WHAT = {PDB: "The structure", ALPHAFOLD: "The predicted structure", UNIPROT: "The sequence"}
FETCHED, TYPED = "protein-fetched", "protein-id"

EXAMPLES = {
    "AF-P00221-F1": "A prediction: ferredoxin of spinach. The model is sure of the folded part, and not of the 50 "
    "residues before it, which guide the protein into the chloroplast and are then cut off.",
    "1UBQ": "A measured structure: ubiquitin, the tag that marks proteins for recycling (X-ray, 1.8 Å).",
}
"""Entries to begin with, and what there is to see of each."""


def ask() -> Protein | None:
    """The protein that was fetched last; nothing is sent before the button is pressed."""
    typed = st.text_input(
        "Id of an entry", placeholder="1UBQ, P0CG48 or AF-P0CG48-F1", key=TYPED, persist_state="session",
        help="Of the Protein Data Bank, UniProt or AlphaFold DB.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        for entry_id in EXAMPLES:
            st.button(entry_id, on_click=_take, args=(entry_id,), type="tertiary", icon=":material/arrow_upward:")
    if typed in EXAMPLES:
        st.caption(EXAMPLES[typed])
    ways = databases.databases_of(typed or "")
    chosen = ways[0] if ways else ""
    if len(ways) > 1:
        chosen = st.radio(
            "What of it", ways, horizontal=True, format_func=lambda one: f"{WHAT[one]} ({one})", key="protein-database"
        )
    if typed and not ways:
        st.caption(":material/info: This is no id of these databases: bring one such as 1UBQ, P0CG48 or AF-P0CG48-F1.")
    if chosen:
        st.caption(
            f":material/public: “Fetch” sends the id, and nothing else, to {ADDRESSES.host(chosen)} over the internet; "
            "whoever runs it sees the address of this computer."
        )
    if st.button("Fetch", icon=":material/cloud_download:", disabled=not chosen):
        _fetch(typed or "", chosen)
    entry: Entry | None = st.session_state.get(FETCHED)
    if entry is None:
        return None
    st.caption(f":material/check: **{formatting.escape(entry.id)}**. {entry.note}")
    return of_entry(entry)


def _take(entry_id: str) -> None:
    """Put an example into the field; nothing is sent."""
    st.session_state[TYPED] = entry_id


def _fetch(entry_id: str, database: str) -> None:
    st.session_state.pop(FETCHED, None)
    try:
        with st.spinner(f"Asking {database}…"):
            st.session_state[FETCHED] = databases.fetch(entry_id, database, ADDRESSES)
    except UserError as error:
        st.error(formatting.escape(error.sentence), icon=":material/error:")


def of_entry(entry: Entry) -> Protein:
    """What was fetched as a protein to work on, with its predicted errors where it has them."""
    key = f"entry-{hashlib.sha256(entry.data).hexdigest()[:16]}"

    def make() -> Protein:
        folder, path = temporary_file(Path(entry.name).suffix)
        path.write_bytes(entry.data)
        return Protein(key, entry.name, path, probe.probe(path), folder=folder)

    protein = cached(source.SLOT, key, make)
    if entry.pae and protein.probe.kind == "structure":
        protein.pae, problem = _confidence(entry, protein)
        if problem:
            st.caption(f":material/info: Its file of predicted errors cannot be used: {formatting.escape(problem)}")
    return protein


def _confidence(entry: Entry, protein: Protein) -> tuple[Path | None, str]:
    def make() -> tuple[Path, str, Any]:
        folder, path = temporary_file(".json")
        path.write_bytes(entry.pae)
        return path, probe.confidence_problem(path, protein.path), folder

    path, problem, _ = cached("pae", f"pae-{protein.key}", make)
    return (None if problem else path), problem
