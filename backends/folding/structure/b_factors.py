"""What the B-factor column of a structure file means: displacement, confidence (pLDDT), or something else."""

from __future__ import annotations

import re

import gemmi
import numpy as np

from backends.core.errors import BadInput
from backends.folding.structure.atoms import CA
from backends.folding.structure.confidence import normalise_plddt

MAX_HEADER = 1_000_000
"""Letters of a file's header that are looked at."""

AUTO, PLDDT, DISPLACEMENT, OTHER = "auto", "plddt", "displacement", "other"

_PROGRAMS = re.compile(
    r"alphafold|colabfold|esmfold|openfold|rosettafold|omegafold|boltz|chai-1|protenix|helixfold", re.I
)
"""Programs that write their pLDDT into the column."""
_NAMING_RECORDS = re.compile(
    r"^(HEADER|TITLE |COMPND|AUTHOR|_struct\.|_software\.|_ma_software|_entry\.id|data_)", re.I
)
"""Where a file says what it is. A remark about the model that a crystal was solved with says nothing of the kind."""
_COLUMN = r"B-?\s?factors?(?: column)?(?: are| is| holds?| contains?|:| =)"
_STATED = re.compile(rf"{_COLUMN} *(the |a |an |mean |per-\w+ )*(pLDDT|predicted lddt|estimate of confidence)", re.I)
_STATED_OTHER = re.compile(rf"{_COLUMN} *(?!.*(lddt|confidence))\w", re.I)
_METRIC = re.compile(r"^\s*_ma_qa_metric(_local)?\.", re.I | re.M)


def header_of(text: str) -> str:
    """All lines that hold no atoms, up to a limit."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(("ATOM", "HETATM")))[:MAX_HEADER]


def read_method(parsed: gemmi.Structure, stated: str, header: str) -> str:
    """ "experiment", "prediction" or "" for not known: what the file states, never what its numbers look like."""
    stated = stated.upper()
    if "MODEL" in stated or "PREDICT" in stated or "COMPUTATION" in stated:
        return "prediction"
    if stated.strip(" ?."):
        return "experiment"
    if _METRIC.search(header) or _STATED.search(header) or re.search(r"^PARENT ", header, re.M):
        return "prediction"
    if parsed.resolution or parsed.spacegroup_hm not in ("", "P 1"):
        return "experiment"
    return "prediction" if _names_program(header) else ""


def _names_program(header: str) -> bool:
    return any(_PROGRAMS.search(line) for line in header.splitlines() if _NAMING_RECORDS.match(line))


def read_confidence(
    factors: np.ndarray, mask: np.ndarray, method: str, header: str, meaning: str = AUTO
) -> tuple[np.ndarray | None, float]:
    """pLDDT of each residue, or None, and by what the whole column is multiplied to be on 0 to 100.

    Args:
        factors: `(L, 37)` the column.
        mask: `(L, 37)` the atoms that are there.
        method: of the structure, as `read_method` gives it.
        header: of the file.
        meaning: what the user says that the column is; "auto" goes by what the file states.

    Raises:
        BadInput: the user calls a column pLDDT that cannot be.
    """
    if meaning in (DISPLACEMENT, OTHER) or (meaning == AUTO and not _is_stated(factors, method, header)):
        return None, 1.0
    values = np.where(mask[:, CA], factors[:, CA], np.nan)
    try:
        confidence = normalise_plddt(values)
    except BadInput as error:
        if meaning == PLDDT:
            raise BadInput("The B-factors of this file are not pLDDT: some lie outside 0 to 100.") from error
        return None, 1.0
    scale = 100.0 if np.nanmax(np.abs(values)) <= 1 else 1.0
    return confidence, scale


def _is_stated(factors: np.ndarray, method: str, header: str) -> bool:
    """Whether the file says that the column is pLDDT, and its numbers do not speak against it."""
    known = factors[np.isfinite(factors)]
    if method != "prediction" or not len(known) or known.max() <= 0:
        return False
    if _STATED.search(header) or (_METRIC.search(header) and "plddt" in header.lower()):
        return True
    if _STATED_OTHER.search(header) or np.ptp(known) == 0:  # one number everywhere says nothing
        return False
    # ESMFold and OpenFold write this line, and so do models for CASP, whose column is an error in Å of each atom.
    parent = re.search(r"^PARENT ", header, re.M) is not None
    return _names_program(header) or (parent and (one_value_a_residue(factors) or known.max() <= 1))


def one_value_a_residue(factors: np.ndarray) -> bool:
    """Whether all atoms of each residue have one value, as programs write their confidence (and much else)."""
    several = np.isfinite(factors).sum(axis=1) > 1
    if not several.any():
        return False
    some = factors[several]
    return bool((np.nanmax(some, axis=1) - np.nanmin(some, axis=1) < 1e-3).all())


def question(factors: np.ndarray, method: str, header: str) -> str:
    """One sentence where the column could be pLDDT and the file does not say; else ""."""
    known = factors[np.isfinite(factors)]
    if method == "experiment" or _STATED_OTHER.search(header):
        return ""
    if not len(known) or np.ptp(known) == 0 or known.min() < 0 or known.max() > 100:
        return ""
    return (
        "The file does not say what its B-factor column is, so it is not taken as confidence: if it is pLDDT, say so "
        "under “B-factor column” and open it again."
    )
