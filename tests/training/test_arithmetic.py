"""bfloat16 is for processors that have it."""

from __future__ import annotations

import pytest
import torch

from training.arithmetic import quick_arithmetic


@pytest.mark.parametrize(
    ("processor", "wanted", "expected"),
    [("AVX512", True, torch.bfloat16), ("AVX512", False, torch.float32), ("AVX2", True, torch.float32)],
)
def test_bfloat16_is_used_where_the_processor_has_it_and_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, processor: str, wanted: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    with quick_arithmetic(wanted):
        assert torch.nn.Linear(2, 2)(torch.zeros(1, 2)).dtype == expected
