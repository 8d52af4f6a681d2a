"""The engines that classify by features: an extractor, and the job that every one of them runs in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from backends.core.engine import Engine, Event, Progress, Result
from backends.fewshot.feature_extraction import MIN_TIMED_IMAGES
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.job import ClassifyJob
from backends.fewshot.options import FeatureEngineOptions
from backends.fewshot.types import Classification


class FeatureEngine(FeatureExtractor, Engine):
    """A feature extractor as an engine. Subclasses write `load`, `prepare`, `encode_images`, and `encode_text`
    where the model understands text."""

    task: ClassVar[str] = "fewshot"

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Number of images encoded. Cached features take no time, and a few images say nothing about the speed."""
        if isinstance(result, Classification) and result.looked >= MIN_TIMED_IMAGES:
            return float(result.looked)
        return 0.0

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Classify the images of `inputs["query"]` by those of `inputs["support"]` and the class descriptions of
        `inputs["classes"]`; with the option `only`, stop at the features."""
        yield from ClassifyJob(self, inputs, FeatureEngineOptions.read(options)).run(out)
