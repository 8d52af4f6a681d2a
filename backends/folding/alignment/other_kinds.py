"""Files that hold no sequence, alignment or structure which can be read: each is named, with what to bring instead."""

from __future__ import annotations

import re

from backends.core.errors import BadInput
from backends.folding.alignment.file_text import COMPRESSED
from backends.folding.alignment.job_file import IS_YAML_JOB


def require_text(data: bytes) -> None:
    """Raises BadInput for what is empty, packed or of another kind, with what to bring in its place."""
    head = data[:4096].lstrip().lower()
    if not data.strip():
        raise BadInput("This file is empty: bring a sequence, an alignment or a structure.")
    if data.startswith(COMPRESSED):
        raise BadInput("This file is compressed: unpack it first, then choose what was inside.")
    if b"pdbx" in head and head.startswith(b"<?xml"):
        raise BadInput("This is a structure as XML (PDBML), which is not read: bring it as PDB or mmCIF.")
    if (b"_atom_site" in data and b"\0" in data) or b"mmtfversion" in data[:4096].lower():
        raise BadInput("This is a structure as BinaryCIF or MMTF, which is not read: bring it as PDB or mmCIF.")
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")) or b"<html" in head:
        is_xml = head.startswith(b"<?xml") and b"<html" not in head
        what = "an XML file, which is not read" if is_xml else "a web page, not a sequence"
        raise BadInput(f"This is {what}: copy only the letters, or download the file itself.")
    if head.startswith((b"{\\rtf", b"%pdf")):
        raise BadInput("This is a formatted document: copy the letters out of it, or save it as plain text.")
    if head.startswith((b"hhsearch", b"hmmer")):
        raise BadInput("This is a profile (HMM), which is not read: bring the alignment it was made from.")
    if head.startswith(b"@<tripos>") or b"\nm  end" in head or b" v2000" in head or b" v3000" in head:
        raise BadInput("This is a small molecule (MOL2 or SDF), not a protein: bring its structure as PDB or mmCIF.")
    if re.match(rb"query\s+\S[^\n]*\nmatch_columns", head):
        raise BadInput("This is a list of hits (HHsearch), which is not read: bring the alignment itself.")
    if IS_YAML_JOB.search(data):
        raise BadInput("This job for another program holds no protein that could be read: paste its sequence.")
    if re.match(rb"@[^\n]+\n[a-z.]+\r?\n\+", head):
        raise BadInput("This is a FASTQ file of DNA reads, not a protein: translate it into amino acids first.")
    if head.startswith((b"{", b"[")):
        raise BadInput(
            "This is a JSON file: bring the structure as PDB or mmCIF, and a JSON of confidence beside it as “pae”."
        )


def require_no_null(data: bytes) -> None:
    """Raises BadInput for text that is damaged or a file of another program."""
    if b"\0" in data:
        raise BadInput(
            "This file holds null bytes, so it is damaged or no text: save the sequence again as plain text."
        )
    if re.search(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]", data[:4096]):
        raise BadInput("This is a file of another program and no text: save the sequence or structure as text.")
