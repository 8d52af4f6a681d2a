"""Time and memory of ESMFold's trunk against the length of the chain, with and without the chosen chunking.

    python -m benchmarks.folding_speed --lengths 64 128 256 512 --blocks 2

The trunk has the width of the published network and random weights, which decide neither time nor memory; of its 48
equal blocks only a few are run, and a pass is reckoned from the time of one. Each row is a process of its own: its
peak is what the system says of it, less what it held before the first block. Both ways get the same weights and the
same input, and the last column says how far apart the atoms end up. A way that would need more memory than
`--memory` GB is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED_BLOCKS = 48
WAYS = ("plain", "chosen")
MB = 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 128, 256, 512, 768, 1024])
    parser.add_argument("--blocks", type=int, default=2, help="blocks to run of the 48")
    parser.add_argument("--memory", type=float, default=8.0, help="GB that a row may need at most")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--row", nargs=3, metavar=("LENGTH", "WAY", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        length, way, path = arguments.row
        say(json.dumps(measure(int(length), way, Path(path), arguments)))
        return
    say(f"{'residues':>8} {'way':>7} {'chunk':>6} {'s a block':>10} {'s a pass':>9} {'peak MB':>8} {'apart Å':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for length in arguments.lengths:
            report(length, Path(folder), arguments)


def report(length: int, folder: Path, arguments: argparse.Namespace) -> None:
    """One line for each way of folding a chain of `length`."""
    atoms = {}
    for way in WAYS:
        if way == "plain" and (needed := plain_bytes(length)) > arguments.memory * 1e9:
            say(f"{length:8} {way:>7}   left out: its attention alone needs about {needed / 1e9:.0f} GB")
            continue
        path = folder / f"{way}.npy"
        row = run(length, way, path, arguments)
        atoms[way] = np.load(path)
        apart = f"{np.abs(atoms['plain'] - atoms[way]).max():8.1e}" if len(atoms) == 2 else " " * 8
        figures = f"{row['block']:10.2f} {row['pass']:9.0f} {row['peak']:8.0f} {apart}"
        say(f"{length:8} {way:>7} {row['chunk'] or 'off':>6} {figures}")


def plain_bytes(length: int) -> float:
    """The scores of all rows of triangle attention with four heads, and their softmax."""
    return 2 * 4 * 4 * float(length) ** 3


def run(length: int, way: str, path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of one row, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.folding_speed", "--row", str(length), way, str(path)]
    command += ["--blocks", str(arguments.blocks), "--device", arguments.device]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{length} residues, {way}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(length: int, way: str, path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the trunk once; returns seconds a block, seconds a whole pass, and peak MB above what was held before."""
    import torch

    from backends.folding.engines import esm_trunk
    from backends.shared.device_memory import free_memory

    model = network(arguments.blocks).to(arguments.device)
    chunk = None
    if way == "chosen":
        esm_trunk.chunk_by_rows(model)
        chunk = esm_trunk.choose_chunk(length, 4, free_memory(arguments.device))
    aatype = torch.randint(0, 20, (1, length), generator=torch.Generator().manual_seed(0)).to(arguments.device)
    single = torch.randn(1, length, 1024, generator=torch.Generator().manual_seed(1)).to(arguments.device)
    forget_peak(arguments.device)
    before = peak_bytes(arguments.device)
    started = last = time.perf_counter()
    blocks = 0.0
    for item in esm_trunk.passes(model, single, aatype, 1, chunk):
        now = time.perf_counter()
        if isinstance(item, esm_trunk.TrunkPass):
            np.save(path, item.atoms)
        else:
            blocks += now - last
        last = now
    rest = time.perf_counter() - started - blocks
    block = blocks / arguments.blocks
    peak = (peak_bytes(arguments.device) - before) / MB
    return {"chunk": chunk, "block": block, "pass": PUBLISHED_BLOCKS * block + rest, "peak": peak}


def network(blocks: int) -> Any:
    """A trunk of published width on a language model too small to matter, always with the same weights."""
    import torch
    from transformers import EsmConfig, EsmForProteinFolding
    from transformers.utils import logging

    logging.set_verbosity_error()
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        position_embedding_type="rotary",
        is_folding_model=True,
        esmfold_config={"fp16_esm": False, "trunk": {"num_blocks": blocks, "chunk_size": None}},
    )
    model = EsmForProteinFolding(config).eval().requires_grad_(False)
    for value in model.parameters():  # layers that start as zeros would hide a difference between the two ways
        value.add_(0.02 * torch.randn_like(value))
    return model


def forget_peak(device: str) -> None:
    """From now on the peak is that of what follows."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the resident peak starts anew


def peak_bytes(device: str) -> int:
    """The most bytes held since the peak was forgotten."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
