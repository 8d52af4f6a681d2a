"""What explains a finished fold: its files, confidence and geometry in figures, numbers of one's own, its origin."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backends.core.errors import UserError
from backends.folding.structure.atoms import CA
from backends.folding.structure.plausibility_checks import CHECKS
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from backends.shared.spreadsheet import BYTE_ORDER_MARK, safe_cell
from evaluation.metrics.folding.scores import ESTIMATED_CONFIDENCE, PLDDT, PTM
from studio import services
from studio.library.library import Run
from studio.proteins import compare, form, interface_panel, run_data, scripts
from studio.proteins.run_data import COLUMNS, FoldData
from studio.ui import charts, downloads, file_chooser, formatting, run_sections
from studio.web import filenames

FILES = (
    ("structure", "model.pdb", "PDB", "Opens in PyMOL, ChimeraX and most other programs."),
    ("structure", "model.cif", "mmCIF", "The same in the modern format, with no limit on size."),
    ("confidence", "confidence.json", "Confidence (JSON)", "pLDDT of each residue, PAE, pTM."),
    ("sanity", "sanity.json", "Geometry check (JSON)", "Every check with its residues."),
    ("interfaces", "interfaces.json", "Pairs of chains (JSON)", "ipTM, least PAE, ipSAE and pDockQ of each pair."),
)
B_FACTOR = (
    "The B-factor column of these files holds the confidence (higher is better), not the motion of atoms. "
    "Convert it before you use the model for molecular replacement."
)
MARKS = {
    "good": ":green-badge[:material/check: as in nature]",
    "doubtful": ":orange-badge[:material/warning: unusual]",
    "broken": ":red-badge[:material/close: impossible]",
}
ARCHIVE_NAMES = {
    run_data.COMPARISON: "comparison.json",
    run_data.MORPH: "morph.npz",
    run_data.HEADS: "heads.json",
    run_data.REFERENCE: "reference.cif",
}
"""Names in the archive of files that the library keeps under others."""
STATES = {"H": "helix", "E": "strand", "-": "neither"}


def files(run: Run) -> None:
    """The downloads, one by one and together."""
    downloads.show(file_list(run))
    fold = run_data.load_fold(run)
    if fold is not None and np.isfinite(fold.structure.confidence).any():
        st.caption(f":material/warning: {B_FACTOR}")


def file_list(run: Run) -> list[downloads.Download]:
    """Every file of a fold, one by one and together."""
    library = services.library()
    artifacts = {(item.kind, item.name): item for item in library.artifacts(run.id)}
    wanted = [(artifacts.get((kind, name)), label, about) for kind, name, label, about in FILES]
    files = [downloads.from_artifact(run.id, stored, label, about) for stored, label, about in wanted if stored]
    for stored in library.artifacts(run.id, "ranked"):
        plddt = stored.meta.get("plddt")
        about = "A further model of the same protein" + (f", mean pLDDT {plddt:.0f}." if plddt is not None else ".")
        files.append(downloads.from_artifact(run.id, stored, stored.name, about))
    files += [
        downloads.Download(
            f"{program} script",
            f"Opens model.cif of the same folder in {program} with this colouring, chains and domains named.",
            make=partial(_script, write, run),
            file_name=f"view.{ending}",
            media_type="text/plain",
            icon=":material/code:",
        )
        for program, ending, write in (("PyMOL", "pml", scripts.pymol), ("ChimeraX", "cxc", scripts.chimerax))
    ]
    files.append(
        downloads.Download(
            "Everything (ZIP)",
            "Every file of this run, including what else the model kept.",
            make=lambda: archive(run),
            file_name=f"{_file_name(run)}.zip",
            media_type="application/zip",
            icon=":material/folder_zip:",
        )
    )
    files.append(
        downloads.Download(
            "3D page for a report (HTML)",
            "One file to turn and zoom in any browser, even offline.",
            make=lambda: page(run),
            file_name=f"{_file_name(run)}.html",
            media_type="text/html",
            icon=":material/view_in_ar:",
        )
    )
    return files


def _script(write: Callable[[FoldData | None], str], run: Run) -> str:
    return write(run_data.load_fold(run))


def _file_name(run: Run) -> str:
    return filenames.clean(run.title) or "Protein"


def archive(run: Run) -> bytes:
    """Every result of a run in one zip; names come from the database, never from a path."""
    library, target = services.library(), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for item in library.artifacts(run.id):
            if item.kind == "input":
                continue
            folder = "" if item.kind in ("structure", "confidence", "sanity", "interfaces") else f"{item.kind}/"
            name = ARCHIVE_NAMES.get(item.kind) or (item.name if "." in item.name else item.file)
            entry_name = f"{folder}{filenames.clean(name) or item.file}"
            with library.open(run.id, item) as source, bundle.open(entry_name, "w") as entry:
                while block := source.read(1 << 20):
                    entry.write(block)
    return target.getvalue()


def page(run: Run) -> str:
    """The structure as one HTML page that stands alone."""
    from viz.folding.structure import static_view

    fold = run_data.load_fold(run)
    return static_view(fold.structure) if fold else ""


def confidence(run: Run) -> None:
    """pLDDT along the chain, PAE with its domains, the recycles, and what each of them means."""
    from evaluation.metrics.folding.domains import domains
    from viz.folding.figures import plddt_line, recycle_line
    from viz.folding.maps import pae_map

    fold = run_data.load_fold(run)
    if fold is None:
        return
    scores, steps, estimated = fold.confidence, run_data.steps(run.id), fold.structure.method == "estimate"
    if scores.plddt is None and scores.pae is None:
        st.caption("This structure comes without any confidence scores.")
    if scores.plddt is not None:
        named, metric = ("Estimated confidence", ESTIMATED_CONFIDENCE) if estimated else ("pLDDT", PLDDT)
        st.markdown(f"**{named} along the chain**", help=metric.meaning)
        figure, alt = plddt_line(scores.plddt, run_data.residue_numbers(fold.structure), named)
        charts.show(figure, alt=alt, key=f"plddt-{run.id}")
        st.caption(alt)
    if scores.pae is not None:
        parts = domains(scores.pae, scores.plddt)
        st.markdown(
            "**Predicted aligned error (PAE)**",
            help="How far off, in Å, one residue may be when the structure is aligned on another. Dark squares are "
            "parts that the model is sure of; light areas between them mean that it is not sure how these parts are "
            "placed relative to each other.",
        )
        st.markdown(f":material/category: {parts.sentence}")
        if run_data.residue_numbers(fold.structure) != list(range(1, len(fold.structure) + 1)):
            st.caption("In this map and its domains residues are counted from 1 in the order of the file.")
        figure, alt = pae_map(scores.pae, parts.labels, chains=list(fold.structure.chain_slices()))
        charts.show(figure, alt=alt, key=f"pae-{run.id}")
    interface_panel.show(run, fold)
    known = [step for step in steps if step.meta.get("plddt") is not None]
    if len(known) > 1:
        st.markdown("**Recycle by recycle**", help=f"{PTM.meaning} It is drawn multiplied by 100.")
        named = "estimated confidence" if estimated else "mean pLDDT"
        figure, alt = recycle_line([s.meta["plddt"] for s in known], [s.meta.get("ptm") for s in known], named)
        charts.show(figure, alt=alt, key=f"recycles-{run.id}")
        st.caption(alt)


def geometry(run: Run) -> None:
    """Every check with its value and what is expected, the residues that offend one click from 3D; Ramachandran."""
    from viz.folding.maps import ramachandran

    fold = run_data.load_fold(run)
    if fold is None:
        return
    for row in fold.sanity["rows"]:
        badge, name, value, sentence = st.columns([2, 2, 3, 5], vertical_alignment="center")
        badge.markdown(MARKS[row["verdict"]])
        name.markdown(f"**{row['name']}**", help=row["definition"])
        value.caption(_against(row))
        with sentence.container(horizontal=True, vertical_alignment="center"):
            st.caption(formatting.escape(row["sentence"]))
            if row["residues"] and st.button("Show in 3D", key=f"show-{run.id}-{row['id']}", type="tertiary"):
                run_data.select(run.id, row["residues"])
                st.rerun()
    if fold.structure.backbone:
        st.markdown(
            "**Ramachandran plot**",
            help="The two backbone angles at each residue. Real proteins keep to the shaded areas; glycine is freer "
            "than the rest.",
        )
        figure, alt = ramachandran(fold.structure)
        charts.show(figure, alt=alt, key=f"ramachandran-{run.id}")
        st.caption(alt)


def _against(row: Mapping[str, Any]) -> str:
    """The value of a check beside what is expected; of most checks it is the share of places that are off."""
    shown = f"{row['value']:.2g}" if row["value"] < 10 else f"{row['value']:.3g}"
    what = f"{shown} % off" if row["unit"] == "%" and row["id"] != "secondary" else f"{shown} {row['unit']}"
    most = next((one.good for one in CHECKS if one.id == row["id"] and one.unit == "%"), 0.0)
    usual = f"; up to {most:g} % off is usual" if most and "%" not in row["expected"] else ""
    return f"{what} · expected: {row['expected']}{usual}"


def selected(run: Run, fold: FoldData, state: Mapping[str, Any] | None) -> None:
    """What is selected in the workbench, as a table to take along."""
    rows = [int(row) for row in (state or {}).get("rows", ()) if 0 <= int(row) < len(fold.structure)]
    if not rows:
        return
    with st.expander(f"Selected: {formatting.count(len(rows), 'residue')}"):
        shown = table(run, fold).iloc[rows]
        st.dataframe(shown, hide_index=True)
        charts.pin_table(shown, "The selected residues.", f"selected-{run.id}")


def table(run: Run, fold: FoldData) -> pd.DataFrame:
    """What is known of each residue, one row each."""
    structure = fold.structure
    shown: dict[str, Any] = {
        "chain": structure.chains,
        "residue": [f"{a}{b}" for a, b in zip(structure.numbers, structure.insertions, strict=True)],
        "amino acid": list(structure.sequence),
        "residue name": structure.components,
        "structure": [STATES[state] for state in assign_secondary_structure(structure)],
    }
    if np.isfinite(structure.confidence).any():
        name = "estimated confidence" if structure.method == "estimate" else "pLDDT"
        shown[name] = np.round(structure.confidence, 1)
    shown |= {column.label: column.values for column in measured_columns(structure)}
    for column in [*columns(run, fold), *compare.comparison_layers(run, fold).columns]:
        shown.setdefault(column.label, column.values)
    return pd.DataFrame(shown)


def measured_columns(structure: Structure) -> list[Any]:
    """The B-factor of an experiment, or of a file that does not say what the column is, to colour by."""
    from viz.components.structure_workbench import Column

    if np.isfinite(structure.confidence).any() or not len(structure.factors):
        return []
    values = structure.factors[:, CA]
    if not np.isfinite(values).any() or np.nanmax(values) == np.nanmin(values):
        return []
    measured = structure.method == "experiment"
    label, unit = ("B-factor", "Å²") if measured else ("B-factor column", "")
    meaning = (
        "How much the atoms move or are spread in the crystal, at Cα."
        if measured
        else "The numbers of the file's B-factor column at Cα, whatever they mean."
    )
    return [Column("b-factor", label, values, unit, meaning)]


def columns(run: Run, fold: FoldData) -> list[Any]:
    """The numbers that somebody brought for this run."""
    from viz.components.structure_workbench import parse_csv

    artifacts = services.library().artifacts(run.id, COLUMNS)
    if not artifacts:
        return []
    with services.library().open(run.id, artifacts[0]) as file:
        return list(parse_csv(file.read(), fold.structure))


def numbers(run: Run) -> None:
    """Take a table of numbers to colour by, or the table of all that is known here."""
    from viz.components.structure_workbench import parse_csv

    fold, library = run_data.load_fold(run), services.library()
    if fold is None:
        return
    st.caption(
        "A CSV with a column “residue”, a column “chain” if there are several, and any columns of numbers. You can "
        "colour the workbench above by them: in 3D, on the sequence and in the chart. They stay with this run."
    )
    upload = file_chooser.choose_file("Your numbers (CSV)", f"csv-{run.id}", most_mb=8)
    if upload is not None and st.session_state.get(f"csv-taken-{run.id}") != upload.file_id:
        try:
            columns_read = parse_csv(upload.getvalue(), fold.structure)
        except UserError as error:
            st.error(error.sentence, icon=":material/error:")
        else:
            library.keep(run.id, COLUMNS, COLUMNS, upload.getvalue(), file="numbers.csv")
            st.session_state[f"csv-taken-{run.id}"] = upload.file_id
            st.toast(f"{formatting.count(len(columns_read), 'column')} can be chosen under “Colour”.")
            st.rerun()
    mine = columns(run, fold)
    if mine:
        st.markdown(f"To colour by: **{formatting.escape(', '.join(column.label for column in mine))}**")
        if st.button("Forget these numbers", icon=":material/delete:"):
            library.drop(run.id, COLUMNS)
            st.rerun()
    st.markdown("**Every residue**")
    st.dataframe(table(run, fold), hide_index=True, height=300)
    charts.pin_table(table(run, fold), "Every residue.", f"residues-{run.id}")
    downloads.show(
        [
            downloads.Download(
                "This table (CSV)",
                make=lambda: (
                    BYTE_ORDER_MARK + table(run, fold).map(safe_cell).rename(columns=safe_cell).to_csv(index=False)
                ),
                file_name=f"{_file_name(run)}.csv",
                media_type="text/csv",
                icon=":material/table:",
            )
        ]
    )


def about(run: Run) -> None:
    """Where the result came from, and the ways to repeat, change or delete it."""
    run_sections.origin(run, form.option_texts(run.options))
    if run.facts.get("sequence"):
        st.caption("Sequence")
        st.code(run.facts["sequence"], language=None, wrap_lines=True)
    with st.expander("Everything as JSON"):
        st.json(json.dumps({"facts": run.facts, "metrics": run.metrics, "options": run.options}))
    run_sections.repeat_or_delete(run, change="Fold it another way")
