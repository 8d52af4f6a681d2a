"""The letters of one pasted chain: what is tidied up and said, and what no protein can be made of."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.nucleic_acids import is_nucleic_acid, looks_like_nucleotides
from backends.folding.limits import MAX_FOLDED_RESIDUES
from backends.folding.residues import AMINO_ACIDS, SUBSTITUTED_NAMES, SUBSTITUTES

MIN_RESIDUES = 5


def clean(raw: str, name: str = "") -> tuple[str, list[str]]:
    """The residues of pasted text in upper case, and what was tidied up, in sentences that name the chain if given.

    Raises BadInput for DNA and RNA, letters that are no residues, nothing at all; TooLarge for MAX_FOLDED_RESIDUES.
    """
    whose = f" of “{name[:40]}”" if name else ""
    notices = []
    text = re.sub(r"\s", "", raw)
    if re.search(r"\d", text):
        notices.append(f"The numbers between the residues{whose} were left out.")
        text = re.sub(r"\d", "", text)
    if re.search(r"[-.~]", text):
        notices.append(f"The gaps in the sequence{whose} were left out.")
        text = re.sub(r"[-.~]", "", text)
    if text.endswith("*"):
        notices.append(f"The stop sign at the end{whose} was left out.")
        text = text.rstrip("*")
    if text != text.upper():
        notices.append(f"Small letters{whose} were read as capitals.")
        text = text.upper()
    _require_residues(text, whose)
    for letter, stand_in in SUBSTITUTES.items():
        if count := text.count(letter):
            times = "once" if count == 1 else f"{count} times"
            notices.append(f"{letter} ({SUBSTITUTED_NAMES[letter]}) occurs {times}{whose} and is folded as {stand_in}.")
            text = text.replace(letter, stand_in)
    if looks_like_nucleotides(text):  # polyalanine, polyglycine and silk are proteins
        notices.append(f"The sequence{whose} could be DNA or RNA by its letters; it is taken as a protein.")
    if count := text.count("X"):
        which = "residue is" if count == 1 else "residues are"
        notices.append(f"{count} {which} unknown (X){whose}: they get a backbone without a side chain.")
    return text, notices


def _looks_like_structure(text: str) -> bool:
    """Whether these are helices, strands and coils: few letters, each many times in a row."""
    runs = 1 + sum(one != other for one, other in pairwise(text))
    return len(text) >= 20 and {"H", "E"} < set(text) <= set("HECTSGBI") and len(text) > 2.5 * runs


def _require_residues(text: str, whose: str) -> None:
    if not text:
        raise BadInput(f"The sequence{whose} is empty: paste the one-letter codes of a protein.")
    if "*" in text:
        raise BadInput(
            f"The sequence{whose} has a stop sign (*) at residue {text.index('*') + 1}: a protein ends there, so check "
            "the reading frame of its translation."
        )
    odd = re.search(f"[^{AMINO_ACIDS}X{''.join(SUBSTITUTES)}]", text)
    if odd:
        shown = f"“{odd[0]}”" if odd[0].isprintable() else "a sign that cannot be shown"
        place = f"residue {odd.start() + 1}"
        if odd[0].isprintable() and not odd[0].isascii():  # which may look just like a letter of ours
            place += f" ({unicodedata.name(odd[0], 'a letter of another alphabet').lower()})"
        raise BadInput(f"The sequence{whose} has {shown} at {place}, which is no amino acid.")
    if is_nucleic_acid(text):
        kind = "RNA" if "U" in text and "T" not in text else "DNA"
        raise BadInput(f"The sequence{whose} looks like {kind}, not a protein: translate it into amino acids first.")
    if _looks_like_structure(text):
        raise BadInput(f"The sequence{whose} looks like secondary structure (H, E, C …): bring the amino acids.")
    if len(text) < MIN_RESIDUES:
        count = f"{len(text)} residue{'s' * (len(text) > 1)}"
        raise BadInput(f"The sequence{whose} has {count}, too few to fold: {MIN_RESIDUES} are the least.")
    if set(text) == {"X"}:
        raise BadInput(f"Every residue of the sequence{whose} is unknown (X), so there is nothing to fold.")
    if len(text) > MAX_FOLDED_RESIDUES:
        raise TooLarge(
            f"The sequence{whose} has {len(text):,} residues; up to {MAX_FOLDED_RESIDUES:,} can be taken. "
            "Fold its domains one by one."
        )
