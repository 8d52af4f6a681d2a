"""What a finished folding run left behind, read into arrays: structure, confidence, checks, maps, comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from backends.core.errors import BadInput, UserError
from backends.folding.structure.assemblies import Assembly
from backends.folding.structure.confidence import Confidence, parse_confidence
from backends.folding.structure.reader import read_assemblies, read_models, read_structure
from backends.folding.structure.structure import Structure
from studio import services
from studio.library.library import Run, StoredArtifact

MAX_CACHED_RUNS = 12
"""Runs whose arrays are held at once: a PAE of 2,000 residues takes 16 MB."""

REFERENCE, COMPARISON, MORPH, COLUMNS, HEADS = "reference", "comparison", "morph", "columns", "heads"


@dataclass(frozen=True)
class FoldData:
    """A run's structure, how sure its model is, the checks of its geometry, and contacts `(L, L)` where it has any."""

    structure: Structure
    confidence: Confidence
    sanity: dict[str, Any]
    contacts: np.ndarray | None


def load_fold(run: Run) -> FoldData | None:
    """What this run found; None while it has not."""
    artifacts = {item.name: item for item in services.library().artifacts(run.id)}
    if not {"model.cif", "confidence.json", "sanity.json"} <= artifacts.keys():
        return None
    files = tuple(artifacts[name].file for name in ("model.cif", "confidence.json", "sanity.json"))
    return _read(run.id, files, is_estimated(run))


def require_fold(run: Run) -> FoldData:
    """What this run found. Raises BadInput where it has no structure any more."""
    data = load_fold(run)
    if data is None:
        raise BadInput("The structure of this run is not in the library any more.")
    return data


def is_estimated(run: Run) -> bool:
    """Whether the run's confidence is an estimate, of a method without training, and no pLDDT."""
    return run.card.get("id") == "coevolution"


@st.cache_resource(max_entries=MAX_CACHED_RUNS, show_spinner=False)
def _read(run_id: str, files: tuple[str, ...], estimated: bool) -> FoldData:
    """Bytes under one name never change, so what was read stays right.

    `estimated`: by a method without training, whose confidence is no pLDDT.
    """
    library = services.library()
    structure = read_structure(library.only(run_id, "structure", "model.cif"))
    stored = json.loads(library.only(run_id, "confidence", "confidence.json").read_bytes())
    # A structure that was opened may come without any confidence.
    some = any(stored.get(name) is not None for name in ("plddt", "pae", "ptm"))
    confidence = parse_confidence(stored) if some else Confidence()
    if confidence.plddt is not None:
        structure = structure.with_confidence(confidence.plddt)
    structure = replace(structure, method="estimate") if estimated else structure
    sanity = json.loads(library.only(run_id, "sanity", "sanity.json").read_bytes())
    contacts = load_array(run_id, "contacts")
    fits = contacts is not None and contacts.shape == (len(structure), len(structure))
    return FoldData(structure, confidence, sanity, contacts if fits else None)


def residue_numbers(structure: Structure) -> list[int] | None:
    """The file's residue numbers, where a number alone says which residue is meant: one chain, rising. Else None."""
    numbers = structure.numbers
    alone = len(set(structure.chains.tolist())) == 1 and bool((np.diff(numbers) > 0).all())
    return numbers.tolist() if alone else None


def load_array(run_id: str, kind: str) -> np.ndarray | None:
    """An array that the engine kept, by its name; None where it did not."""
    library = services.library()
    artifacts = library.artifacts(run_id, kind)
    if not artifacts:
        return None
    with library.open(run_id, artifacts[0]) as file, np.load(file, allow_pickle=False) as arrays:
        return arrays[kind if kind in arrays.files else arrays.files[0]]


@st.cache_resource(max_entries=64, show_spinner=False)
def structure_of(run_id: str, file: str) -> Structure:
    """A structure file of a run, by its name in the storage."""
    library = services.library()
    stored = library.find(run_id, file)
    if stored is None:
        raise BadInput("This structure is not in the library any more.")
    return read_structure(library.local(run_id, stored))


@st.cache_resource(max_entries=MAX_CACHED_RUNS, show_spinner=False)
def models_of(run_id: str) -> list[Structure]:
    """The models of the file that a run opened, such as those of an NMR ensemble; empty where there is but one."""
    library = services.library()
    run = library.get(run_id)
    if run is None or run.card.get("engine", run.engine) != "structure":
        return []
    try:
        models = read_models(library.only(run_id, "input", "input"), str(run.options.get("chain") or ""))
    except UserError:  # the file is gone, or was read with an option that makes something of it
        return []
    return models if len(models) > 1 else []


@st.cache_resource(max_entries=64, show_spinner=False)
def assemblies_of(run_id: str) -> tuple[Assembly, ...]:
    """The biological assemblies that the file of a run names, where the run opened a structure as it was brought."""
    library = services.library()
    run = library.get(run_id)
    kinds = {item.name for item in library.artifacts(run_id, "input")}
    if run is None or run.card.get("engine", run.engine) != "structure" or "pae" in kinds:
        return ()
    try:
        return read_assemblies(library.only(run_id, "input", "input"))
    except UserError:  # the file is gone
        return ()


def title_of(run: Run) -> str:
    """What is open: the run's title, with the assembly that was built."""
    assembly = str(run.options.get("assembly") or "")
    return f"{run.title}, assembly {assembly}" if assembly else run.title


def steps(run_id: str) -> tuple[StoredArtifact, ...]:
    """The structures after each recycle that have arrived, in order."""
    return tuple(sorted(services.library().artifacts(run_id, "recycle"), key=lambda item: int(item.name)))


def stored_json(run_id: str, kind: str) -> dict[str, Any] | None:
    """An analysis that is ready, without asking for it."""
    artifacts = services.library().artifacts(run_id, kind)
    if not artifacts:
        return None
    with services.library().open(run_id, artifacts[0]) as file:
        return json.load(file)


def reference(run_id: str) -> tuple[Structure, StoredArtifact] | None:
    """The structure that this run is compared with."""
    artifacts = services.library().artifacts(run_id, REFERENCE)
    return (structure_of(run_id, artifacts[0].file), artifacts[0]) if artifacts else None


def select(run_id: str, rows: Sequence[int]) -> None:
    """Select residues in the workbench at the next run of the page, whatever is selected now."""
    serial = st.session_state.get(f"asked-{run_id}", (0, ()))[0]
    st.session_state[f"asked-{run_id}"] = (serial + 1, tuple(int(row) for row in rows))
