"""What the few-shot engines share: pictures in, features kept, a head fitted, answers out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.engine import Engine, Event


class FeatureEngine(Engine):
    """Turns pictures, and sentences where it understands words, into unit vectors in one space."""

    task: ClassVar[str] = "fewshot"
    dimensions: int = 0
    side: int = 0
    understands_words: bool = False
    logit_scale: float = 100.0

    @abstractmethod
    def images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """`(N, D)` float32 unit rows of `(H, W, 3)` uint8 RGB pictures of any sizes."""

    def words(self, sentences: Sequence[str]) -> np.ndarray | None:
        """`(S, D)` float32 unit rows, or None where the engine understands no words."""
        return None

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        raise NotImplementedError
