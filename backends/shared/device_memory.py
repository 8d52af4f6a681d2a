"""The memory of the device a network runs on: how much can be had, and what to say when it runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from backends.core.errors import EngineFailed

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def free_memory(device: str) -> int:
    """Bytes that can be had right now."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


ADVICE = (
    "There is not enough memory for this protein: close other programs, set “chunk” to a smaller number, "
    "or fold its domains one by one."
)


@contextmanager
def memory_sentence(advice: str = ADVICE) -> Iterator[None]:
    """Turn a device that runs out of memory into this sentence, and give back what it still holds."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise EngineFailed(advice) from error
