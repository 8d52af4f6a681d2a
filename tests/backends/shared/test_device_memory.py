"""Out of memory is one sentence, whichever library says so; every other error stays what it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.core.errors import BadInput, EngineFailed
from backends.shared.device_memory import free_memory, out_of_memory_as_sentence

ADVICE = "There is not enough memory for this: choose something smaller."


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        Exception("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"),
    ],
    ids=lambda error: str(error)[:24],
)
def test_every_librarys_way_of_running_out_is_the_same_sentence(error: Exception) -> None:
    with pytest.raises(EngineFailed) as raised, out_of_memory_as_sentence(ADVICE):
        raise error
    assert raised.value.sentence == ADVICE and raised.value.__cause__ is error


def test_a_real_allocation_that_cannot_succeed_is_told() -> None:
    with pytest.raises(EngineFailed, match="choose something smaller"), out_of_memory_as_sentence(ADVICE):
        np.empty(2**58, np.uint8)
    with pytest.raises(EngineFailed, match="choose something smaller"), out_of_memory_as_sentence(ADVICE):
        torch.empty(2**55, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes do not fit"), BadInput("out of memory, says the user"), KeyError("x")]
)
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, out_of_memory_as_sentence(ADVICE):
        raise error
    assert raised.value is error


def test_there_is_free_memory_here() -> None:
    assert free_memory("cpu") > 2**20
