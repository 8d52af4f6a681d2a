"""Files that take long to read hold up neither the server nor a cancel."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.core.events import Progress
from backends.folding import base
from backends.folding.structure import confidence
from backends.folding.structure.confidence import read_confidence
from backends.shared import interruptible


@pytest.mark.parametrize(
    "content", ["[" + "[]," * 200_000 + "[]]", '{"pae": [' + "[]," * 200_000 + "[]]}", "[" * 200_000]
)
def test_a_file_of_empty_lists_is_refused_before_it_fills_the_memory(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pae.json"
    path.write_text(content)
    with pytest.raises(BadInput, match="holds no confidence"):
        read_confidence(path)


def test_a_large_file_of_confidence_is_read_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidence, "ISOLATED_BYTES", 1)
    monkeypatch.setattr(confidence, "parse_confidence", lambda _: pytest.fail("read in this process"))
    pae = np.arange(9, dtype=np.float32).reshape(3, 3)
    path = tmp_path / "full_data.json"
    tokens = {"token_chain_ids": ["A", "A", "B"], "token_res_ids": [1, 2, 1]}
    path.write_text(json.dumps({"pae": pae.tolist(), "plddt": [90, 80.5, 70], "ptm": 0.5, **tokens}))
    result = read_confidence(path)
    assert result.pae.tolist() == pae.tolist() and result.plddt.tolist() == [90, 80.5, 70]
    assert (result.ptm, result.iptm, result.tokens) == (0.5, None, (("A", 1), ("A", 2), ("B", 1)))
    path.write_text("<html>")
    with pytest.raises(BadInput, match="not JSON or NPZ"):
        read_confidence(path)


def test_a_job_can_be_cancelled_while_its_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading goes on unheard; closing does not wait for it."""
    go_on = threading.Event()
    monkeypatch.setattr(base, "read_input", lambda path, chain: go_on.wait(60))
    monkeypatch.setattr(interruptible, "HEARTBEAT_SECONDS", 0.01)
    reading = base._read(tmp_path / "large.fasta", "")
    assert next(reading) == Progress("Reading the file", 0, 1)
    reading.close()
    assert not go_on.is_set()
    go_on.set()


def test_what_is_wrong_with_a_file_is_still_said(tmp_path: Path) -> None:
    path = tmp_path / "empty.fasta"
    path.write_text("")
    with pytest.raises(BadInput):
        list(base._read(path, ""))
