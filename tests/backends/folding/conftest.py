"""A small ESMFold2 as a folder of weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folding import save_esmfold2


@pytest.fixture(scope="session")
def esmfold2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete small ESMFold2 that has a part for alignments."""
    return save_esmfold2(tmp_path_factory.mktemp("weights") / "tiny-esmfold2")
