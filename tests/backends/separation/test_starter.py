"""The starter of songs, by what it does: each stem holds its instrument, as a stream and whatever the length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.separation.cards import CARDS
from backends.separation.demucs.engine import DemucsEngine
from backends.separation.io.mix import Mix
from backends.weights.store import WeightStore
from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from evaluation.synthetic.song import SampleSong, make_song

pytestmark = pytest.mark.slow

CARD = next(card for card in CARDS if card.id == "htdemucs-starter")
SECONDS = 8.0
LEAST = {"drums": 1.0, "bass": 1.0, "other": 3.0, "vocals": 6.0}
"""dB by which SI-SDR has to grow."""


@pytest.fixture(autouse=True)
def few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DemucsEngine:
    engine = DemucsEngine(CARD, WeightStore(tmp_path_factory.mktemp("weights")).paths(CARD))
    engine.load("cpu")
    return engine


@pytest.fixture(scope="module")
def song() -> SampleSong:
    return make_song(SECONDS)


@pytest.fixture(scope="module")
def found(engine: DemucsEngine, song: SampleSong, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    mix = Mix.from_samples(song.mix, song.samplerate, tmp_path_factory.mktemp("song") / "mix.wav")
    stems = np.concatenate(list(engine.chunks(mix)), axis=2)  # (S, 2, T)
    return dict(zip(engine.sources, stems, strict=True))


def test_it_is_what_its_card_says(engine: DemucsEngine) -> None:
    (network,) = engine.bag.models
    assert engine.sources == CARD.outputs and engine.samplerate == 44_100
    assert sum(parameter.numel() for parameter in network.parameters()) == CARD.parameters
    assert CARD.files[0].bytes <= 7.0e6


@pytest.mark.parametrize("stem", CARD.outputs)
def test_each_stem_is_closer_to_its_instrument_than_the_song_is(
    stem: str, found: dict[str, np.ndarray], song: SampleSong
) -> None:
    assert found[stem].shape == song.mix.shape
    assert si_sdr_improvement(found[stem].T, song.stems[stem].T, song.mix.T) > LEAST[stem]


def test_the_voice_is_in_the_vocals_and_not_in_the_rest(found: dict[str, np.ndarray], song: SampleSong) -> None:
    voice = song.stems["vocals"].ravel()
    shares = {name: float(stem.ravel() @ voice / (voice @ voice)) for name, stem in found.items()}
    assert shares["vocals"] > 0.6 and all(share < 0.3 for name, share in shares.items() if name != "vocals")


def test_silence_stays_silent(engine: DemucsEngine, tmp_path: Path) -> None:
    mix = Mix.from_samples(np.zeros((2, 44_100), np.float32), 44_100, tmp_path / "mix.wav")
    assert np.abs(np.concatenate(list(engine.chunks(mix)), axis=2)).max() < 1e-4
