"""The folding engines, and their models as data: what each is, weighs, is bad at, and where it is published."""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, Need, WeightFile
from backends.core.task import EngineSpec
from backends.folding import capabilities as can
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.options import (
    AlphaFold2Options,
    CoevolutionOptions,
    ColabFoldOptions,
    EsmFold2Options,
    EsmFoldOptions,
    StructureOptions,
)

ENGINES: dict[str, EngineSpec] = {
    "esmfold": EngineSpec("backends.folding.engines.esmfold:EsmFoldEngine", EsmFoldOptions, can.ESMFOLD),
    "esmfold2": EngineSpec("backends.folding.engines.esmfold2:EsmFold2Engine", EsmFold2Options, can.ESMFOLD2),
    "alphafold2": EngineSpec("backends.folding.engines.alphafold2:AlphaFold2Engine", AlphaFold2Options, can.ALPHAFOLD2),
    "colabfold": EngineSpec("backends.folding.engines.colabfold:ColabFoldEngine", ColabFoldOptions, can.COLABFOLD),
    "structure": EngineSpec(
        "backends.folding.engines.structure_engine:StructureEngine", StructureOptions, can.STRUCTURE
    ),
    "coevolution": EngineSpec(
        "backends.folding.coevolution.engine:CoevolutionEngine", CoevolutionOptions, can.COEVOLUTION
    ),
}

_TASK = "folding"
_OUTPUTS = ("structure", "plddt", "pae")
STARTER = "esmfold-starter"
"""The card whose files ship, and their folder in `backends/starters/`."""

# Residues. What fits the memory of the machine at hand is worked out in `resources.py` and may be less.
_NETWORK = {"cpu": Limits(residues=1_000), "cuda": Limits(residues=2_000), "mps": Limits(residues=1_000)}

# Speeds are seconds for one pass over 100 residues on two cores (`resources.work_units`): ESMFold's by
# `benchmarks/folding_speed.py`
# at 64 to 256 residues, OpenFold's by one pass over 84 residues with 128 rows of alignment (26 s). 0: not measured.
# Coevolution's are seconds a residue: 0.15 at 93 residues by `benchmarks/coevolution.py`, about 0.3 at 200 and 0.5 at
# 400 by the time of single steps. At 400 residues and 3,750 sequences its couplings take 12 s, 8 of them in one piece
# that cannot be stopped, and 1.9 GB.

OPENFOLD_HOW = (
    "AlphaFold2 needs the OpenFold program, which is not on this machine: on the machine that runs the models, "
    "install it from its own repository as README.md says under “AlphaFold2”, then start Fourfold again."
)
COLABFOLD_HOW = (
    "ColabFold needs the command colabfold_batch, which is not on this machine: install LocalColabFold on the machine "
    "that runs the models, put its bin folder on the PATH, then start Fourfold again."
)

UNTRIED = "Nothing yet. Fourfold has run this model only with small networks of random weights, not with the real ones."
UNTRIED_PROGRAM = (
    "Nothing yet. Fourfold has tried this model only with a stand-in for its program, not with the real weights."
)
"""In place of a measurement, where the published weights could not be run."""


def _folder(repository: str, size: str, card: str) -> Need:
    how = (
        f"The weights are not on this machine: download the hub repository {repository} ({size}) and put its files "
        f"into the folder “{card}” of Fourfold's weights, or name that folder with --weights."
    )
    return Need("folder", repository, how)


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="esmfold",
        task=_TASK,
        engine="esmfold",
        title="ESMFold",
        summary="Folds one chain from its sequence alone, in seconds to minutes on a graphics card.",
        weak_at="It looks at no relatives of the protein: orphan proteins and long chains come out less sure.",
        licence="MIT",
        licence_note="Released by Meta AI under the MIT licence, weights included: free for any use.",
        tier="full",
        without=("relax",),
        outputs=_OUTPUTS,
        parameters=3_525_038_915,
        files=(
            WeightFile(
                name="pytorch_model.bin",
                bytes=8_442_062_570,
                sha256="2ee07356b125d1e3e57503c204111fd7323347fc4735d41d3caac57c2a78e116",
                hub="facebook/esmfold_v1",
                revision="75a3841ee059df2bf4d56688166c8fb459ddd97a",
            ),
        ),
        limits=_NETWORK,
        speed=10.0,
        preference=60,
    ),
    ModelCard(
        id="esmfold2-fast",
        task=_TASK,
        engine="esmfold2",
        title="ESMFold2 Fast",
        summary="The successor of ESMFold for one sequence: a larger language model and a diffusion of all atoms.",
        weak_at="It takes no alignment, and needs a graphics card with much memory for its language model.",
        measured=UNTRIED,
        licence="MIT",
        licence_note="Released by Biohub under the MIT licence, weights included: free for any use.",
        tier="full",
        outputs=_OUTPUTS,
        parameters=6_533_790_557,
        needs=(_folder("biohub/ESMFold2-Fast", "over 13 GB, its language model included", "esmfold2-fast"),),
        limits=_NETWORK,
        preference=50,
    ),
    ModelCard(
        id="esmfold2",
        task=_TASK,
        engine="esmfold2",
        title="ESMFold2",
        summary="The full ESMFold2: slower than the fast one, and it can make use of an alignment.",
        weak_at="It needs a graphics card with much memory, and a chain of 2,000 residues needs about 80 GB.",
        measured=UNTRIED,
        licence="MIT",
        licence_note="Released by Biohub under the MIT licence, weights included: free for any use.",
        tier="full",
        outputs=_OUTPUTS,
        parameters=6_579_941_981,
        needs=(_folder("biohub/ESMFold2", "over 13 GB, its language model included", "esmfold2"),),
        limits=_NETWORK,
        preference=45,
    ),
    ModelCard(
        id="openfold-ptm",
        task=_TASK,
        engine="alphafold2",
        title="AlphaFold2 (OpenFold)",
        summary="AlphaFold2 rebuilt and retrained in the open: at its best with an alignment of related sequences.",
        weak_at="With one sequence and no alignment it is much worse than ESMFold; it searches no databases itself.",
        measured=UNTRIED_PROGRAM,
        licence="CC BY 4.0",
        licence_note="The OpenFold program is under Apache 2.0 and its weights under CC BY 4.0: name OpenFold.",
        tier="full",
        outputs=_OUTPUTS,
        parameters=93_229_082,
        files=(
            WeightFile(
                name="finetuning_ptm_2.pt",
                bytes=374_620_131,
                sha256="aff88a4534f500bcd4509584c2a6ce824417b31f4efaa5b17d19b4c97a8aaa49",
                hub="nz/OpenFold",
            ),
        ),
        needs=(Need("module", "openfold", OPENFOLD_HOW),),
        limits=_NETWORK,
        speed=38.0,
        preference=40,
    ),
    ModelCard(
        id="colabfold",
        task=_TASK,
        engine="colabfold",
        title="AlphaFold2 (ColabFold)",
        summary="AlphaFold2 with DeepMind's own weights through the installed ColabFold; it takes several chains too.",
        weak_at="Without an alignment of your own it is run on the single sequence, for which ESMFold is better.",
        measured=UNTRIED_PROGRAM,
        licence="CC BY 4.0",
        licence_note="ColabFold is under the MIT licence, and the AlphaFold2 weights it fetches under CC BY 4.0.",
        tier="full",
        outputs=_OUTPUTS,
        needs=(Need("command", "colabfold_batch", COLABFOLD_HOW),),
        limits=_NETWORK,
        preference=35,
    ),
    ModelCard(
        id="structure",
        task=_TASK,
        engine="structure",
        title="Open a structure",
        summary="Opens a PDB or mmCIF file, with its confidence where it has one: everything but the prediction.",
        weak_at="It predicts nothing: a sequence alone needs one of the other models.",
        licence="MIT",
        licence_note="This part of Fourfold learned from no data and is free for any use.",
        tier="builtin",
        outputs=("structure",),
        limits={"cpu": Limits(residues=MAX_STRUCTURE_RESIDUES)},
        speed=0.05,
        preference=20,
    ),
    ModelCard(
        id="coevolution",
        task=_TASK,
        engine="coevolution",
        title="Coevolution",
        summary="No learning: finds residues that change together in your alignment and folds the chain to join them.",
        weak_at="A rough fold at best, from hundreds of related sequences, and another with each seed; the yardstick.",
        licence="MIT",
        licence_note="This part of Fourfold learned from no data and is free for any use.",
        tier="builtin",
        outputs=("structure", "contacts"),
        limits={"cpu": Limits(residues=400)},
        speed=0.2,
        preference=10,
    ),
    ModelCard(
        id=STARTER,
        task=_TASK,
        engine="esmfold",
        title="Folding starter",
        summary="A tiny ESMFold that ships with Fourfold: from one sequence it tells helices, strands and their turns.",
        weak_at=(
            "It does not know how they lie to each other: only the shape of short stretches is worth looking at, and "
            "its confidence says so."
        ),
        measured=(
            "On 113 chains kept apart its folds have lDDT 0.45 (95 % interval 0.42 to 0.49) and TM-score 0.31 "
            "(0.29 to 0.34), where the states that it tells, laid out in a row, have 0.35 and 0.25; pLDDT is off "
            "by 0.7 of 100 on average. Relaxed, none of them is a chain that cannot exist; as the network gives them, "
            "74 % are. It tells helix, strand or loop right in 72.9 % of the residues (71.4 to 74.4)."
        ),
        licence="MIT",
        licence_note="Trained by Fourfold on structures of the Protein Data Bank, which are in the public domain.",
        tier="starter",
        outputs=_OUTPUTS,
        parameters=1_781_730,
        files=(
            WeightFile(
                "model.safetensors",
                3_192_196,
                "7c776773e0171b09e11785f33ff7f2aae163ec0ca69c94cfc8e3279f7c6ee95b",
                path=STARTER,
            ),
            WeightFile(
                "config.json", 3_451, "6d8417e9358310203a7e7f949335ba93413e6154e08e66f2c9f0b6f34df5e019", path=STARTER
            ),
            WeightFile(
                "secondary_head.safetensors",
                405_016,
                "96627ae9d60ef2ba2d8b766f338071b14919d86e65961162e51d409bc73ade29",
                path=STARTER,
            ),
        ),
        limits={"cpu": Limits(residues=200)},
        speed=2.5,
        preference=-5,
        without=("recycles",),
        capabilities={"extras": ("contacts", "distogram", "attention")},
    ),
)
"""Best first."""
