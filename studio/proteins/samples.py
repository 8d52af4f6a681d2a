"""Proteins to try: two structures built by rule, and well-known proteins by their sequence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


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

    built = (
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
        for key, name, what, structure in built
    ]
