"""A fold compared with an experiment, another prediction or another run: scores, superposition, contacts, a morph."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from backends.core.errors import BadInput
from backends.folding.structure.geometry import contact_map
from backends.folding.structure.reader import read_structure
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.scores import COMPARISON_METRICS
from studio import services
from studio.jobs.background import Analysis
from studio.jobs.uploads import copy_upload
from studio.library.library import Run
from studio.proteins import probe, run_data
from studio.proteins.run_data import COMPARISON, MORPH, REFERENCE, FoldData
from studio.ui import beside, charts, compare, file_chooser, formatting
from studio.ui.run_sections import analysed

MORPH_FRAMES = 13
MAX_MORPH_RESIDUES = 1_500
"""Residues: every frame of a morph is relaxed until its bonds hold, which takes seconds a hundred residues."""

ALIGNMENT_WIDTH = 80
MAX_OTHER_RUNS = 60
"""The newest runs, which are offered as references."""

SCORES = {metric.id: metric for metric in COMPARISON_METRICS}


@dataclass(frozen=True)
class ComparisonLayers:
    """What a comparison adds to the workbench."""

    contacts: np.ndarray | None = None
    columns: list[Any] = field(default_factory=list)
    overlays: list[Any] = field(default_factory=list)
    films: list[Any] = field(default_factory=list)


def comparison_layers(run: Run, fold: FoldData) -> ComparisonLayers:
    """The reference laid on the model, lDDT and deviation to colour by, true contacts, the morph: what is ready."""
    from viz.components.structure_workbench import Column, Overlay

    comparison, stored_reference = run_data.stored_json(run.id, COMPARISON), run_data.reference(run.id)
    if comparison is None or stored_reference is None:
        return ComparisonLayers()
    reference, stored = stored_reference
    rows = np.asarray(comparison["model"], int)
    lddt, deviation = np.full((2, len(fold.structure)), np.nan)
    lddt[rows] = [np.nan if value is None else value for value in comparison["lddt_residues"]]
    deviation[rows] = comparison["deviation"]
    name = str(stored.meta.get("title") or "reference")
    columns = [
        Column("lddt", f"lDDT against {name}", lddt, "", SCORES["lddt"].meaning, 0, 1),
        Column("deviation", f"Distance from {name}", deviation, "Å", "Between Cα atoms after superposition.", 0),
    ]
    partners = [pair["reference"] for pair in comparison["chains"]]
    superposed = _superposed(reference.select(np.isin(reference.chains, partners)), comparison)
    overlay = Overlay(
        "reference", name, superposed, f"TM-score {comparison['tm']:.3f}, RMSD {comparison['rmsd']:.2f} Å"
    )
    true, _ = true_contacts(fold.structure, reference, comparison)
    return ComparisonLayers(true, columns, [overlay], _morph(run, fold.structure, comparison))


def _superposed(reference: Structure, comparison: Mapping[str, Any]) -> Structure:
    """The reference on the model: the comparison's transform goes the other way."""
    back = np.asarray(comparison["rotation"]).T
    return reference.moved(back, -back @ np.asarray(comparison["shift"]))


def true_contacts(
    model: Structure, reference: Structure, comparison: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Contacts of the reference by the model's residues `(L, L)` bool, and which residues it tells of `(L,)` bool."""
    rows, others = np.asarray(comparison["model"], int), np.asarray(comparison["reference"], int)
    true, known = np.zeros((len(model), len(model)), bool), np.zeros(len(model), bool)
    true[np.ix_(rows, rows)] = contact_map(reference)[np.ix_(others, others)]
    known[rows] = True
    return true, known


def _morph(run: Run, model: Structure, comparison: Mapping[str, Any]) -> list[Any]:
    from viz.components.structure_workbench import Film, Frame

    path = run_data.load_array(run.id, MORPH)
    if path is None:
        return []
    rows = np.sort(np.asarray(comparison["model"], int))
    base = model.select(rows)
    if path.shape[1] != len(base):
        return []
    mask = np.asarray(path.any(axis=(0, 3)))  # (P, 37): an atom that is missing lies at zero in every frame
    frames = [
        Frame(
            Structure.build(
                atoms, mask, base.sequence, chains=base.chains, numbers=base.numbers, insertions=base.insertions
            ),
            f"{100 * place / (len(path) - 1):.0f} % of the way",
        )
        for place, atoms in enumerate(path)
    ]
    return [Film("morph", "Morph to the reference", frames, rows, kind="morph")]


def show(run: Run) -> None:
    """The scores where a reference is there, and the way to give one."""
    fold, stored_reference = run_data.load_fold(run), run_data.reference(run.id)
    if fold is None:
        return
    if stored_reference is not None:
        title = str(stored_reference[1].meta.get("title") or "a reference")
        st.markdown(f"Compared with **{formatting.escape(title)}**")
    score = compare.Score(COMPARISON, partial(_compute_comparison, run), partial(_show_comparison, run), "Comparing…")
    form = compare.TruthForm(
        title="Give a structure to compare with",
        other="Compare with another structure",
        about="An experiment or another prediction of this protein or a relative of it (PDB or mmCIF).",
        ask=partial(_ask_for_reference, run),
        forget=partial(_forget_reference, run),
    )
    compare.show(run, [score], form, known=stored_reference is not None)
    beside.offer(
        run,
        "Lay them on this one",
        "Or lay several of your runs on this one: each with its own switch in 3D, its alignment, and all in one file.",
    )


def _load_pair(run: Run) -> tuple[FoldData, Structure]:
    fold, stored_reference = run_data.load_fold(run), run_data.reference(run.id)
    if fold is None or stored_reference is None:
        raise BadInput("The structures to compare no longer exist.")
    return fold, stored_reference[0]


def _compute_comparison(run: Run) -> dict[str, Any]:
    from evaluation.metrics.folding.folds import calibration, compare, contact_precision

    fold, reference = _load_pair(run)
    result = compare(fold.structure, reference)
    comparison = result.to_json()
    if fold.contacts is not None:
        true, known = true_contacts(fold.structure, reference, comparison)
        comparison["precision"] = contact_precision(fold.contacts, true, known=known)
    plddt = fold.structure.confidence[result.matching.model]
    if (np.isfinite(plddt) & np.isfinite(result.residues)).any():
        accuracy = calibration(plddt, result.residues)
        comparison["calibration"] = {"error": accuracy.error, "correlation": accuracy.correlation}
    return comparison


def _compute_morph(run: Run) -> bytes:
    """`(F, P, 37, 3)` of the compared residues, in the model's order, from the model to the reference."""
    import io

    from evaluation.metrics.folding.morph import morph

    fold, reference = _load_pair(run)
    comparison = run_data.stored_json(run.id, COMPARISON)
    if comparison is None:
        raise BadInput("The comparison no longer exists: compare again.")
    order = np.argsort(comparison["model"])
    rows, others = np.asarray(comparison["model"], int)[order], np.asarray(comparison["reference"], int)[order]
    frames = morph(fold.structure.select(rows), _superposed(reference, comparison).select(others), MORPH_FRAMES)
    target = io.BytesIO()
    np.savez_compressed(target, morph=np.stack([frame.atoms for frame in frames]))
    return target.getvalue()


def _show_comparison(run: Run, comparison: Mapping[str, Any]) -> None:
    """The scores, and the morph, which is worked out from the comparison once that is there."""
    fold = run_data.load_fold(run)
    if fold is None:
        return
    _show_scores(comparison)
    _show_lddt(run, fold.structure, comparison)
    if len(fold.structure) <= MAX_MORPH_RESIDUES:
        analysed(run, MORPH, partial(_compute_morph, run), "Making the morph…", lambda _: None)


def _show_scores(comparison: Mapping[str, Any]) -> None:
    st.markdown(formatting.escape(comparison["sentence"]))
    with st.container(horizontal=True):
        for metric in COMPARISON_METRICS:
            st.metric(metric.name, metric.format(comparison.get(metric.id)), help=metric.meaning, width=130)
    pairs = ", ".join(f"{pair['model']} with {pair['reference']}" for pair in comparison["chains"])
    by = "shape (TM-align)" if comparison.get("paired_by") == "shape" else "sequence"
    st.caption(f"Chains: {formatting.escape(pairs)}, their residues paired by {by}.")
    _show_alignment(comparison)
    if precision := comparison.get("precision"):
        text = ", ".join(f"{top} {_percent(value)}" for top, value in precision.items())
        st.caption(
            f"Precision of the most likely contacts, between residues six or more apart: {text}.",
            help="The share of the L, L/2 and L/5 most likely contacts that are in the reference, where L is the "
            "number of residues.",
        )
    if accuracy := comparison.get("calibration"):
        text = "" if accuracy["correlation"] is None else f", correlation {accuracy['correlation']:.2f}"
        st.caption(f"pLDDT was off from the true lDDT by {accuracy['error']:.0f} points on average{text}.")


def _show_alignment(comparison: Mapping[str, Any]) -> None:
    if blocks := comparison.get("alignment"):
        with st.expander("Alignment"):
            show_alignment(blocks)


def show_alignment(blocks: Sequence[Mapping[str, str]]) -> None:
    """Which residue was taken as which, chain by chain."""
    for block in blocks:
        lines = [block["top"], block["marks"], block["bottom"]]
        starts = range(0, len(block["top"]), ALIGNMENT_WIDTH)
        text = "\n\n".join("\n".join(line[at : at + ALIGNMENT_WIDTH] for line in lines) for at in starts)
        st.caption(f"Chain {formatting.escape(block['model'])} with {formatting.escape(block['reference'])}")
        st.code(text, language=None)
    st.caption("Above this structure, below the reference; “:” within 5 Å of each other, “.” further apart.")


def _show_lddt(run: Run, structure: Structure, comparison: Mapping[str, Any]) -> None:
    from viz.folding.figures import lddt_line

    values = np.full(len(structure), np.nan)
    values[comparison["model"]] = [np.nan if value is None else value for value in comparison["lddt_residues"]]
    figure, alt = lddt_line({"against the reference": values}, run_data.residue_numbers(structure))
    charts.show(figure, alt=alt, key=f"lddt-{run.id}")
    st.caption(
        f"{alt} The workbench above can be coloured by it, and shows the reference and the morph between the two."
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _ask_for_reference(run: Run) -> compare.Truth | None:
    """A file, or else another run; None while there is neither. Both are empty again once a reference is kept."""
    stored = services.library().artifacts(run.id, REFERENCE)
    key = f"{run.id}-{stored[0].file}" if stored else run.id
    upload = file_chooser.choose_file("Reference", f"reference-{key}", most_mb=probe.MAX_UPLOAD_MB)
    others = {
        other.id: other
        for other in services.library().list("folding", "done", limit=MAX_OTHER_RUNS)
        if other.id != run.id and other.facts.get("length")
    }
    chosen = None
    if others:
        chosen = st.selectbox(
            "Or one of your runs",
            list(others),
            None,
            format_func=lambda each: _run_label(others[each]),
            placeholder="Choose a run",
            key=f"other-{key}",
        )
    if upload is not None and chosen is not None:
        return compare.Truth(lambda: None, "Choose a file or a run, not both.")
    if upload is not None:
        return compare.Truth(partial(_save_upload, run, upload))
    return compare.Truth(partial(_save_run, run, others[chosen])) if chosen is not None else None


def _run_label(run: Run) -> str:
    return f"{run.title} ({run.card.get('title', run.weights)})"


def _save_upload(run: Run, upload: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="fourfold-reference-") as folder:
        path = Path(folder) / "reference"
        copy_upload(upload, path)
        _save_reference(run, path, Path(upload.name).stem)


def _save_run(run: Run, other: Run) -> None:
    _save_reference(run, services.library().only(other.id, "structure", "model.cif"), _run_label(other))


def _save_reference(run: Run, path: Path, title: str) -> None:
    """Keep a reference with the run, in place of an earlier one and what was worked out from it.

    Raises UserError where the file holds no structure.
    """
    from backends.folding.structure.writer import to_cif

    structure = read_structure(path)
    _forget_reference(run)
    services.library().keep(
        run.id, REFERENCE, REFERENCE, to_cif(structure).encode(), file="reference.cif", meta={"title": title[:80]}
    )


def _forget_reference(run: Run) -> None:
    """Drop the reference and what was worked out from it besides the scores, which the panel forgets."""
    for kind in (MORPH, run_data.HEADS):
        services.analyses().forget(Analysis(run.id, kind))
    services.library().drop(run.id, REFERENCE)
