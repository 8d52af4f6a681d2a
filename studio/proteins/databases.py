"""Entries of public databases by their ids: the PDB, AlphaFold DB and UniProt. Only the id is sent, when asked to.

Every failure is one sentence: an id of no known form, an entry that is not there, a database that cannot be reached.
"""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from backends.core.errors import BadInput, TooLarge, UserError

log = logging.getLogger(__name__)

PDB, ALPHAFOLD, UNIPROT = "the Protein Data Bank", "AlphaFold DB", "UniProt"
MAX_BYTES = 96 << 20
SECONDS = 20.0
"""How long a database may be silent."""

PDB_ID = re.compile(r"[1-9][A-Za-z0-9]{3}|pdb_[0-9]{4}[1-9][A-Za-z0-9]{3}", re.IGNORECASE)
ACCESSION = re.compile(
    r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}",  # as UniProt documents it
    re.IGNORECASE,
)
ALPHAFOLD_ID = re.compile(r"AF-([A-Z0-9]{6,10})-F([0-9]{1,3})(?:-model_v[0-9]+)?", re.IGNORECASE)


class NotReachable(UserError):
    """A database did not answer, or not with what it should."""

    code = "database_lost"


@dataclass(frozen=True)
class Addresses:
    """Where the databases are; a lab may have copies of its own."""

    pdb: str = "https://files.rcsb.org"
    alphafold: str = "https://alphafold.ebi.ac.uk"
    uniprot: str = "https://rest.uniprot.org"

    def host(self, source: str) -> str:
        """The name of the machine that is asked for entries of a database."""
        address = {PDB: self.pdb, ALPHAFOLD: self.alphafold, UNIPROT: self.uniprot}[source]
        return urlsplit(address).hostname or address


@dataclass(frozen=True)
class Entry:
    """What a database gave.

    Attributes:
        id: of the entry, as the database writes it.
        source: the database.
        name: of the file, shown.
        data: the file: mmCIF, or FASTA.
        pae: the file of predicted errors that goes with a prediction; empty where there is none.
        note: whose it is and under which terms.
    """

    id: str
    source: str
    name: str
    data: bytes
    pae: bytes = b""
    note: str = ""


def databases_of(entry_id: str) -> tuple[str, ...]:
    """The databases that have entries of this form, the likeliest first; none for what is no id.

    >>> databases_of("1ubq"), databases_of("AF-P0CG48-F1"), databases_of("P0CG48"), databases_of("MKTAYIAK")
    (('the Protein Data Bank',), ('AlphaFold DB',), ('AlphaFold DB', 'UniProt'), ())
    """
    text = entry_id.strip()
    if PDB_ID.fullmatch(text):
        return (PDB,)
    if ALPHAFOLD_ID.fullmatch(text):
        return (ALPHAFOLD,)
    return (ALPHAFOLD, UNIPROT) if ACCESSION.fullmatch(text) else ()


def fetch(entry_id: str, source: str, addresses: Addresses | None = None) -> Entry:
    """The entry, from this database.

    Raises:
        BadInput: the id is none of this database, or the database has no such entry.
        NotReachable: it does not answer, or not with a protein.
        TooLarge: the file is over 96 MiB.
    """
    text = entry_id.strip()
    if source not in databases_of(text):
        raise BadInput(
            f"“{text[:40]}” is no id that is known here: bring one such as 1UBQ (PDB), P0CG48 (UniProt) or "
            "AF-P0CG48-F1 (AlphaFold DB)."
        )
    ways: dict[str, Callable[[str, Addresses], Entry]] = {PDB: _pdb, ALPHAFOLD: _alphafold, UNIPROT: _uniprot}
    return ways[source](text, addresses or Addresses())


def _pdb(entry_id: str, addresses: Addresses) -> Entry:
    name = entry_id.upper() if len(entry_id) == 4 else entry_id.lower()
    data = _unpacked(_get(f"{addresses.pdb}/download/{name}.cif.gz", PDB, name), PDB)
    if b"_atom_site." not in data:
        raise NotReachable(_odd(PDB))
    return Entry(name, PDB, f"{name}.cif", data, note="From the Protein Data Bank (wwPDB), free for any use (CC0).")


def _alphafold(entry_id: str, addresses: Addresses) -> Entry:
    found = ALPHAFOLD_ID.fullmatch(entry_id)
    accession, wanted = (found[1].upper(), int(found[2])) if found else (entry_id.upper(), 1)
    known = _json(_get(f"{addresses.alphafold}/api/prediction/{accession}", ALPHAFOLD, accession), ALPHAFOLD)
    name = f"AF-{accession}-F{wanted}"
    listed = [one for one in known if isinstance(one, dict)] if isinstance(known, list) else []
    part = next((one for one in listed if str(one.get("entryId") or one.get("modelEntityId")) == name), None)
    if part is None:
        raise BadInput(f"AlphaFold DB has no prediction “{name}”: check the id.")
    data = _get(_own(part.get("cifUrl"), addresses), ALPHAFOLD, name)
    if b"_atom_site." not in data:
        raise NotReachable(_odd(ALPHAFOLD))
    pae = _get(_own(part["paeDocUrl"], addresses), ALPHAFOLD, name) if part.get("paeDocUrl") else b""
    note = "From AlphaFold DB (Google DeepMind and EMBL-EBI), CC BY 4.0: name it where you show it."
    return Entry(name, ALPHAFOLD, f"{name}.cif", data, pae, note)


def _uniprot(entry_id: str, addresses: Addresses) -> Entry:
    accession = entry_id.upper()
    data = _get(f"{addresses.uniprot}/uniprotkb/{accession}.fasta", UNIPROT, accession)
    if not data.lstrip().startswith(b">"):
        # UniProt answers for a withdrawn entry with an empty file.
        raise BadInput(f"UniProt has no sequence under “{accession}” any more: the entry was withdrawn or merged.")
    return Entry(accession, UNIPROT, f"{accession}.fasta", data, note="From UniProt, CC BY 4.0.")


def _own(address: object, addresses: Addresses) -> str:
    """An address that a database's answer names, where it leads to that database and nowhere else."""
    if not isinstance(address, str) or urlsplit(address)[:2] != urlsplit(addresses.alphafold)[:2]:
        raise NotReachable(_odd(ALPHAFOLD))
    return address


def _get(address: str, source: str, entry_id: str) -> bytes:
    """The bytes at an address. Raises BadInput, NotReachable, TooLarge."""
    data = bytearray()
    try:
        with httpx.stream("GET", address, timeout=SECONDS, follow_redirects=True) as answer:
            if answer.status_code in (400, 404, 410):
                raise BadInput(f"{_capital(source)} has no entry “{entry_id}”: check the id.")
            if answer.status_code == 429:
                raise NotReachable(f"{_capital(source)} asks for a pause: try again in a minute.")
            if answer.status_code >= 300:
                raise NotReachable(f"{_capital(source)} answers with an error ({answer.status_code}): try again later.")
            for part in answer.iter_raw() if address.endswith(".gz") else answer.iter_bytes():
                data += part
                if len(data) > MAX_BYTES:
                    raise TooLarge(f"The file of “{entry_id}” is over {MAX_BYTES >> 20} MiB: it cannot be opened here.")
    except httpx.TimeoutException as error:
        raise NotReachable(f"{_capital(source)} did not answer within {SECONDS:.0f} seconds: try again.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.info("%s could not be reached: %r", address, error)
        raise NotReachable(
            f"{_capital(source)} cannot be reached from this computer: check its network, or bring the entry as a file."
        ) from error
    return bytes(data)


def _unpacked(data: bytes, source: str) -> bytes:
    """What is in a gzip, never more than `MAX_BYTES` of it; what is none is given back as it is."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise NotReachable(_odd(source)) from error
    if len(unpacked) > MAX_BYTES:
        raise TooLarge(f"This entry is over {MAX_BYTES >> 20} MiB: it cannot be opened here.")
    return unpacked


def _json(data: bytes, source: str) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise NotReachable(_odd(source)) from error


def _odd(source: str) -> str:
    return f"{_capital(source)} did not answer with a protein: try again later, or bring the entry as a file."


def _capital(source: str) -> str:
    return source[0].upper() + source[1:]
