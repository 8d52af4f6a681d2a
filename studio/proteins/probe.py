"""What the proteins page needs besides layout: reading what was brought, what each model takes, choices, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import UserError
from backends.core.model_card import ModelCard
from backends.folding import resources
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.alignment.sequence_checks import SequenceWarning, check_sequence
from backends.folding.cards import CARDS, STARTER
from backends.folding.limits import MAX_FOLDED_RESIDUES
from backends.folding.structure.confidence import read_confidence
from studio.ui import formatting

STRUCTURE_TYPES = ("pdb", "ent", "cif", "mmcif")
TYPES = ("fasta", "fa", "faa", "seq", "txt", "a3m", "sto", "stockholm", "aln", "afa", *STRUCTURE_TYPES, "gz")
MAX_UPLOAD_MB = 250
MAX_PASTE_LETTERS = 2_000_000
DEFAULT_RECYCLES = 3
MAX_RECYCLES = 24


@dataclass(frozen=True)
class EngineTraits:
    """What an engine takes, so that a page can say what does not fit before anything is sent.

    `takes` is the least it needs; `extras` what it can keep besides, `recycles` whether it has them.
    """

    takes: str = "sequence"
    complexes: bool = False
    alignment: bool = False
    recycles: bool = True
    chunk: bool = False
    models: bool = False
    seed: bool = False
    extras: tuple[str, ...] = ()


ENGINES: Mapping[str, EngineTraits] = {
    "esmfold": EngineTraits(chunk=True, extras=("contacts", "distogram", "attention", "mutations")),
    "esmfold2": EngineTraits(alignment=True, models=True, seed=True),
    "alphafold2": EngineTraits(alignment=True, seed=True, extras=("contacts", "distogram")),
    "colabfold": EngineTraits(complexes=True, alignment=True, models=True, seed=True),
    "coevolution": EngineTraits("alignment", alignment=True, recycles=False, seed=True),
    "structure": EngineTraits("structure", complexes=True, recycles=False),
}
"""By the engine's name, as each engine file says it."""

LESS: Mapping[str, EngineTraits] = {
    STARTER: replace(ENGINES["esmfold"], recycles=False, extras=("contacts", "distogram", "attention")),
}
"""By a card's id, where its network can do less than its engine."""

MEANINGS = {
    "recycles": "How often the network looks at its own result and improves it. Each costs as much as the first pass.",
    "chunk": "How many rows of the protein are worked on at once: automatic fits them to the free memory. Smaller "
    "needs less memory and more time; the result is the same.",
    "attention": "Keeps what every head of the language model looked at, to see it as contacts afterwards.",
    "mutations": "Asks the language model what it expects of every single mutation: one more pass for each residue.",
    "distogram": "Keeps the network's probabilities of all distances, for programs that take them.",
    "models": "Makes several structures and ranks them by their confidence.",
    "seed": "Random choices start from this number: the same one repeats a result.",
    "chain": "Which of the chains to work on.",
}

NEEDED = {
    "alignment": "needs an alignment of related sequences (A3M, Stockholm or aligned FASTA)",
    "structure": "needs a structure file (PDB or mmCIF)",
}


@dataclass(frozen=True)
class Probe:
    """What is known of a protein before it is run. `problem` is one sentence where it cannot be."""

    query: Query | None = None
    findings: tuple[tuple[str, SequenceWarning], ...] = ()
    problem: str = ""

    @property
    def length(self) -> int:
        return self.query.length if self.query else 0

    @property
    def kind(self) -> str:
        return self.query.kind if self.query else ""

    @property
    def text(self) -> str:
        """What was read, in one line."""
        if self.query is None:
            return ""
        parts = [self.query.kind_name, formatting.count(self.length, "residue")]
        if len(self.query.chains) > 1:
            parts.append(formatting.count(len(self.query.chains), "chain"))
        if self.query.alignment is not None:
            parts.append(f"{len(self.query.alignment.names):,} sequences")
        return ", ".join(parts)


def alignment_depth(found: Probe) -> str:
    """How much an alignment knows of each residue, in words; "" for what is no alignment."""
    if found.query is None or found.query.alignment is None:
        return ""
    counts = found.query.alignment.depth
    thinnest = int(counts.argmin())
    return (
        f"Half of the residues have {int(np.median(counts)):,} sequences or more; the fewest, {int(counts.min()):,}, "
        f"are at residue {thinnest + 1}. Models make little of parts with under some 30."
    )


def probe(path: Path) -> Probe:
    """Read a file of any kind that the task takes; a problem is a sentence, never an exception."""
    try:
        query = read_input(path)
    except UserError as error:
        return Probe(problem=error.sentence)
    many = len(query.chains) > 1
    found = [
        (chain.name if many else "", finding) for chain in query.chains for finding in check_sequence(chain.sequence)
    ]
    return Probe(query, tuple(found))


def confidence_problem(path: Path, length: int) -> str:
    """One sentence where a file of confidence cannot go with a structure of `length` residues; "" where it can."""
    try:
        told = read_confidence(path)
    except UserError as error:
        return error.sentence
    for array in (told.plddt, told.pae):
        if array is not None and len(array) != length:
            return f"The confidence file is for {len(array)} residues and the structure has {length}."
    return ""


def takes(card: Mapping[str, Any]) -> EngineTraits:
    """What the engine of a card takes; one that this studio does not know is taken to want a sequence."""
    return LESS.get(str(card.get("id"))) or ENGINES.get(str(card.get("engine")), EngineTraits())


def mismatch(card: Mapping[str, Any], probe: Probe) -> str:
    """Why this model cannot work on this protein, one sentence; "" where it can, or nothing was brought."""
    wanted = takes(card).takes
    if not probe.query or wanted in ("sequence", probe.kind):
        return ""
    return f"“{card['title']}” {NEEDED[wanted]}, and this is {probe.query.kind_name}: choose another model."


def default_model(cards: Sequence[Mapping[str, Any]], kind: str) -> str:
    """The model to begin with: the best that is here and takes what was brought, else the best that would."""
    fitting = [card for card in cards if takes(card).takes in ("sequence", kind)]
    if kind == "structure":  # somebody who brings a structure wants to see it, not to fold it anew
        fitting = [card for card in fitting if takes(card).takes == "structure"] or fitting
    ranked = sorted(fitting, key=lambda card: (bool(card["here"]), card["preference"]), reverse=True)
    return ranked[0]["id"] if ranked else ""


def _known(card: Mapping[str, Any]) -> ModelCard | None:
    """The card as the estimates want it: the project's, or that of the same engine for weights of one's own."""
    if card.get("tier") != "yours":
        return next((one for one in CARDS if one.id == card["id"]), None)
    alike = next((one for one in CARDS if one.tier == "full" and one.engine == card["engine"]), None)
    return alike and replace(alike, parameters=int(card["parameters"]))


def max_residues(card: Mapping[str, Any], device: Mapping[str, Any]) -> int | None:
    """The most residues that this model takes on the server's device; None where that is not known."""
    known = _known(card)
    told = (card.get("limits") or {}).get("residues")
    if known is None:
        return told
    memory = int(device.get("memory_bytes") or 0)
    most = resources.max_residues(known, str(device.get("kind", "cpu")), memory) if memory else MAX_FOLDED_RESIDUES
    return min(most, told) if told else most


def too_long(card: Mapping[str, Any], length: int, device: Mapping[str, Any]) -> str:
    """One sentence where this model cannot take so many residues on the server's device."""
    most = max_residues(card, device)
    if most is None or length <= most:
        return ""
    if most == 0:
        return f"“{card['title']}” needs more memory than the model server has."
    return (
        f"{length:,} residues are more than the {most:,} that “{card['title']}” takes on the model server: fold the "
        "domains one by one."
    )


def estimate(
    card: Mapping[str, Any], length: int, device: Mapping[str, Any], passes: int = DEFAULT_RECYCLES + 1
) -> str:
    """Time and memory for `length` residues in words; with 0 the longest chain alone."""
    said = []
    if length:
        seconds = resources.estimate_seconds(card, length, passes if takes(card).recycles else 1)
        said.append("time not measured yet" if seconds is None else f"takes {formatting.about(seconds)}")
        known = _known(card)
        memory = resources.memory_needed(known, str(device.get("kind", "cpu")), length) if known else 0
        if memory:
            said.append(f"{formatting.size(memory)} of memory")
    most = max_residues(card, device)
    if most == 0:
        said.append("needs more memory than the model server has")
    elif most:
        said.append(f"up to {most:,} residues here")
    return " · ".join(said)


@dataclass(frozen=True)
class FormValues:
    """What is to be done. `recycles` None for what the model was trained with; `extras` besides contacts."""

    recycles: int | None = None
    chunk: str = "auto"
    extras: tuple[str, ...] = ()
    chain: str = ""
    models: int = 1
    seed: int = 0

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> FormValues:
        """The choices behind a run's options."""
        recycles = options.get("recycles")
        kept = str(options.get("extras") or "").replace(",", " ").split()
        return cls(
            recycles=None if recycles in (None, "") else int(recycles),
            chunk=str(options.get("chunk") or "auto"),
            extras=tuple(name for name in kept if name != "contacts"),
            chain=str(options.get("chain") or ""),
            models=int(options.get("models") or 1),
            seed=int(options.get("seed") or 0),
        )

    def to_options(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the job; what this model does not have is left out."""
        engine = takes(card)
        wanted: dict[str, Any] = {}
        if engine.recycles and self.recycles is not None:
            wanted["recycles"] = self.recycles
        if engine.chunk and self.chunk != "auto":
            wanted["chunk"] = self.chunk
        if kept := [name for name in self.extras if name in engine.extras]:
            wanted["extras"] = ",".join(["contacts", *kept])
        if self.chain:
            wanted["chain"] = self.chain
        if engine.models:
            wanted["models"] = self.models
        if engine.seed and self.seed:
            wanted["seed"] = self.seed
        return wanted


def option_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as a person reads them."""
    said = {name: str(value) for name, value in options.items() if value not in (None, "")}
    if "extras" in said:
        said["also kept"] = said.pop("extras").replace(",", ", ")
    return said


@dataclass(frozen=True)
class Sample:
    """Something to try: its text, and the file name it goes by. `built` ones are structures made by rule."""

    id: str
    name: str
    sentence: str
    file: str
    text: str
    built: bool = False


@cache
def samples() -> tuple[Sample, ...]:
    """Two structures built by rule, which open on every machine, then well-known proteins by their sequence."""
    from evaluation.synthetic.proteins import KNOWN

    known = [Sample(one.id, one.name, one.sentence, f"{one.name}.fasta", one.fasta) for one in KNOWN]
    return (*_built(), *known)


def _built() -> list[Sample]:
    from backends.folding.structure.writer import to_pdb
    from evaluation.synthetic.proteins import beta_hairpin, helical_hairpin

    made = (
        ("helices", "Helical hairpin", "Two helices and a loop", helical_hairpin()),
        ("hairpin", "β-hairpin", "Two strands and a tight turn", beta_hairpin()),
    )
    return [
        Sample(
            key,
            name,
            f"{what}, turned by rule from ideal angles: neither predicted nor measured.",
            f"{name}.pdb",
            to_pdb(structure),
            True,
        )
        for key, name, what, structure in made
    ]
