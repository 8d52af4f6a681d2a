"""What the folding engines can do, as data: what they take, what they give, and how their memory and time grow.

It travels in `/info`, so that a page knows what a model server of any version can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from backends.core.task import Capabilities

GIB = 1024**3


class MemoryModel(BaseModel):
    """Bytes that an engine needs for L residues: `base + parameter · parameters + residue · L + pair · L²`.

    The pair representation and its few working copies decide, so the rest hardly matters for a long chain.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    parameter: float
    pair: float
    residue: float = 0.0
    base: float = 1.0 * GIB

    def bytes(self, parameters: int, length: int) -> int:
        """For a network of so many `parameters` and a chain of `length` residues.

        >>> MemoryModel(parameter=4, pair=6_000, base=0).bytes(1_000_000, 100)
        64000000
        """
        fixed = self.base + self.parameter * parameters
        return int(fixed + self.residue * length + self.pair * length**2)


class FoldingCapabilities(Capabilities):
    """What an engine takes and gives.

    takes: the least it needs: "sequence" (any query has one), "alignment" or "structure".
    complexes: whether it takes several chains at once.
    alignment: whether it reads an alignment where one is given.
    extras: the arrays it can keep beside the structure.
    speed_unit: what the card's speed is measured in: seconds a residue, or seconds a "pass" over 100 residues, whose
        cost grows with the cube of the length (`resources.work_units`).
    memory: by device; that of the CPU stands for devices that are not named. Empty where it needs next to nothing, or
        nobody knows.
    """

    takes: Literal["sequence", "alignment", "structure"] = "sequence"
    complexes: bool = False
    alignment: bool = False
    extras: tuple[str, ...] = ()
    speed_unit: Literal["residue", "pass"] = "residue"
    memory: Mapping[str, MemoryModel] = {}

    def memory_model(self, device: str) -> MemoryModel | None:
        return self.memory.get(device) or self.memory.get("cpu")


ESMFOLD = FoldingCapabilities(
    extras=("contacts", "distogram", "attention", "mutations"),
    speed_unit="pass",
    # 4.6 kB a pair measured at 384 to 640 residues by `benchmarks/folding_speed.py` with the smallest chunks; the rest
    # is room for larger ones. On a graphics card the language model, four fifths of the parameters, is in half
    # precision. Per residue: the 37 layers of the language model of 2,560 channels, and a copy of them.
    memory={
        "cpu": MemoryModel(parameter=4.0, pair=6_000, residue=2 * 37 * 2560 * 4),
        "cuda": MemoryModel(parameter=2.4, pair=6_000, residue=2 * 37 * 2560 * 2),
    },
)
ESMFOLD2 = FoldingCapabilities(
    alignment=True,
    speed_unit="pass",
    # Reported by its users: 1,792 residues reserve 77 GiB of an 80 GB card, 13 of them the weights.
    memory={"cpu": MemoryModel(parameter=4.0, pair=21_000), "cuda": MemoryModel(parameter=2.0, pair=21_000)},
)
ALPHAFOLD2 = FoldingCapabilities(
    alignment=True,
    extras=("contacts", "distogram"),
    speed_unit="pass",
    # The same pair stack as ESMFold's, and 512 rows of alignment with a few copies; not measured.
    memory={"cpu": MemoryModel(parameter=4.0, pair=6_000, residue=4 * 512 * 256 * 4)},
)
COLABFOLD = FoldingCapabilities(complexes=True, alignment=True)
STRUCTURE = FoldingCapabilities(takes="structure", complexes=True)
COEVOLUTION = FoldingCapabilities(takes="alignment", alignment=True)
