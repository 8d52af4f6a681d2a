"""Fold proteins and open structures. One engine a file; `base.py` holds what they share."""

from backends.core.task import Task
from backends.folding.cards import CARDS
from backends.folding.options import OPTIONS

TASK = Task(
    name="folding",
    title="Fold a protein",
    verb="fold",
    inputs=("query",),
    optional=("pae",),
    options=OPTIONS,
    engines={
        "esmfold": "backends.folding.engines.esmfold:EsmFoldEngine",
        "esmfold2": "backends.folding.engines.esmfold2:EsmFold2Engine",
        "alphafold2": "backends.folding.engines.alphafold2:AlphaFold2Engine",
        "colabfold": "backends.folding.engines.colabfold:ColabFoldEngine",
        "structure": "backends.folding.engines.structure_engine:StructureEngine",
        "coevolution": "backends.folding.coevolution.engine:CoevolutionEngine",
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
