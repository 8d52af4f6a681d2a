"""One folding run as a page shows it: structures on their way, the workbench when it is finished, what explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from backends.folding.structure.structure import Structure
from studio import services
from studio.findings import exhibits
from studio.library.library import Run, StoredArtifact
from studio.proteins import attention_panel, compare, contents_panel, ensemble, results, run_data, trust_panel
from studio.ui import run_page
from studio.ui.error_boundary import error_boundary
from studio.ui.place import place
from studio.web import urls

VIEWS = {
    "Files": results.files,
    "Confidence": results.confidence,
    "Geometry": results.geometry,
    "Contents": contents_panel.show,
    "Compare": compare.show,
    "Your numbers": results.numbers,
    "Inside the model": attention_panel.show,
    "About this run": results.about,
}
MAX_FRAMES = 40


def privacy() -> str:
    """Where the protein goes, in words."""
    backend = services.backend()
    if backend.place == "this computer":
        return "Your protein stays on this computer: nothing is sent anywhere."
    return f"Your protein is sent to {backend.place}, and nowhere else: no public alignment server is used."


def _draw_run(run_id: str, live: bool) -> None:
    """The verdicts, then the workbench with what is selected in it."""
    run = services.library().get(run_id)
    if run is None:
        return
    with error_boundary("the workbench"):
        fold = run_data.load_fold(run) if run.status == "done" else None
        if fold is None:
            _draw_progress(run, live)
            return
        trust_panel.show_verdicts(run, fold)
        state = _workbench(run, fold)
        exhibits.remember(run_id, state)
        results.selected(run, fold, state)


def _draw_progress(run: Run, live: bool) -> None:
    """The newest structure so far, with those before it as a film."""
    from viz.components.structure_workbench import manifest, structure_workbench

    steps = run_data.steps(run.id)
    if not steps:
        if live:
            st.caption("The first structure will appear here.")
        return
    now = run_data.structure_of(run.id, steps[-1].file)
    ptm = steps[-1].meta.get("ptm")
    st.caption(f"After round {steps[-1].meta['number']} of {steps[-1].meta['total']}{_confidence_text(run, steps[-1])}")
    from backends.folding.structure.confidence import Confidence

    contents = manifest(run.id, run.title, now, confidence=Confidence(ptm=ptm), films=_recycle_film(run.id, now))
    structure_workbench(contents, key=f"workbench-{run.id}")


def _confidence_text(run: Run, step: StoredArtifact) -> str:
    named = "estimated confidence" if run_data.is_estimated(run) else "mean pLDDT"
    plddt, ptm = step.meta.get("plddt"), step.meta.get("ptm")
    text = f": {named} {plddt:.0f}" if plddt is not None else ""
    return f"{text}, pTM {ptm:.2f}" if text and ptm is not None else text


def _workbench(run: Run, fold: run_data.FoldData) -> Mapping[str, Any] | None:
    from viz.components.structure_workbench import File, Problem, manifest, structure_workbench

    library = services.library()
    files = [
        File(name, urls.file_url(run.id, item, download=True))
        for kind in ("structure", "confidence")
        for item in library.artifacts(run.id, kind)
        for name in [{"model.pdb": "PDB", "model.cif": "mmCIF"}.get(item.name, "JSON")]
    ]
    problems = [
        Problem(row["id"], row["name"], row["residues"], row["sentence"], row["verdict"])
        for row in fold.sanity["rows"]
        if row["verdict"] != "good" and row["residues"]
    ]
    beside = compare.comparison_layers(run, fold)
    at = place()
    in_address = None if at is None or at >= len(fold.structure) else (int(at),)
    serial, rows = st.session_state.get(f"asked-{run.id}", (0, in_address))
    contents = manifest(
        run.id,
        run_data.title_of(run),
        fold.structure,
        confidence=fold.confidence,
        contacts=fold.contacts,
        true_contacts=beside.contacts,
        columns=[
            *results.measured_columns(fold.structure),
            *beside.columns,
            *results.columns(run, fold),
            *attention_panel.columns(run, fold),
        ],
        overlays=beside.overlays,
        films=[*_recycle_film(run.id, fold.structure), *_ensemble_film(run.id, fold.structure), *beside.films],
        problems=problems,
        files=files,
        selection=rows,
        selection_serial=serial,
    )
    return structure_workbench(contents, key=f"workbench-{run.id}")


def _recycle_film(run_id: str, main: Structure) -> list[Any]:
    """The recycles, each laid on the main structure; none where they are of other residues, or but one."""
    from evaluation.metrics.folding.superpose import superpose
    from viz.components.structure_workbench import Film, Frame

    steps = _evenly_spaced(run_data.steps(run_id), MAX_FRAMES)
    frames = []
    for item in steps:
        step = run_data.structure_of(run_id, item.file)
        if step.sequence != main.sequence:
            return []
        laid = superpose(step.ca, main.ca)
        frames.append(
            Frame(
                step.moved(laid.rotation, laid.shift),
                f"Round {item.meta['number']} of {item.meta['total']}",
                item.meta.get("plddt"),
                item.meta.get("ptm"),
            )
        )
    return [Film("recycles", "Recycles", frames)] if len(frames) > 1 else []


def _ensemble_film(run_id: str, main: Structure) -> list[Any]:
    """The models of an ensemble one after the other, each laid on the one that is shown."""
    from viz.components.structure_workbench import Film, Frame

    frames = [
        Frame(one.structure, f"Model {one.number}, {one.rmsd:.2f} Å from the first")
        for one in ensemble.laid_models(run_id, main)
    ]
    return [Film("models", "Models of the file", frames, kind="models")] if frames else []


def _evenly_spaced(items: Sequence[StoredArtifact], most: int) -> Sequence[StoredArtifact]:
    """At most so many, first and last among them."""
    if len(items) <= most:
        return items
    return [items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int)]


PAGE = run_page.RunPage(
    task="folding",
    begin="Another protein",
    cancelled="Your protein is kept; the structures finished so far are below.",
    watch=_draw_run,
    views=VIEWS,
    files=results.file_list,
    shown_apart="sanity_sentence",
    heading=run_data.title_of,
    gathers="What to know about this file and its result",
)
