"""Turn a pickled checkpoint into safetensors without running anything that the pickle asks for.

A pickle names functions to call; `torch.load(weights_only=True)` calls only those of an allow-list. Checkpoints that
hold numpy arrays need numpy's own constructors on that list, and nothing else is added to it.

    python -m backends.weights.checkpoints net.pth net.safetensors
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backends.core.errors import WeightsBroken

log = logging.getLogger(__name__)


def to_safetensors(checkpoint: Path, target: Path) -> None:
    """Store the tensors or arrays of a flat pickled dictionary at `target`, under the same names.

    The same checkpoint gives the same bytes, so that the result has a digest of its own.

    Raises:
        WeightsBroken: the pickle asks for anything but arrays, is damaged, or is no flat dictionary of them.
    """
    import torch
    from safetensors.torch import save

    try:
        with torch.serialization.safe_globals(_array_constructors()):
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        tensors = {str(name): _tensor(value) for name, value in content.items()}
    except Exception as error:  # a damaged or hostile file can make a parser fail in any way
        log.info("%s could not be converted", checkpoint, exc_info=True)
        raise WeightsBroken(f"“{checkpoint.name}” holds something else than numbers, so it was not read.") from error
    target.write_bytes(save(tensors))


def _array_constructors() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """What numpy writes into a pickle for an array: its constructor (whose module moved), its type, kinds of number.

    Arrays of Python objects are not among the kinds, so an array cannot smuggle anything in.
    """
    import numpy as np
    from numpy._core.multiarray import _reconstruct

    kinds = {type(np.dtype(kind)) for kind in (np.float16, np.float32, np.float64, np.int32, np.int64)}
    return [_reconstruct, (_reconstruct, "numpy.core.multiarray._reconstruct"), np.ndarray, np.dtype, *kinds]


def _tensor(value: Any) -> Any:
    import numpy as np
    import torch

    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))  # refuses arrays of objects
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{type(value).__name__} is no tensor")
    return value.detach().clone().contiguous()  # a view would be stored with all that it is a view of


def describe(checkpoint: Path, target: Path) -> Mapping[str, Any]:
    """What a `WeightFile` has to say of the converted checkpoint."""
    from backends.weights.digests import hash_file, outcome

    return {
        "bytes": target.stat().st_size,
        "sha256": outcome(hash_file(target)),
        "member_sha256": outcome(hash_file(checkpoint)),
    }


if __name__ == "__main__":
    source, converted = map(Path, sys.argv[1:3])
    to_safetensors(source, converted)
    print(describe(source, converted))  # noqa: T201
