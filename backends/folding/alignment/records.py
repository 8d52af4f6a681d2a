"""Names and residues in text of any of the ways that sequences are written: FASTA, PIR, GenPept, SEQRES, three letters.

What is found here is raw: `residue_letters.clean` says what is wrong with the letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

import gemmi

from backends.core.errors import BadInput
from backends.folding.alignment import tables
from backends.folding.residues import AMINO_ACIDS, SUBSTITUTES, THREE_LETTER

MIN_THREE_LETTER_CODES = 4
MIN_NAMED_RESIDUES = 5
"""A word before a colon that has fewer letters is the name of what follows, not a chain."""
MAX_NAME = 60

_RARE = frozenset(SUBSTITUTES)
MAX_RARE = 0.04
"""Share of B, J, O, U and Z in text of several words beyond which it is prose: proteins have next to none of them."""

_ENTRY = re.compile(r"[1-9][A-Za-z0-9]{3}|AF-\w+-F\d+|[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d([A-Z][A-Z0-9]{2}\d){1,2}")
"""Ids of the PDB, the AlphaFold database and UniProt."""
_PIR = re.compile(r"^>(P1|F1|DL|DC|RL|RC|N3|N1|XX);", re.MULTILINE)
_FIRST_GROUP = re.compile(r"(H2N|NH2|H3N\+?|H|Ac|Ace|Acetyl|Boc|Fmoc|Cbz|Biotin|FITC|FAM|For|Myr|Palm)\s*[-–]\s*")
_LAST_GROUP = re.compile(r"\s*[-–]\s*(COOH|CO2H|COO-?|OH|NH2|CONH2|NHMe|NME|OMe|amide|acid)\Z")
"""What stands before and after a peptide."""
_STRUCTURE_NAME = re.compile(r"(^|[:|_.])(secstr|ss\d?|ss_(dssp|pred)|dssp|disorder)$", re.IGNORECASE)
_STRUCTURE_LETTERS = frozenset("HBEGITSCPX-.~*")
_CODE = {name: letter for letter, name in THREE_LETTER.items() if letter != "X"}


@dataclass(frozen=True)
class Record:
    """One sequence as it stands in the text: its name, "" where it has none, its letters, and its heading in FASTA."""

    name: str
    letters: str
    notice: str = ""
    heading: str = ""


def read_records(text: str) -> list[Record]:
    """All sequences of a text, in its order. Raises BadInput for text that holds none."""
    text = _without_traces(text)
    _refuse_coordinates(text)
    if re.search(r"^SEQRES\s", text, re.MULTILINE):
        return list(_seqres(text))
    text = re.sub(r"\A(\s*#[^\n]*\n)+", "", text)
    if _PIR.search(text):
        return list(_pir(text))
    if text.lstrip().startswith((">", ";")):
        return [_without_ends(_three_letters(record)) for record in _without_structure(fasta(text))]
    if re.search(r"^(LOCUS|ORIGIN)\b", text, re.MULTILINE):  # a GenPept record
        return [Record("", re.split(r"^//", text.split("ORIGIN", 1)[-1], maxsplit=1, flags=re.MULTILINE)[0])]
    if re.search(r"^ID   ", text, re.MULTILINE) and "\nSQ   " in text:  # a UniProt record
        name = re.search(r"^ID   (\S+)", text, re.MULTILINE)
        body = text.split("\nSQ   ", 1)[1].partition("\n")[2]
        return [Record(name[1] if name else "", re.split(r"^//", body, maxsplit=1, flags=re.MULTILINE)[0])]
    if rows := tables.read_table(text):
        return [Record(_name(name), letters) for name, letters in rows]
    return _table(text) or [_without_ends(_bare(text))]


def _without_traces(text: str) -> str:
    """The text without what a copy from a page, a chat or a document leaves in it: signs that nobody sees, fences of
    code, wide letters, and the line that ends a record of a database."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    text = re.sub(r"^\s*```.*$", "", text.rstrip("\x1a\n\r "), flags=re.MULTILINE)
    if quoted := re.fullmatch(r"\s*([\"'“‘])([A-Za-z\s*-]+)[\"'”’][;,]?\s*", text):
        text = quoted[2]
    text = re.sub(r"^&gt;", ">", text, flags=re.MULTILINE)  # as pages have it in their source
    return re.sub(r"\n//\s*\Z", "\n", text)


def _without_structure(records: list[Record]) -> list[Record]:
    """Without rows of secondary structure or disorder that stand beside the sequences, as in files of the PDB."""
    rest = [record for record in records if not (_STRUCTURE_NAME.search(record.name) and _is_structure(record.letters))]
    if not rest or len(rest) == len(records):
        return records
    return [replace(rest[0], notice="The rows of secondary structure were left out."), *rest[1:]]


def _is_structure(letters: str) -> bool:
    return set(re.sub(r"\s", "", letters).upper()) <= _STRUCTURE_LETTERS


def _without_ends(record: Record) -> Record:
    """Without the chemical groups at the ends of a peptide, whose letters would be taken for residues."""
    letters = record.letters.strip()
    begin, end = _FIRST_GROUP.match(letters), _LAST_GROUP.search(letters)
    if begin is not None and begin[1] == "H" and end is None:  # a gap after a histidine
        begin = None
    if begin is None and end is None:
        return record
    groups = " and ".join(f"“{group[1]}”" for group in (begin, end) if group)
    letters = letters[begin.end() if begin else 0 : end.start() if end else None]
    said = f"The group at the end, {groups}, was left out." if not (begin and end) else f"{groups} were left out."
    return replace(record, letters=letters, notice=" ".join(filter(None, (record.notice, said))))


def fasta(text: str) -> list[Record]:
    """FASTA; a line that starts with “;” is a comment, or the name where the file has no “>” (the oldest form)."""
    mark = ">" if re.search(r"^\s*>", text, re.MULTILINE) else ";"
    records: list[tuple[str, str, list[str]]] = []
    heading = False
    for line in text.splitlines():
        if line.startswith(mark) and not (mark == ";" and heading):
            words = line[1:].split()
            name = "".join(c for c in words[0] if c.isprintable())[:MAX_NAME] if words else ""
            records.append((name, line[1:], []))
            heading = True
        elif line.startswith((";", "#")):
            continue
        elif records:
            records[-1][2].append(line)
            heading = False
        elif line.strip():
            raise BadInput("There are letters before the first name: a FASTA file starts with a line “>name”.")
    return [Record(name, "\n".join(lines), heading=title) for name, title, lines in records]


def _pir(text: str) -> Iterator[Record]:
    """NBRF/PIR: “>P1;name”, a line of description, then the residues up to “*”."""
    for part in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        _, _, body = rest.partition("\n")
        yield Record(name.partition(";")[2].strip()[:MAX_NAME], body.partition("*")[0])


def _seqres(text: str) -> Iterator[Record]:
    """The chains of a PDB file's SEQRES records, which hold what was in the crystal, seen or not."""
    chains: dict[str, list[str]] = {}
    for line in text.splitlines():
        if fields := re.match(r"SEQRES\s+\d+\s+(?:([A-Za-z0-9])\s+)?\d+\s+(.*)", line):
            chains.setdefault(fields[1] or "", []).extend(fields[2][:52].split())
    for name, residues in chains.items():
        infos = [gemmi.find_tabulated_residue(residue) for residue in residues]
        if not any(info.is_amino_acid() for info in infos):
            continue
        letters = "".join((info.one_letter_code.upper().strip() or "X") for info in infos)
        yield Record(name, letters, "The residues were read from the file's SEQRES records.")


def _three_letters(record: Record) -> Record:
    """The record with one letter a residue, where it is written with three."""
    text = record.letters.strip()
    words = [word for word in re.split(r"[\s,;\-–]+", text) if word]
    if len(words) == 1 and re.fullmatch(r"([A-Z][a-z]{2})+", words[0]):
        words = re.findall(r"[A-Z][a-z]{2}", words[0])
    words = words[1:] if words and words[0].upper() in ("H", "NH2", "ACE") else words
    words = words[:-1] if words and words[-1].upper() in ("OH", "NH2", "NME", "COOH") else words
    known = [_CODE.get(word.upper()) for word in words]
    if len(words) < MIN_THREE_LETTER_CODES or None in known:
        if sum(letter is not None for letter in known) >= max(MIN_THREE_LETTER_CODES, 0.8 * len(words)):
            odd = next(word for word, letter in zip(words, known, strict=True) if letter is None)
            raise BadInput(f"This looks like three-letter codes, and “{odd[:20]}” is none of the twenty.")
        return record
    letters = "".join(letter for letter in known if letter)
    said = f"The three-letter codes were read as {letters[:10]}{'…' * (len(letters) > 10)}"
    return replace(record, letters=letters, notice=said)


def _bare(text: str) -> Record:
    """Text without a “>”: the residues alone, or with a name before a colon or on the first line."""
    _refuse_numbers(text)
    record = _three_letters(Record("", text))
    if record.notice:
        return record
    first, colon, rest = text.strip().partition(":")
    if colon and "\n" not in first and _is_label(first, rest):
        return Record(_name(first), rest, f"“{_name(first)}” was taken as the name.")
    heading, _, body = text.strip().partition("\n")
    if body.strip() and _is_words(heading) and not _is_words(body):
        return Record(_name(heading), body, f"The first line, “{_name(heading)}”, was taken as the name.")
    words = text.split()
    if len(words) > 1 and re.search(r"[a-z]", words[0]) and all(word.isupper() for word in words[1:]):
        return Record(_name(words[0]), " ".join(words[1:]), f"“{_name(words[0])}” was taken as the name.")
    _refuse_words(text)
    return record


def _table(text: str) -> list[Record]:
    """A name and a sequence in each line, as in a spreadsheet; empty where the text is something else."""
    rows = [re.split(r"[\t,;]\s*|\s+", line.strip()) for line in text.splitlines() if line.strip()]
    if rows and all(len(row) == 2 for row in rows) and not _is_residues(rows[0][1]):
        rows = rows[1:]  # a heading such as “id,sequence”
    fits = all(len(row) == 2 and _is_residues(row[1]) for row in rows)
    names = [row[0] for row in rows] if fits else []
    named = all(re.search(r"[A-Za-z]", name) and re.search(r"[a-z\d_|]", name) for name in names)
    if not names or not named or not re.search(r"[\t,;\n]", text.strip()):
        return []
    return [Record(_name(name), letters) for name, letters in rows]


def _is_residues(text: str) -> bool:
    return len(text) >= MIN_NAMED_RESIDUES and re.fullmatch(r"[A-Z*:]+", text) is not None


def _name(text: str) -> str:
    return "".join(c for c in text.strip() if c.isprintable())[:MAX_NAME]


def _is_label(first: str, rest: str) -> bool:
    """Whether the words before a colon name what follows, instead of being a chain of their own."""
    letters = re.sub(r"\s", "", first)
    follows = re.sub(r"\s", "", rest)
    if not letters or not follows or ":" in rest.strip().rstrip(":"):
        return False
    odd = set(letters.upper()) - set(AMINO_ACIDS) - set("XBZUOJ*-")
    cased = letters != letters.upper() and follows == follows.upper()
    return len(letters) < MIN_NAMED_RESIDUES or bool(odd) or cased


def _is_words(text: str) -> bool:
    """Whether a text has words in small letters, or signs that no sequence has."""
    return any(re.search(r"[a-z]", word) for word in text.split()) or bool(re.search(r"[^A-Za-z*\-.\s\d]", text))


def _refuse_words(text: str) -> None:
    """Raises BadInput for prose, all of whose letters happen to be codes of residues."""
    words = re.findall(r"[A-Za-z]+", text)
    letters = "".join(words).upper()
    rare = sum(letter in _RARE for letter in letters)
    short = len(words) > 2 and len(letters) / len(words) < 9
    mixed = any(re.search(r"[a-z]", word) for word in words) and any(word.isupper() and len(word) > 9 for word in words)
    if short and (rare > MAX_RARE * len(letters)) and not re.search(r"[^A-Za-z\s.\-*\d]", text):
        raise BadInput(
            "This reads like words, which are no amino acids: paste the one-letter codes alone, and a name after “>” "
            "in a line before them."
        )
    if mixed and rare:
        odd = next(word for word in words if not word.isupper())
        raise BadInput(
            f"There are words among the residues, such as “{odd[:30]}”: leave them out, or put “>” before their line."
        )


def _refuse_numbers(text: str) -> None:
    """Raises BadInput for tables, coordinates of other formats, and the ids of entries."""
    if len(re.findall(r"\d\.\d", text)) > 1:
        raise BadInput(
            "There are decimal numbers among the letters, as in a table or a file of coordinates: bring the sequence "
            "alone, or a structure as PDB or mmCIF."
        )
    word = text.strip()
    if _ENTRY.fullmatch(word):
        raise BadInput(
            f"“{word}” looks like the id of an entry in a database. Nothing is fetched from there: download its file, "
            "and bring that."
        )


def _refuse_coordinates(text: str) -> None:
    """Raises BadInput for structure files that lost their columns, and for those without their atoms."""
    if re.match(r"\s*(data_\w|(HEADER|TITLE|COMPND|EXPDTA|REMARK)  )", text) and "\n" in text.strip():
        raise BadInput("This is a structure file without its atoms: bring the whole PDB or mmCIF file.")
    if re.search(r"^(ATOM|HETATM)\b.*-?\d+\.\d+\s+-?\d+\.\d+\s+-?\d+\.\d+", text, re.MULTILINE):
        raise BadInput(
            "These are atoms of a structure file whose columns were lost, for instance in a copy from a web page: "
            "bring the PDB or mmCIF file itself."
        )
