"""The memory of the device a network runs on: how much is free, and one sentence where it runs out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from backends.core.errors import EngineFailed, UserError

OUT_OF_MEMORY = (
    "out of memory",  # torch on CUDA and MPS, and its CPU allocator on Linux
    "can't allocate memory",  # torch's CPU allocator
    "not enough memory",  # torch's CPU allocator on Windows
    "failed to allocate memory",  # onnxruntime
    "bad allocation",  # onnxruntime, from C++
    "alloc_failed",  # cuBLAS and cuDNN
)
"""What an error of a library says, in lower case, when the device has no memory left."""


def free_memory(device: str) -> int:
    """Bytes that can be had right now."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this error of torch, onnxruntime, numpy or Python means that memory ran out."""
    if isinstance(error, MemoryError):  # numpy's own is one too
        return True
    if isinstance(error, UserError | OSError):
        return False
    return any(words in str(error).lower() for words in OUT_OF_MEMORY)


@contextmanager
def out_of_memory_as_sentence(advice: str) -> Iterator[None]:
    """Where the block runs out of memory, free what the device still caches and raise EngineFailed with `advice`.

    >>> with out_of_memory_as_sentence("There is not enough memory: choose a shorter song."):
    ...     raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    Traceback (most recent call last):
    ...
    backends.core.errors.EngineFailed: There is not enough memory: choose a shorter song.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _empty_caches()
        raise EngineFailed(advice) from error


def _empty_caches() -> None:
    """Return what torch keeps of the device's memory; it is not imported for this."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
