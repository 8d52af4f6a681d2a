"""The protein that the page is about: pasted text, an upload, a sample, or the file of an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import services
from studio.jobs.uploads import copy_upload
from studio.library.library import Run
from studio.proteins import probe
from studio.proteins.probe import Probe
from studio.ui import source
from studio.ui.session_files import cached, temporary_file
from studio.ui.source import Source

SLOT = "protein"


@dataclass
class Protein(Source[Probe]):
    """A protein's file; `pae` is a confidence file that goes with a structure."""

    pae: Path | None = None


def of_text(text: str, name: str = "") -> Protein:
    """Pasted text; without a name it goes by that of its first chain."""
    protein = Protein(**vars(source.of_text(text, name, probe.probe, SLOT)))
    query = protein.probe.query
    own = query.chains[0].name if query is not None else ""
    protein.name = name or (f"{own}.txt" if len(own) > 1 else "Pasted protein.txt")
    return protein


def of_upload(upload: Any, place: int = 0) -> Protein:
    """An upload as Streamlit gives it, the one at `place` of several."""
    return Protein(**vars(source.of_upload(upload, probe.TYPES, probe.probe, f"{SLOT}-{place}")))


def apart(protein: Protein) -> Protein:
    """The sequences of one file as proteins of their own: the first, with the others beside it."""
    chains = protein.probe.query.chains if protein.probe.query is not None else ()
    each = [
        Protein(
            **vars(
                source.of_text(
                    f">{chain.name}\n{chain.sequence}\n", f"{chain.name}.fasta", probe.probe, f"{SLOT}-part-{place}"
                )
            )
        )
        for place, chain in enumerate(chains)
    ]
    each[0].others = each[1:]
    return each[0]


def of_run(run: Run) -> Protein:
    """The file of an earlier run, and its confidence file. Raises UserError where the first is gone."""
    library = services.library()
    pae = [item for item in library.artifacts(run.id, "input") if item.name == "pae"]
    return Protein(**vars(source.of_run(run, probe.probe, SLOT)), pae=library.local(run.id, pae[0]) if pae else None)


def add_confidence_file(upload: Any, protein: Protein) -> str:
    """Take a confidence file along with its structure; one sentence where it does not fit."""

    def make() -> tuple[Path, str, Any]:
        folder, path = temporary_file(".json")
        copy_upload(upload, path)
        return path, probe.confidence_problem(path, protein.path), folder

    path, problem, _ = cached("pae", f"pae-{upload.file_id}-{protein.key}", make)
    protein.pae = None if problem else path
    return problem
