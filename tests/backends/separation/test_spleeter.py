"""The `spleeter` engine on small networks: what it adds up to, how it streams, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.separation.io.mix import Mix
from backends.separation.spleeter.engine import SpleeterEngine, Stretch
from backends.separation.spleeter.network import UNet, load_unet
from backends.separation.spleeter.voice import BINS, Segments, mirrored, voice_of
from tests.support.spleeter import CARD, WIDTHS, save_pair, save_unet

RATE = 44100


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_pair(tmp_path_factory.mktemp("spleeter"))


@pytest.fixture
def engine(weights):
    engine = SpleeterEngine(CARD, weights)
    engine.load("cpu")
    return engine


@pytest.fixture
def noise(tmp_path):
    """A mix of two seconds and a bit, no multiple of anything."""
    return mix_of(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2 * RATE + 317)), tmp_path)


def mix_of(samples, folder):
    return Mix.from_samples(samples.astype(np.float32), RATE, folder / "mix.wav")


def whole(pieces):
    return np.concatenate(list(pieces), axis=-1)


def fixed(voice_share):
    """Networks that give this share of the song's energy, by bin, to the voice."""
    return lambda magnitude: (magnitude * voice_share**0.5, magnitude * (1 - voice_share) ** 0.5)


# The network


def test_every_level_halves_both_axes_and_the_mask_keeps_the_size():
    network = UNet(WIDTHS).eval()
    magnitude = torch.rand(1, 2, 64, 128)
    with torch.inference_mode():
        answer = network(magnitude)
    assert answer.shape == magnitude.shape
    assert (answer >= 0).all() and (answer <= magnitude).all()


def test_the_published_size_has_the_published_number_of_parameters():
    with torch.device("meta"):
        network = UNet()
    assert 2 * sum(value.numel() for value in network.parameters()) == CARD.parameters


@pytest.mark.parametrize("fault", ["missing", "strange", "wide", "not a number", "torn"])
def test_a_file_that_does_not_fit_is_refused(weights, tmp_path, fault):
    tensors, path = load_file(weights[0]), tmp_path / "net.safetensors"
    if fault == "missing":
        del tensors["up3.3.running_mean"]
    elif fault == "strange":
        tensors["encoder.weight"] = torch.zeros(1)
    elif fault == "wide":
        tensors["up7.0.weight"] = torch.zeros(2, 1, 5, 5)
    elif fault == "not a number":
        tensors["up1.0.weight"][0] = torch.nan
    save_file(tensors, path)
    if fault == "torn":
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WeightsBroken, match=r"net\.safetensors"):
        load_unet(path)


# The voice


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_constant_mask_scales_the_song(noise, share):
    voice = whole(voice_of(noise, fixed(share), "cpu", Segments(20, 6)))
    np.testing.assert_allclose(voice, share * whole(noise.blocks(1 << 16)), atol=2e-6)


def test_segments_leave_no_seam(noise):
    """A mask that depends on each bin alone gives the same voice however the song is cut."""

    def by_level(magnitude):
        return magnitude * (magnitude > 8), magnitude * (magnitude <= 8)

    one = whole(voice_of(noise, by_level, "cpu", Segments(128, 0)))
    many = whole(voice_of(noise, by_level, "cpu", Segments(7, 3)))
    assert one.shape == (2, noise.frames) and np.abs(one).max() > 0.1
    np.testing.assert_allclose(many, one, atol=2e-6)


def test_above_the_networks_range_the_mean_of_the_mask_is_used(tmp_path):
    """A tone at 15 kHz follows what lies below 11 kHz, of which half the bins are voice."""
    tone = 0.5 * np.sin(2 * np.pi * 15000 * np.arange(RATE) / RATE)

    def lower_half(magnitude):
        voice = (torch.arange(BINS) < BINS // 2).float().expand_as(magnitude)
        return voice, 1 - voice

    voice = whole(voice_of(mix_of(np.stack([tone, tone]), tmp_path), lower_half, "cpu"))
    np.testing.assert_allclose(voice[:, 5000:-5000], 0.5 * np.stack([tone, tone])[:, 5000:-5000], atol=2e-3)


@pytest.mark.parametrize("frames", [1, 2, 5, 400])
@pytest.mark.parametrize(("start", "length"), [(0, 5), (-7, 30), (-250, 20), (390, 40)])
def test_beyond_its_ends_a_song_goes_on_as_its_mirror_image(tmp_path, frames, start, length):
    song = np.random.default_rng(frames).uniform(-0.5, 0.5, (2, frames)).astype(np.float32)
    around = np.pad(song, ((0, 0), (500, 500)), mode="reflect" if frames > 1 else "edge")
    given = mirrored(mix_of(song, tmp_path), start, length)
    np.testing.assert_array_equal(given, around[:, 500 + start :][:, :length])


def test_no_network_hears_silence_where_the_song_has_none(noise):
    """A short song lies in one segment that is longer than it is."""
    heard = []

    def listening(magnitude):
        heard.append(magnitude.mean(dim=(0, 1, 3)))  # (T,)
        return magnitude, magnitude

    whole(voice_of(noise, listening, "cpu"))
    (levels,) = heard
    assert levels.numel() * 1024 > noise.frames + RATE
    assert levels.min() > 0.5 * levels.max()


@pytest.mark.parametrize("frames", [1, 1023, 4096, 4097])
def test_the_shortest_songs_have_a_voice_of_their_length(tmp_path, frames):
    mix = mix_of(np.full((2, frames), 0.25), tmp_path)
    voice = whole(voice_of(mix, fixed(1.0), "cpu"))
    np.testing.assert_allclose(voice, np.full((2, frames), 0.25), atol=2e-6)


# The engine


def test_stems_add_up_to_the_song(engine, noise):
    stems = whole(engine.chunks(noise))
    assert stems.shape == (4, 2, noise.frames)
    assert all(np.abs(stem).max() > 1e-3 for stem in stems)
    np.testing.assert_allclose(stems.sum(axis=0), whole(noise.blocks(1 << 16)), atol=2e-6)


def test_the_voice_alone_is_that_of_the_four_stems(engine, noise):
    """What is only asked for its voice is not taken apart further."""
    four, two = whole(engine.chunks(noise)), whole(engine.plan({"stems": "vocals"})(noise))
    np.testing.assert_array_equal(two[3], four[3])
    np.testing.assert_allclose(two[:3].sum(axis=0), four[:3].sum(axis=0), atol=2e-6)
    assert not two[:2].any()
    assert whole(engine.plan({"stems": "vocals,drums"})(noise))[0].any()


def test_blocks_of_the_built_in_separator_and_segments_of_the_networks_fit_together(engine, tmp_path, monkeypatch):
    """With blocks and segments that end at different places, nothing is lost, doubled or out of place."""
    monkeypatch.setattr(
        engine, "parameters", type(engine.parameters)(block_seconds=0.7, context_seconds=0.3, crossfade_seconds=0.1)
    )
    mix = mix_of(np.random.default_rng(1).uniform(-0.5, 0.5, (2, 3 * RATE)), tmp_path)
    engine.voice, engine.accompaniment = (lambda magnitude: magnitude * 0.5), (lambda magnitude: magnitude * 0.5)
    stems = whole(engine.chunks(mix))
    song = whole(mix.blocks(1 << 16))
    np.testing.assert_allclose(stems[3], 0.5 * song, atol=2e-6)
    np.testing.assert_allclose(stems[:3].sum(axis=0), 0.5 * song, atol=2e-6)


def test_a_quiet_song_is_taken_apart_as_a_loud_one(engine, tmp_path):
    sound = np.random.default_rng(3).uniform(-0.5, 0.5, (2, 30_000))
    (tmp_path / "quiet").mkdir()
    loud, quiet = mix_of(sound, tmp_path), mix_of(0.01 * sound, tmp_path / "quiet")
    separate = engine.plan({"stems": "vocals"})
    np.testing.assert_allclose(whole(separate(quiet)) * 100, whole(separate(loud)), atol=1e-4)


def test_progress_moves_before_the_first_stems_are_there(engine, noise):
    ahead = [engine.ahead for piece in engine.chunks(noise) if piece.shape[-1] == 0]
    assert len(set(ahead)) == len(ahead) == 7 and ahead == sorted(ahead)
    assert ahead[0] > 0 and ahead[-1] < noise.frames and engine.ahead == 0


def test_no_more_of_the_voice_is_held_than_is_needed(tmp_path):
    mix = mix_of(np.zeros((2, 100_000)), tmp_path)
    stretch = Stretch(mix, iter(np.full((10, 2, 10_000), 0.5, np.float32)))
    for begin in range(0, 90_000, 15_000):
        for _ in stretch.reach(begin + 12_000):
            assert stretch.end - stretch.start <= 15_000 + 12_000 + 10_000
        assert stretch.accompaniment(begin, 12_000).tolist() == np.full((2, 12_000), -0.5).tolist()
        assert stretch.start == begin


def test_both_networks_are_needed(tmp_path):
    with pytest.raises(WeightsMissing, match="pair of files"):
        SpleeterEngine(CARD, (save_unet(tmp_path / "one.safetensors", 1),)).load("cpu")
