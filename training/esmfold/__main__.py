"""Train the ESMFold starter: a small language model that tells helices and strands, and a folding trunk on top of it.

    python -m training.esmfold prepare --data FOLDER --measured FOLDER --work WORK
    python -m training.esmfold language --work WORK --steps 1500
    python -m training.esmfold fold --work WORK --steps 8600
    python -m training.esmfold.export --work WORK --out backends/starters/esmfold-starter

`prepare` leaves out what is like a protein under `--measured`. The other two go on from their last checkpoint, which
holds everything.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from evaluation.datasets.protein_chains import Chains, measured_sequences, read_chains, without_alike
from training.esmfold.fold import FOLD, Fold
from training.esmfold.language import LANGUAGE, Language
from training.loop import Loop, Recipe, averaged_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", LANGUAGE, FOLD))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--data", type=Path, help="the folder with chains_train.npz and ca_traces_train.npz")
    parser.add_argument("--measured", type=Path, help="a folder of proteins that must not be trained on")
    parser.add_argument("--steps", type=int, default=0, help="until when to train, counted from the start")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    store = given.work / "chains.npz"
    if given.what == "prepare":
        measured = measured_sequences(given.measured) if given.measured else []
        without_alike(read_chains(given.data), measured).save(store)
        return
    if given.steps < 1:
        parser.error("--steps says until when to train")
    chains = Chains.load(store)
    recipe: Recipe = Language(chains)
    if given.what == FOLD:
        recipe = Fold(chains, averaged_weights(given.work / f"{LANGUAGE}.pt"))
    Loop(recipe, given.work, given.what, given.steps).run_until_stopped()


if __name__ == "__main__":
    main()
