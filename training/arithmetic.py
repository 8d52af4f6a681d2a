"""The arithmetic that a processor trains fastest in."""

from __future__ import annotations

import torch

HAS_BFLOAT16 = "AVX512"
"""The processors whose bfloat16 is real: on others each number is taken apart and put together again."""


def quick_arithmetic(wanted: bool = True) -> torch.autocast:
    """A block in which networks compute in bfloat16, if `wanted` and the processor can, and otherwise as usual.

    Where it cannot, bfloat16 took 5 to 9 times as long for one convolution or one matrix.
    """
    able = torch.backends.cpu.get_cpu_capability() == HAS_BFLOAT16
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and able)
