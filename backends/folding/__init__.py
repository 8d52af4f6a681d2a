"""Fold proteins and open structures. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.folding.cards import CARDS
from backends.folding.options import OPTIONS

TASK = Task(
    name="folding",
    title="Fold a protein",
    verb="fold",
    inputs=("query",),
    optional=("pae",),
    meanings=OPTIONS,
    engines={
        "esmfold": EngineSpec("backends.folding.engines.esmfold:EsmFoldEngine"),
        "esmfold2": EngineSpec("backends.folding.engines.esmfold2:EsmFold2Engine"),
        "alphafold2": EngineSpec("backends.folding.engines.alphafold2:AlphaFold2Engine"),
        "colabfold": EngineSpec("backends.folding.engines.colabfold:ColabFoldEngine"),
        "structure": EngineSpec("backends.folding.engines.structure_engine:StructureEngine"),
        "coevolution": EngineSpec("backends.folding.coevolution.engine:CoevolutionEngine"),
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
