"""How sure a model is of its structure: pLDDT, PAE, pTM. Read from the files of the programs that write them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.limits import MAX_TOKENS
from backends.folding.structure.atoms import ATOM37, CA
from backends.folding.structure.confidence_file import read_content
from backends.shared.isolation import isolated_call
from backends.shared.records import from_fields, to_fields

if TYPE_CHECKING:
    from backends.folding.structure.structure import Structure

ISOLATED_BYTES = 4 << 20
"""A file from this size on is read in a process of its own."""

BANDS = ((90.0, "very high"), (70.0, "confident"), (50.0, "low"), (0.0, "very low"))
"""Lower ends of the AlphaFold DB's bands of pLDDT, highest first, and their names there."""


@dataclass(frozen=True)
class Confidence:
    """What a model says of its own work; what it does not say is None.

    plddt: `(L,)` float32, 0 to 100: predicted lDDT-Cα, how sure each residue's surroundings are.
    pae: `(L, L)` float32 in Å: the error expected at column j's residue when both are superposed on row i's.
    ptm, iptm: 0 to 1: expected TM-score of the whole, and of how the chains sit together. From the predicted
        distribution of errors e_ij, `pTM = max_i (1/L) Σⱼ E[1 / (1 + (e_ij / d₀)²)]` with `d₀ = 1.24 ∛(L − 15) − 1.8` Å
        (Jumper et al. 2021, suppl. 1.9.7); ipTM averages over residues j of other chains alone.
    tokens: chain and residue number of each row, as the file tells them; None where rows are residues.
    """

    plddt: np.ndarray | None = None
    pae: np.ndarray | None = None
    ptm: float | None = None
    iptm: float | None = None
    tokens: tuple[tuple[str, int], ...] | None = None

    @property
    def mean(self) -> float | None:
        return None if self.plddt is None or not np.isfinite(self.plddt).any() else float(np.nanmean(self.plddt))

    def to_json(self) -> dict[str, Any]:
        """As kept in `confidence.json`: rounded to what the numbers are good for."""
        return {
            "plddt": None if self.plddt is None else _rounded(self.plddt, 2),
            "pae": None if self.pae is None else [_rounded(row, 1) for row in self.pae],
            "ptm": _number(self.ptm),
            "iptm": _number(self.iptm),
        }

    def dumps(self) -> str:
        """The text of `confidence.json`."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)


def _rounded(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(value, digits) if np.isfinite(value) else None for value in np.asarray(values, float).tolist()]


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def normalise_plddt(values: Any) -> np.ndarray:
    """pLDDT as float32 on 0 to 100, whatever scale its program writes.

    Decided once for the whole array: if its largest value is at most 1, it is taken as a fraction. A real pLDDT of
    at most 1 of 100 on every residue does not occur; random coordinates already score above it.

    Raises:
        BadInput: no array of numbers, or outside 0 to 100.
    """
    try:
        array = np.array([np.nan if value is None else value for value in np.ravel(values).tolist()], dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("The confidence (pLDDT) is not a list of numbers.") from error
    known = array[np.isfinite(array)]
    if not len(known):
        raise BadInput("The confidence (pLDDT) holds no numbers.")
    if known.min() < -0.01 or known.max() > 100.5:
        raise BadInput(
            f"Confidence (pLDDT) lies between 0 and 100, but this file has {known.min():g} to {known.max():g}."
        )
    return np.clip(array * (100 if known.max() <= 1.0 else 1), 0, 100)


def read_confidence(path: Path) -> Confidence:
    """The confidence in a file, told apart by its content; gzipped or not.

    JSON of AlphaFold DB v1, v2 (`residue1`, `residue2`, `distance`), v3, v4 (`predicted_aligned_error`); ColabFold
    (`pae`, `plddt`, `ptm`); AlphaFold 3 (`pae`, `token_chain_ids`, `token_res_ids`; its per-atom pLDDT is left to the
    structure file); Protenix (`token_pair_pae`); ESMFold and ours; a bare matrix. NPZ and NPY, as of Boltz and Chai.

    Raises:
        BadInput: none of these formats, not square, or numbers that are no errors in Å.
        TooLarge: over 512 MiB or `MAX_TOKENS` residues.
    """
    if path.stat().st_size < ISOLATED_BYTES:
        return parse_confidence(read_content(path))
    return from_fields(Confidence, isolated_call(f"{__name__}:confidence_fields", path=path))


def confidence_fields(path: str) -> Iterator[dict[str, Any]]:
    """The fields of the confidence in a file, as the only item: for a process of its own, since reading numbers by the
    million holds up every other thread of a process, and takes gigabytes."""
    yield to_fields(parse_confidence(read_content(Path(path))))


def parse_confidence(content: Any) -> Confidence:
    """As `read_confidence`, from the content of the file."""
    if isinstance(content, list) and content and isinstance(content[0], Mapping):  # AlphaFold DB: one entry a chain
        content = content[0]
    if isinstance(content, list) and content:  # a bare matrix
        content = {"pae": content}
    if isinstance(content, Mapping) and len(content) == 1:
        [inner] = content.values()
        content = inner if isinstance(inner, Mapping) else content  # by the name of the model
    if not isinstance(content, Mapping):
        raise BadInput(NOTHING)
    content = {NAMES.get(str(name).casefold(), name): value for name, value in content.items()}
    plddt = _of_residues(content.get("plddt"))
    confidence = Confidence(
        plddt=None if plddt is None else normalise_plddt(plddt),
        pae=_pae(content),
        ptm=_fraction(content.get("ptm"), "pTM"),
        iptm=_fraction(content.get("iptm"), "ipTM"),
    )
    if confidence.plddt is None and confidence.pae is None and confidence.ptm is None:
        raise BadInput(NOTHING)
    if confidence.plddt is not None and confidence.pae is not None and len(confidence.plddt) != len(confidence.pae):
        raise BadInput(f"This file has pLDDT for {len(confidence.plddt)} residues but PAE for {len(confidence.pae)}.")
    return replace(confidence, tokens=_tokens(content, confidence.pae))


NAMES = {"plddt": "plddt", "plddts": "plddt", "confidencescore": "plddt", "pae": "pae", "ptm": "ptm", "iptm": "iptm"}
"""Our names by those that programs give, in small letters."""


def _of_residues(plddt: Any) -> Any:
    """The pLDDT by residues: None for a mean alone, and that of the Cα where there is one for each atom of atom37."""
    if isinstance(plddt, int | float):
        return None
    try:
        array = np.asarray(plddt, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        return plddt
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    by_atoms = array.ndim == 2 and len(array) > 1 and array.shape[1] == len(ATOM37)
    return array[:, CA] if by_atoms else plddt


NOTHING = "This file holds no confidence: neither a PAE matrix nor pLDDT."


def _tokens(content: Mapping[str, Any], pae: np.ndarray | None) -> tuple[tuple[str, int], ...] | None:
    """(chain, residue number) of each row of an AlphaFold 3 PAE, which has several for a ligand."""
    chains, numbers = content.get("token_chain_ids"), content.get("token_res_ids")
    if pae is None or not isinstance(chains, list) or not isinstance(numbers, list):
        return None
    if not len(chains) == len(numbers) == len(pae) or not all(isinstance(number, int) for number in numbers):
        return None
    return tuple(zip(map(str, chains), numbers, strict=True))


def fit_confidence(confidence: Confidence, structure: Structure) -> Confidence:
    """The confidence by the residues of the structure. Programs that model ligands count them, and modified residues,
    atom by atom ("tokens"): of a residue's several tokens the mean is taken, and those of ligands are left out.

    Raises BadInput where the two are of different proteins.
    """
    lengths = {len(array) for array in (confidence.plddt, confidence.pae) if array is not None}
    if not lengths:
        return replace(confidence, tokens=None)
    rows = _token_rows(confidence, structure, lengths.pop())
    if np.array_equal(rows, np.arange(len(structure))):
        return replace(confidence, tokens=None)
    plddt, pae = confidence.plddt, confidence.pae
    if plddt is not None:
        plddt = _means(plddt, rows, len(structure))
    if pae is not None:
        pae = _means(_means(pae, rows, len(structure)).T, rows, len(structure)).T
    return replace(confidence, plddt=plddt, pae=pae, tokens=None)


def _token_rows(confidence: Confidence, structure: Structure, count: int) -> np.ndarray:
    """`(T,)` the residue of each token, −1 for those of ligands and nucleic acids."""
    if confidence.tokens is not None:
        known = {
            (str(chain), int(number)): row
            for row, (chain, number) in enumerate(zip(structure.chains, structure.numbers, strict=True))
        }
        rows = np.array([known.get(token, -1) for token in confidence.tokens])
        if len(np.unique(rows[rows >= 0])) == len(structure):
            return rows
    if count == len(structure):
        return np.arange(count)
    if count == len(structure.tokens):
        return structure.tokens
    raise BadInput(
        f"The confidence file is for {count} residues and the structure has {len(structure)}: bring the one that came "
        "with this structure."
    )


def _means(values: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    """`(T, …)` to `(L, …)`: the mean over the tokens of each residue."""
    mine = rows >= 0
    totals = np.zeros((length, *values.shape[1:]))
    np.add.at(totals, rows[mine], values[mine])
    counts = np.bincount(rows[mine], minlength=length).reshape(-1, *[1] * (values.ndim - 1))
    return (totals / np.maximum(counts, 1)).astype(np.float32)


def _pae(content: Mapping[str, Any]) -> np.ndarray | None:
    if {"residue1", "residue2", "distance"} <= content.keys():
        return _from_pairs(content)
    for key in ("predicted_aligned_error", "pae", "token_pair_pae"):
        if content.get(key) is not None:
            return _square(content[key])
    return None


def _from_pairs(content: Mapping[str, Any]) -> np.ndarray:
    """The first AlphaFold DB format: three flat lists, residues counted from 1."""
    try:
        rows, columns = (np.asarray(content[key], dtype=np.int64) for key in ("residue1", "residue2"))
        errors = np.asarray(content["distance"], dtype=np.float32)
        if not rows.ndim == columns.ndim == errors.ndim == 1:
            raise ValueError("lists of lists")
        length = int(max(rows.max(), columns.max()))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("The PAE in this file is not lists of numbers.") from error
    if length > MAX_TOKENS:
        raise TooLarge(f"This PAE is of {length:,} residues; at most {MAX_TOKENS:,} can be opened.")
    if not len(rows) == len(columns) == len(errors) == length**2 or min(rows.min(), columns.min()) < 1:
        raise BadInput("The PAE in this file does not hold each pair of residues once.")
    matrix = np.full((length, length), np.nan, dtype=np.float32)
    matrix[rows - 1, columns - 1] = errors
    return _plausible(matrix)


def _square(rows: Any) -> np.ndarray:
    if isinstance(rows, list | np.ndarray) and len(rows) > MAX_TOKENS:
        raise TooLarge(f"This PAE is of {len(rows):,} residues; at most {MAX_TOKENS:,} can be opened.")
    try:
        matrix = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("The PAE in this file is not a square of numbers.") from error
    if matrix.ndim == 3 and len(matrix) == 1:
        matrix = matrix[0]
    if matrix.ndim == 3 and matrix.shape[1] == matrix.shape[2]:
        raise BadInput(f"This file holds the PAE of {len(matrix)} models: bring the one of the model that you open.")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise BadInput("The PAE in this file is not a square of numbers.")
    return _plausible(matrix)


def _plausible(matrix: np.ndarray) -> np.ndarray:
    if not np.isfinite(matrix).all() or matrix.min() < 0 or matrix.max() > 1000:
        raise BadInput("The PAE in this file holds numbers that are no distances in Å.")
    return matrix


def _fraction(value: Any, name: str) -> float | None:
    """A number from 0 to 1; None where there is none for the whole, but one for each sample or none at all."""
    if isinstance(value, list | np.ndarray):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, str) and re.fullmatch(r"\s*\d*\.?\d+\s*", value):
        value = float(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):  # one chain alone has no ipTM
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInput(f"{name} is a number from 0 to 1; this file has something else.")
    return float(value)
