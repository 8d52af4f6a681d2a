"""Fold proteins and open structures. One engine a file; `base.py` holds what they share."""

from backends.folding.cards import CARDS
from backends.folding.options import OPTIONS
from backends.task import Task

TASK = Task(
    name="folding",
    title="Fold a protein",
    verb="fold",
    inputs=("query",),
    optional=("pae",),
    options=OPTIONS,
    engines={
        "esmfold": "backends.folding.esmfold:EsmFoldEngine",
        "esmfold2": "backends.folding.esmfold2:EsmFold2Engine",
        "alphafold2": "backends.folding.alphafold2:AlphaFold2Engine",
        "colabfold": "backends.folding.colabfold:ColabFoldEngine",
        "structure": "backends.folding.opened:StructureEngine",
        "coevolution": "backends.folding.coevolution:CoevolutionEngine",
    },
    cards=CARDS,
    own={
        "esmfold2": "esmfold2",
        "folder": "esmfold",
        ".bin": "esmfold",
        ".safetensors": "esmfold",
        ".pt": "alphafold2",
        ".npz": "alphafold2",
    },
)
