"""The options of a fold: those that the card declares, with widgets of their own where these are clearer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from backends.core.info import CardInfo
from backends.core.options import OptionInfo
from backends.folding.alignment.sequence import Query
from backends.folding.capabilities import FoldingCapabilities
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.options import EXTRA_MEANINGS
from backends.folding.structure.assemblies import Assembly
from studio.proteins import estimates, model_choice
from studio.proteins.source import Protein
from studio.ui import form, formatting
from studio.ui.task_page import Request

EXTRA_LABELS = {"attention": "Keep attention", "mutations": "Scan all mutations", "distogram": "Keep the distogram"}
CHUNK_LABELS = {"auto": "automatic", "off": "all at once"}
CHUNK_SIZES = ("128", "64", "32", "16")
ALWAYS_ON = "contacts"
MAX_SLIDER_RECYCLES = 100
"""Where the model server does not say how many there may be."""


def ask(card: CardInfo, protein: Protein | None, before: Mapping[str, Any]) -> Request:
    """Which chain, what the model's engine can be told besides, and a confidence file that goes along."""
    if protein is None or protein.probe.query is None:
        return Request()
    able = model_choice.capabilities(card)
    key = f"{protein.key}-{card.id}" if protein.run is not None else card.id
    query, several = protein.probe.query, bool(protein.others)
    assembly = None
    if not several and protein.pae is None and any(info.name == "assembly" for info in card.options):
        assembly = _ask_for_assembly(query, str(before.get("assembly") or ""), protein.key)
    chain = "" if assembly else _ask_for_chain(query, able, str(before.get("chain") or ""), protein.key, several)
    widgets: Mapping[str, form.Widget] = {
        "recycles": _recycles,
        "chunk": _chunk,
        "extras": partial(_extras, able.extras),
    }
    options = form.draw(card.options, before, key, widgets=widgets, without=("chain", "assembly"))
    files = {"pae": protein.pae} if protein.pae is not None and able.takes == "structure" else {}
    if assembly:
        return Request({**options, "assembly": assembly.name}, files, assembly.too_large())
    return Request({**options, "chain": chain} if chain else options, files)


def _ask_for_assembly(query: Query, before: str, key: str) -> Assembly | None:
    """The biological assembly to build, None for the chains as deposited: asked for where a file names another one."""
    others = {one.name: one for one in query.assemblies if not one.deposited}
    if not others:
        return None
    names = ["", *others]
    name = st.selectbox(
        "Assembly",
        names,
        names.index(before) if before in names else 0,
        format_func=lambda name: f"Assembly {name}: {others[name].composition}" if name else "As deposited",
        help="What the protein forms in nature, as the file says. A crystal's file often holds only a part of it, from "
        "which symmetry makes the rest.",
        key=f"assembly-{key}",
    )
    chosen = others.get(name)
    if chosen is not None and (problem := chosen.too_large()):
        st.error(problem, icon=":material/error:")
    return chosen


def _ask_for_chain(query: Query, able: FoldingCapabilities, before: str, key: str, several: bool) -> str:
    """The chain to work on, "" for all there are: asked for where one file has several and the model can be told."""
    lengths = {chain.name: len(chain.sequence) for chain in query.chains}
    too_large = query.length > MAX_STRUCTURE_RESIDUES
    if len(query.chains) < 2 or several:
        return ""
    names = list(lengths) if not able.complexes or (able.takes == "structure" and too_large) else ["", *lengths]
    return st.selectbox(
        "Chain",
        names,
        names.index(before) if before in names else 0,
        format_func=lambda name: f"{name} ({formatting.count(lengths[name], 'residue')})" if name else "All chains",
        help="The chain to work on.",
        key=f"chain-{key}-{'any' if able.complexes else 'one'}",
    )


def length_of(query: Query, options: Mapping[str, Any]) -> int:
    """The residues that will be worked on: those of an assembly, of one chain, or of all."""
    built = next((one for one in query.assemblies if one.name == options.get("assembly")), None)
    if built is not None:
        return built.residues
    chain = options.get("chain", "")
    return next((len(one.sequence) for one in query.chains if chain and one.name == chain), query.length)


def option_texts(given: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as a person reads them."""
    texts = {name: str(value) for name, value in given.items() if value not in (None, "")}
    if "extras" in texts:
        texts["also kept"] = texts.pop("extras").replace(",", ", ")
    return texts


# -- widgets ---------------------------------------------------------------------------------------------------------


def _recycles(info: OptionInfo, value: int | None, key: str) -> int:
    """A slider, also where the model server leaves the number to the network."""
    most = MAX_SLIDER_RECYCLES if info.most is None else int(info.most)
    start = estimates.DEFAULT_RECYCLES if value is None else value
    return st.slider(info.title, int(info.least or 0), most, start, help=info.meaning, key=key)


def _chunk(info: OptionInfo, value: int | str, key: str) -> str:
    """Sizes to choose from, and that of an earlier run where it is none of them."""
    sizes = list(dict.fromkeys([*info.choices, *CHUNK_SIZES, str(value)]))
    return st.selectbox(
        info.title,
        sizes,
        sizes.index(str(value)),
        format_func=lambda size: CHUNK_LABELS.get(size, f"{size} rows"),
        help=info.meaning,
        key=key,
    )


def _extras(offered: tuple[str, ...], info: OptionInfo, value: list[str], key: str) -> list[str]:
    """A box to tick for each array that this model can keep; the contacts always come."""
    ticked = [
        name
        for name in offered
        if name != ALWAYS_ON
        and st.checkbox(
            EXTRA_LABELS.get(name, f"Keep {name}"), name in value, help=EXTRA_MEANINGS.get(name), key=f"{key}-{name}"
        )
    ]
    return [ALWAYS_ON, *ticked]
