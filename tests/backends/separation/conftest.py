"""Sound files of every kind, made on the spot, and an engine that splits a mix in a known way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from backends.core.model_card import ModelCard
from tests.support.separation import Halves, card, encode, network, package, save_safetensors, save_th, tone


@pytest.fixture
def wav(tmp_path: Path) -> Callable[..., Path]:
    """`wav(samples (T, C), samplerate, subtype)` writes an upload without a telling name."""

    def write(samples: np.ndarray, samplerate: int = 44100, subtype: str = "PCM_16") -> Path:
        path = tmp_path / "upload"
        soundfile.write(path, samples, samplerate, subtype=subtype, format="WAV")
        return path

    return write


@pytest.fixture
def halves() -> Callable[..., Halves]:
    return lambda seconds=None: Halves(card(seconds))


@pytest.fixture(name="tone")
def _tone() -> Callable[..., np.ndarray]:
    return tone


@pytest.fixture(name="encode")
def _encode() -> Callable[..., Path]:
    return encode


@pytest.fixture(name="network")
def _network() -> Callable[..., Any]:
    return network


@pytest.fixture(name="save_th")
def _save_th() -> Callable[..., Path]:
    return save_th


@pytest.fixture(name="save_safetensors")
def _save_safetensors() -> Callable[..., Path]:
    return save_safetensors


@pytest.fixture
def demucs_card() -> Callable[..., ModelCard]:
    return lambda name="own": ModelCard(name, "separation", "demucs", "Demucs", "", "", "", "yours")


@pytest.fixture(name="package")
def _package() -> Callable[..., dict[str, Any]]:
    return package
