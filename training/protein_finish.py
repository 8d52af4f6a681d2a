"""The weights that ship, in half precision: `python -m training.protein_finish --work WORK --out FILE.safetensors`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.protein_model import CONFIG, HEAD

KEPT = ("esm.", "head.")
UNUSED = "esm.contact_head."
"""Contacts from attention were not learned."""


def export(work: Path, out: Path) -> None:
    """The averaged weights of the last checkpoint with the configuration that they are of."""
    state = torch.load(work / "last.pt", weights_only=True)["average"]
    kept = {name: value for name, value in state.items() if name.startswith(KEPT) and not name.startswith(UNUSED)}
    halves = {name: value.half() if value.is_floating_point() else value for name, value in kept.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"esm": CONFIG, "hidden": HEAD})
    save_file({name: value.contiguous().clone() for name, value in halves.items()}, out, {"config": told})
    out.chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    export(given.work, given.out)


if __name__ == "__main__":
    main()
