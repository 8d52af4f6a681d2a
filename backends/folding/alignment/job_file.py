"""The proteins of a job for AlphaFold 3, as its server and its program write it, or for Boltz and Chai-1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

OF_JOB = "The proteins were read from a job for another program; nothing else of it is used."
MAX_JOB_BYTES = 4_000_000
MAX_YAML_BYTES = 200_000
"""Its reader is slow: a job that lists its alignments by name is far smaller."""
PROTEIN_KEYS = ("proteinChain", "protein")


def fasta_of_job(data: bytes) -> tuple[str, str]:
    """The proteins of a job as FASTA, a chain for each copy, and what to say of it; "" where it is no such job.

    >>> fasta_of_job(b'{"sequences": [{"protein": {"id": ["A", "B"], "sequence": "MQIF"}}, {"ligand": {}}]}')[0]
    '>A\\nMQIF\\n>B\\nMQIF\\n'
    """
    job = _load(data)
    if plain := _plain_sequences(job):
        return _fasta(plain), "The sequences were read from a JSON file."
    further = len(job) - 1 if isinstance(job, list) and job else 0
    job = job[0] if isinstance(job, list) and job else job
    entities = job.get("sequences") if isinstance(job, dict) else None
    if isinstance(entities, list):
        chains = [chain for entity in entities if isinstance(entity, dict) for chain in _chains(entity)]
    else:
        chains = list(_all_chains(job))
    return _fasta(chains), OF_JOB + (f" {further:,} further jobs in this file were not read." if further else "")


def _fasta(chains: list[tuple[str, str]]) -> str:
    return "".join(f">{name or _letter(place)}\n{letters}\n" for place, (name, letters) in enumerate(chains))


IS_YAML_JOB = re.compile(rb"^sequences[ \t]*:[ \t]*\r?\n\s*-[ \t]", re.MULTILINE)
_OTHER = re.compile(r"\A(ligand|dna|rna|glycan)\||\A[^|\s]*\|(smiles|ccd|dna|rna)(\||\Z)", re.IGNORECASE)


def _load(data: bytes) -> Any:
    """The values of a job in JSON, or in YAML that looks like one; None where the data is neither."""
    try:
        if data.lstrip()[:1] in (b"{", b"["):
            return json.loads(data) if len(data) <= MAX_JOB_BYTES else None
        return yaml.safe_load(data) if len(data) <= MAX_YAML_BYTES and IS_YAML_JOB.search(data) else None
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


def without_other_molecules(text: str) -> tuple[str, bool]:
    """FASTA for Boltz or Chai-1 without its ligands and nucleic acids, and whether there were any.

    >>> without_other_molecules(">A|protein\\nMQIF\\n>B|smiles\\nCC(=O)O\\n")
    ('>A|protein\\nMQIF\\n', True)
    """
    parts = re.split(r"(?m)^(?=>)", text)
    kept = [part for part in parts if not _OTHER.match(part[1:].partition("\n")[0].strip())]
    others = len(kept) < len(parts) and any(part.startswith(">") for part in kept)
    return ("".join(kept), True) if others else (text, False)


def _chains(entity: dict[str, Any]) -> Iterator[tuple[str, str]]:
    protein = next((entity[key] for key in PROTEIN_KEYS if isinstance(entity.get(key), dict)), None)
    if protein is None or not isinstance(protein.get("sequence"), str):
        return
    letters, ids = " ".join(protein["sequence"].split()), protein.get("id")
    names = ids if isinstance(ids, list) else [ids]
    count = protein.get("count", 1)
    if isinstance(count, int) and not isinstance(count, bool) and 1 < count <= 100:
        names = [None] * count
    for name in names[:100]:
        yield (name if isinstance(name, str) and name.isalnum() else ""), letters


def _all_chains(value: Any) -> Iterator[tuple[str, str]]:
    """The proteins anywhere in a job whose form is not known here, such as one for OpenFold 3."""
    if isinstance(value, list):
        for item in value:
            yield from _all_chains(item)
    elif isinstance(value, dict) and isinstance(value.get("sequence"), str):
        kind = str(value.get("molecule_type", value.get("type", ""))).casefold()
        if not re.search("dna|rna|ligand|smiles", kind):
            ids = value.get("chain_ids", value.get("id"))
            yield from _chains({"protein": {**value, "id": ids}})
    elif isinstance(value, dict):
        for item in value.values():
            yield from _all_chains(item)


def _plain_sequences(value: Any) -> list[tuple[str, str]]:
    """Sequences alone, in a list or by their names; empty for anything else."""
    pairs = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        pairs = [("", item) for item in value]
    if not all(isinstance(item, str) and _RESIDUES.fullmatch(item) for _, item in pairs):
        return []
    return [("".join(filter(str.isprintable, name))[:40], item) for name, item in pairs]


_RESIDUES = re.compile(r"[A-Z*]{10,}")


def _letter(index: int) -> str:
    return chr(ord("A") + index % 26)
