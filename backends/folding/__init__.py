"""Fold proteins and open structures. One engine a file; `base.py` holds what they share."""

from backends.core.adapting import Material
from backends.core.task import Task
from backends.folding.alignment.endings import SUFFIXES
from backends.folding.cards import CARDS, ENGINES

TASK = Task(
    name="folding",
    title="Fold a protein",
    verb="fold",
    inputs=("query",),
    optional=("pae",),
    noun="protein",
    suffixes=tuple(f".{ending}" for ending in SUFFIXES),
    engines=ENGINES,
    cards=CARDS,
    explainable="backends.folding.explanation:EXPLAINABLE",
    fits="backends.folding.fitting:engines_for",
    own={
        "esmfold2": "esmfold2",
        "folder": "esmfold",
        ".bin": "esmfold",
        ".safetensors": "esmfold",
        ".pt": "alphafold2",
        ".npz": "alphafold2",
    },
    material=Material(
        engine="esmfold",
        what="ESMFold's structure module learns your proteins by low-rank changes (LoRA); its language model stays.",
        noun="structure",
        layout="Structure files of single chains (PDB or mmCIF), side by side.",
        endings=(".pdb", ".ent", ".cif", ".mmcif"),
        least=6,
        steps=60,
        by="lDDT-Cα against the true structure",
    ),
)
