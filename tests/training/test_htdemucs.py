"""The training of the songs starter: what it hears, what is kept apart, that it goes on where it stopped."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from backends.separation.demucs.checkpoints import read_network
from training.htdemucs import recipe, store
from training.htdemucs.band import RATE, Shots, bands
from training.htdemucs.mixer import Mixer
from training.htdemucs.recipe import STAGE, Separation, export, losses, make_network, validate
from training.htdemucs.store import STEMS, Sounds, prepare, same_recordings
from training.loop import Loop
from training.plots import read_log

SMALL = {"channels": 4, "bottom_channels": 16, "t_layers": 1}
SINGERS = ("ann", "bob", "cid", "dan", "eve", "flo")
"""By name every third is kept apart: cid and flo."""


def noise(seconds: float, rate: int, seed: int, channels: int = 1) -> np.ndarray:
    """`(T, C)`, unlike any other by its seed."""
    return 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))


def encoded(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="OGG")
    return file.getvalue()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made from an archive and clips of noise; dan sings to the accompaniment of flo, who is kept apart."""
    folder = tmp_path_factory.mktemp("songs")
    mir1k = folder / "mir1k"
    mir1k.mkdir()
    backings = {name: noise(4, 16_000, seed) for seed, name in enumerate(SINGERS)}
    backings["dan"] = np.roll(backings["flo"], 5_000, axis=0)
    for seed, name in enumerate(SINGERS):
        clip = np.concatenate([backings[name], noise(4, 16_000, 50 + seed)], axis=1)
        soundfile.write(mir1k / f"{name}_1_01.ogg", clip, 16_000)
    hits = [f"kit/{start}1" for start in ("kick_", "snare_", "hihat_", "crash_", "toms_")]
    with zipfile.ZipFile(folder / "songs.zip", "w") as archive:
        for seed, name in enumerate([*hits, "one_shots_cc0/loop_amen", "rooms/hall"]):
            archive.writestr(f"songs/{name}.ogg", encoded(noise(0.3, RATE, 100 + seed, 2), RATE))
        archive.writestr("songs/singing/long.ogg", encoded(noise(4, 32_000, 200), 32_000))
        archive.writestr("songs/singing/short.ogg", encoded(noise(2, 32_000, 201), 32_000))
        for seed, stem in enumerate(STEMS):
            archive.writestr(f"songs/stems_cc0/one/{stem}.ogg", encoded(noise(5, RATE, 300 + seed, 2), RATE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "bands", lambda shots: bands(shots, count=1, seconds=4.0))
        prepare(folder / "songs.zip", mir1k, folder / "store")
    return folder


def test_every_third_singer_is_kept_apart_and_so_is_what_they_sing_to(work: Path) -> None:
    sounds = Sounds(work / "store")
    assert {item.part for item in sounds.of("voice", apart=True)} == {"cid", "flo"}
    assert {item.part for item in sounds.of("voice")} == {"ann", "bob", "eve"}, "dan has the accompaniment of flo"
    assert {item.part for item in sounds.of("accompaniment")} == {"ann", "bob", "eve"}
    mixer = Mixer(sounds, RATE, 0)
    assert not any(item.apart for item in [*mixer.voices, *mixer.backings])


def test_sounds_are_stored_as_they_are(work: Path) -> None:
    sounds = Sounds(work / "store")
    assert [item.group for item in sounds.of("singing")] == ["long.ogg"], "a short one is no use"
    (voice,) = (item for item in sounds.of("voice") if item.part == "bob")
    found = sounds.read(voice)
    assert found.shape == (1, 4 * RATE) and np.sqrt(np.mean(found**2)) == pytest.approx(0.1, rel=0.01)
    assert np.array_equal(sounds.read(voice, 1000, 50), found[:, 1000:1050])


def test_the_same_recording_is_known_again_and_another_is_not() -> None:
    first, second = noise(4, 4_000, 1)[:, 0], noise(4, 4_000, 2)[:, 0]
    assert same_recordings([first, second], [0.3 * first[3_000:]]) == {0}


@pytest.mark.slow
def test_mixtures_are_at_one_level_and_repeat_with_their_seed(work: Path) -> None:
    sounds = Sounds(work / "store")
    stems, split = Mixer(sounds, RATE, 1).batch(24)
    assert stems.shape == (24, 4, 2, RATE) and stems.dtype == np.float32
    assert stems.sum(axis=1).mean(axis=1).std(axis=1) == pytest.approx(np.ones(24), rel=0.02)
    assert not stems[~split, :2].any() and stems[~split, 2].any() and stems[split, 0].any()
    assert 2 <= split.sum() <= 16
    assert np.array_equal(stems, Mixer(sounds, RATE, 1).batch(24)[0])


@pytest.mark.slow
def test_a_band_keeps_its_stems_apart_by_what_they_are() -> None:
    hits = {f"{start}1": noise(0.2, RATE, seed).T for seed, start in enumerate(("kick_", "snare_", "hihat_", "crash_"))}
    (band,) = bands(Shots.of(hits | {"toms_1": noise(0.2, RATE, 9).T, "loop_amen": noise(1, RATE, 8).T}), 1, 6.0)
    assert set(band) == {"drums", "bass", "other"} and all(sound.shape == (2, 6 * RATE) for sound in band.values())

    def middle(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound[0])) ** 2
        return float((np.fft.rfftfreq(len(sound[0]), 1 / RATE) * power).sum() / power.sum())

    assert middle(band["bass"]) < middle(band["other"]) < middle(band["drums"])


def test_the_losses_ask_for_stems_only_where_they_are_known() -> None:
    true = torch.randn(2, 4, 2, 8192, generator=torch.manual_seed(0))
    wrong = true.clone()
    wrong[:, 0] += 1
    wrong[:, 1] -= 1  # the sum of all but the voice stays right
    known, unknown = (losses(wrong, true, torch.tensor([flag, False])) for flag in (True, False))
    assert known["voice"].item() == pytest.approx(0, abs=1e-6) and known["rest"].item() == pytest.approx(0, abs=1e-3)
    assert unknown["stems"].item() == 0 and known["stems"].item() > 0.3
    assert losses(torch.zeros_like(true), true, torch.tensor([True, True]))["voice"].item() > 1


def test_a_perfect_network_improves_without_end_and_one_that_does_nothing_not_at_all(work: Path) -> None:
    class Nothing(torch.nn.Module):
        def forward(self, mix: torch.Tensor) -> torch.Tensor:
            return mix[:, None].expand(-1, 4, -1, -1)

    gains = validate(Nothing(), Sounds(work / "store"))  # type: ignore[arg-type]
    assert gains["voice_gain"] == pytest.approx(0, abs=1e-3)


@pytest.mark.slow
def test_training_sees_the_same_after_a_stop_and_ends_in_weights_that_load(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "NETWORK", recipe.NETWORK | SMALL)
    monkeypatch.setattr(recipe, "VALIDATED", 1)
    monkeypatch.setattr(recipe, "VALIDATION_SECONDS", 1)
    separation = Separation(Sounds(work / "store"), batch=1, seconds=0.5)
    batches = separation.batches(0, 3)
    third = [next(batches) for _ in range(3)][2]
    resumed = next(separation.batches(2, 3))
    assert all(torch.equal(*pair) for pair in zip(third, resumed, strict=True))
    training = Loop(separation, tmp_path, STAGE, 2)
    training.run()
    export(tmp_path, tmp_path / "small.safetensors")
    network = read_network(tmp_path / "small.safetensors")
    assert network.sources == list(STEMS) and network.segment == recipe.SEGMENT
    name = "decoder.3.conv_tr.weight"
    assert torch.allclose(network.state_dict()[name], training.ema.weights[name], atol=1e-3)
    assert {row["name"] for row in read_log(training.log_file)} == {"voice", "rest", "stems", "voice_gain", "rest_gain"}


def test_the_network_is_of_the_size_that_is_meant() -> None:
    assert sum(parameter.numel() for parameter in make_network().parameters()) == 3_187_164
