"""Read the networks of the hub's transformers library from local files: complete, or not at all.

`from_pretrained` fills what a checkpoint lacks with random numbers and only warns; here that is an error.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends.core.errors import EngineFailed, WeightsBroken, WeightsMissing

log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
STORED_TO_LOADED = 1.75
"""Where nothing else is said: of ESMFold's published file half is in half precision and is read as single."""


def load_pretrained(
    network: Any,
    path: Path,
    *,
    config: Any = None,
    optional: Sequence[str] = (),
    model_type: str = "",
    half: bool = False,
    stored_to_loaded: float = STORED_TO_LOADED,
) -> tuple[Any, frozenset[str]]:
    """The network at `path` (a folder as `save_pretrained` writes it, or one file) in single precision on the CPU.

    Args:
        network: the class.
        config: used where there is no `config.json` beside the weights.
        optional: regular expressions of keys that may be missing; everything else has to be there.
        model_type: what `config.json` has to say.
        half: read in bfloat16, but for what the network keeps in single precision.
        stored_to_loaded: bytes of memory for a byte on disk, by which a machine that is too small is told beforehand.

    Returns:
        the network in evaluation mode, and the keys that were missing.

    Raises:
        WeightsMissing: nothing there.
        WeightsBroken: damaged, of another network, or incomplete.
        EngineFailed: this machine has not the memory.
    """
    import torch
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()  # it would list on the terminal what is checked and told here
    if not path.exists():
        raise WeightsMissing(f"The weights “{path.name}” are not on this machine: download them, or choose a folder.")
    with tempfile.TemporaryDirectory(prefix="fourfold-weights-") as scratch:
        folder = path if path.is_dir() else _as_folder(path, Path(scratch))
        _require_config(folder, path, config, model_type)
        _require_memory(folder, stored_to_loaded)
        try:
            made, info = network.from_pretrained(
                folder,
                config=None if (folder / "config.json").is_file() else config,
                local_files_only=True,
                output_loading_info=True,
                dtype=torch.bfloat16 if half else torch.float32,
                weights_only=True,
            )
        except MemoryError:
            raise
        except Exception as error:  # a damaged or hostile file can make a parser fail in any way
            log.info("%s could not be loaded", path, exc_info=True)
            raise WeightsBroken(
                f"The weights “{path.name}” are damaged or do not fit {network.__name__}: download them again."
            ) from error
    made = made if half else made.float()
    return made.eval().requires_grad_(False), _complete(made, info, optional, path)


def _as_folder(path: Path, scratch: Path) -> Path:
    """A folder that holds one file of weights under the name that the library looks for, and its configuration."""
    if path.suffix not in SUFFIXES:
        raise WeightsBroken(f"“{path.name}” is no file of weights ({', '.join(SUFFIXES)}).")
    name = "model.safetensors" if path.suffix == ".safetensors" else "pytorch_model.bin"
    (scratch / name).symlink_to(path.resolve())
    beside = path.parent / "config.json"
    if beside.is_file():
        (scratch / "config.json").symlink_to(beside.resolve())
    return scratch


def _require_config(folder: Path, path: Path, config: Any, model_type: str) -> None:
    found = folder / "config.json"
    if not found.is_file():
        if config is None:
            raise WeightsBroken(f"“{path.name}” has no config.json, so nobody can tell what network it holds.")
        return
    try:
        said = json.loads(found.read_text(encoding="utf-8"))
        kind = str(said.get("model_type", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsBroken(f"The config.json of “{path.name}” cannot be read.") from error
    if model_type and kind != model_type:
        raise WeightsBroken(f"“{path.name}” holds a network of the kind “{kind[:40]}”, and “{model_type}” is needed.")


def _require_memory(folder: Path, stored_to_loaded: float) -> None:
    import psutil

    files = [file for file in folder.iterdir() if file.suffix in SUFFIXES]
    safe = [file for file in files if file.suffix == ".safetensors"]
    stored = sum(file.stat().st_size for file in safe or files)
    if not stored:
        raise WeightsMissing(f"There are no weights ({', '.join(SUFFIXES)}) in the folder “{folder.name}”.")
    needed, there = stored * stored_to_loaded, psutil.virtual_memory().total
    if needed > there:
        raise EngineFailed(
            f"This model needs about {needed / 1e9:.0f} GB of memory to be read, and this machine has "
            f"{there / 1e9:.0f} GB: run it on a larger one."
        )


def _complete(network: Any, info: dict[str, Any], optional: Sequence[str], path: Path) -> frozenset[str]:
    missing = frozenset(info["missing_keys"])
    needed = sorted(key for key in missing if not any(re.match(pattern, key) for pattern in optional))
    wrong = info["mismatched_keys"] or info.get("error_msgs")
    if needed or wrong:
        what = f"{len(needed)} of its parts are missing, such as {needed[0]}" if needed else "parts have the wrong size"
        raise WeightsBroken(f"The weights “{path.name}” are not complete: {what}. Download them again.")
    broken = [key for key, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise WeightsBroken(f"The weights “{path.name}” are damaged: {broken[0]} holds values that are not numbers.")
    return missing
