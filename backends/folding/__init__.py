"""Fold proteins and open structures. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.folding import capabilities as can
from backends.folding.cards import CARDS
from backends.folding.options import (
    AlphaFold2Options,
    CoevolutionOptions,
    ColabFoldOptions,
    EsmFold2Options,
    EsmFoldOptions,
    StructureOptions,
)

TASK = Task(
    name="folding",
    title="Fold a protein",
    verb="fold",
    inputs=("query",),
    optional=("pae",),
    engines={
        "esmfold": EngineSpec("backends.folding.engines.esmfold:EsmFoldEngine", EsmFoldOptions, can.ESMFOLD),
        "esmfold2": EngineSpec("backends.folding.engines.esmfold2:EsmFold2Engine", EsmFold2Options, can.ESMFOLD2),
        "alphafold2": EngineSpec(
            "backends.folding.engines.alphafold2:AlphaFold2Engine", AlphaFold2Options, can.ALPHAFOLD2
        ),
        "colabfold": EngineSpec("backends.folding.engines.colabfold:ColabFoldEngine", ColabFoldOptions, can.COLABFOLD),
        "structure": EngineSpec(
            "backends.folding.engines.structure_engine:StructureEngine", StructureOptions, can.STRUCTURE
        ),
        "coevolution": EngineSpec(
            "backends.folding.coevolution.engine:CoevolutionEngine", CoevolutionOptions, can.COEVOLUTION
        ),
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
