"""A structure as one HTML page that stands alone: 3Dmol.js, which draws it, is inside, so no network is needed."""

from __future__ import annotations

import html
from dataclasses import replace
from functools import cache

import numpy as np
import py3Dmol

from backends.folding.structure.other_atoms import WATER
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_pdb
from viz.folding.figures import BANDS
from viz.vendor import THREEDMOL

CHAIN_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a97a00", "#2f94cf", "#8567c4", "#7c8592")
STYLES = ("cartoon", "stick", "trace")


@cache
def script() -> str:
    """The text of 3Dmol.js, fit to stand inside a `<script>` element."""
    return THREEDMOL.read_text("utf-8").replace("</script", "<\\/script")


def static_view(
    structure: Structure, colour: str = "confidence", style: str = "cartoon", width: int = 640, height: int = 440
) -> str:
    """An HTML page of `structure` that can be turned and zoomed with a mouse or finger.

    Args:
        colour: "confidence" (the AlphaFold DB's bands; chains where there is none) or "chain".
        style: "cartoon", "stick" or "trace". A structure without a backbone is always a trace.

    Raises:
        ValueError: another style or colour.
    """
    if style not in STYLES or colour not in ("confidence", "chain"):
        raise ValueError(f"no such drawing: {style} by {colour}")
    banded = colour == "confidence" and bool(np.isfinite(structure.confidence).any())
    view = py3Dmol.view(width=width, height=height, js="about:blank")
    # Text from the file stays out: inside a <script> a title could end it.
    view.addModel(to_pdb(replace(structure, title="", experiment="")), "pdb")
    drawn = style if structure.backbone else "trace"
    view.setStyle({}, {})  # without this every atom is also drawn as a thin line
    for selection, hue in _colours(structure, banded):
        view.addStyle(selection, _style(drawn, hue))
    if beside := _atoms_beside(structure):
        view.addStyle({"index": beside}, {"stick": {"radius": 0.16}, "sphere": {"scale": 0.25}})
    view.zoomTo()
    view.setBackgroundColor("white", 0)
    body = view.write_html().replace("loadScriptAsync('about:blank')", "Promise.resolve()")
    return _page(body, _legend(structure, banded), structure.title or "Protein structure")


def _style(style: str, hue: str) -> dict[str, dict[str, object]]:
    if style == "trace":
        return {"cartoon": {"style": "trace", "color": hue}}
    return {"cartoon": {"color": hue}} if style == "cartoon" else {"stick": {"color": hue, "radius": 0.16}}


def _colours(structure: Structure, banded: bool) -> list[tuple[dict[str, object], str]]:
    """3Dmol selections, by running index of the residue's atoms, and the colour of each."""
    of_residue = np.repeat(np.arange(len(structure)), _atom_counts(structure))  # residue of each written atom
    if banded:
        found = []
        for low, high, _, hue, _ in BANDS:
            mine = (structure.confidence >= low) & ((structure.confidence < high) | (high == 100.0))
            found.append((mine, hue))
        found.append((~np.isfinite(structure.confidence), "#7c8592"))
    else:
        names = list(dict.fromkeys(structure.chains.tolist()))
        found = [(structure.chains == name, CHAIN_COLOURS[k % len(CHAIN_COLOURS)]) for k, name in enumerate(names)]
    return [({"index": np.flatnonzero(mine[of_residue]).tolist()}, hue) for mine, hue in found if mine.any()]


def _atom_counts(structure: Structure) -> np.ndarray:
    """`(L,)` how many atoms of each residue a file has, with those that only a modified one has."""
    rows = structure.others.rows
    return structure.mask.sum(axis=1) + np.bincount(rows[rows >= 0], minlength=len(structure))


def _atoms_beside(structure: Structure) -> list[int]:
    """Indices in the file of the ligands' atoms, which follow the protein's; waters are left out."""
    kinds = [kind for kind, _, atoms in structure.others.residues() for _ in atoms]
    first = int(_atom_counts(structure).sum())
    return [first + place for place, kind in enumerate(kinds) if kind != WATER]


def _legend(structure: Structure, banded: bool) -> str:
    if banded:
        entries = [(hue, f"{name} ({low:.0f}–{high:.0f})") for low, high, name, hue, _ in BANDS]
    else:
        names = list(dict.fromkeys(structure.chains.tolist()))[:24]
        entries = [(CHAIN_COLOURS[k % len(CHAIN_COLOURS)], f"chain {name}") for k, name in enumerate(names)]
    items = "".join(f'<li><i style="background:{hue}"></i>{html.escape(name)}</li>' for hue, name in entries)
    return f'<ul class="legend">{items}</ul>'


def alt_text(structure: Structure) -> str:
    """What the picture shows, for those who cannot see it."""
    from backends.folding.structure.secondary import assign_secondary_structure

    states = assign_secondary_structure(structure)
    chains = len(list(structure.chain_slices()))
    parts = f"{len(structure)} residues in {chains} chain{'s' * (chains > 1)}"
    helix, strand = (100 * float((states == letter).mean()) for letter in "HE")
    sure = structure.mean_confidence
    named = "estimated confidence" if structure.method == "estimate" else "pLDDT"
    trust = "" if sure is None else f"; mean {named} {sure:.0f} of 100"
    return f"{parts}: {helix:.0f} % helix, {strand:.0f} % strand{trust}."


def _page(body: str, legend: str, title: str) -> str:
    style = (
        "body{margin:0;font:14px system-ui,sans-serif;background:transparent;color:CanvasText;color-scheme:light dark}"
        ".legend{display:flex;flex-wrap:wrap;gap:4px 14px;list-style:none;margin:6px 0;padding:0}"
        ".legend i{display:inline-block;width:12px;height:12px;margin-right:5px;border:1px solid #7c8592}"
        "div[id^='3dmolviewer']{max-width:100%}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style><script>{script()}</script></head>'
        f"<body>{body}{legend}</body></html>"
    )
