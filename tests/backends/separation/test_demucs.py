"""The Demucs engine gives what the demucs package gives, as a stream, from files that are not to be trusted."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.apply import apply_model
from demucs.pretrained import get_model

from backends.core.engine import Progress
from backends.core.errors import BadInput, EngineFailed, WeightsBroken, WeightsMissing
from backends.separation.demucs.checkpoints import load_bag, read_network
from backends.separation.demucs.engine import BAG_WEIGHTS, DemucsEngine
from backends.separation.demucs.overlap import segment_frames
from backends.separation.io.mix import Mix
from tests.support.memory import lengths

RATE = 8000


@pytest.fixture(autouse=True)
def few_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def engine(demucs_card):
    def load(*weights: Path, card: str = "own") -> DemucsEngine:
        made = DemucsEngine(demucs_card(card), tuple(weights))
        made.load("cpu")
        return made

    return load


@pytest.fixture
def checkpoint(network, save_th, tmp_path):
    """Write a small network to the folder "repo" and return its file."""

    def make(name: str = "aaaa", kind: str = "HTDemucs", **described) -> Path:
        return save_th(network(kind, **described), tmp_path / "repo", name)

    return make


@pytest.fixture
def mix(tmp_path):
    """A song of so many frames, louder on one side, with an offset, so that normalisation matters."""

    def make(frames: int) -> Mix:
        rng = np.random.default_rng(frames)
        time = np.arange(frames) / RATE
        song = 0.2 * np.sin(2 * np.pi * (200 + 40 * time) * time) + rng.normal(0.05, 0.1, (2, frames))
        song[1] *= 0.4
        return Mix.from_samples(song.astype(np.float32), RATE, tmp_path / f"{frames}.wav")

    return make


def reference(model, mix: Mix, **options) -> torch.Tensor:
    """(S, 2, T): the package's own separation, normalised as its Separator does.

    But for the constant level: the package adds the song's mean to every source, which then no longer add up.
    """
    wav = torch.from_numpy(mix.read(0, mix.frames))
    mean, std = wav.mean(1, keepdim=True), wav.mean(0).std() + 1e-8
    out = apply_model(model, ((wav - mean) / std)[None], **{"shifts": 0, "split": True, "overlap": 0.25, **options})
    out = out[0] * std
    out[list(model.sources).index("other")] += mean
    return out


def separated(engine: DemucsEngine, mix: Mix, options=None) -> torch.Tensor:
    pieces = list(engine.plan(options or {})(mix))
    return torch.from_numpy(np.concatenate(pieces, axis=-1))


def snr(expected: torch.Tensor, found: torch.Tensor) -> float:
    assert expected.shape == found.shape
    noise = (expected.double() - found.double()).square().sum().clamp(min=1e-30)
    return float(10 * torch.log10(expected.double().square().sum() / noise))


# 1.4 s segments of 11,200 frames, strides of 8,400: under one segment, exactly one, whole strides, odd lengths.
LENGTHS = [2, 777, 8400, 11_200, 11_201, 16_800, 19_600, 33_333]


@pytest.mark.slow
@pytest.mark.parametrize("frames", LENGTHS)
def test_equals_the_package_at_any_length(checkpoint, engine, mix, frames):
    path = checkpoint()
    song = mix(frames)
    assert snr(reference(get_model("aaaa", path.parent), song), separated(engine(path), song)) > 90


@pytest.mark.parametrize("kind", ["HDemucs", "Demucs"])
@pytest.mark.parametrize("frames", [5000, 20_011])
def test_equals_the_package_for_the_elder_networks(checkpoint, engine, mix, kind, frames):
    path = checkpoint("bbbb", kind)
    song = mix(frames)
    assert snr(reference(get_model("bbbb", path.parent), song), separated(engine(path), song)) > 90


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5, 0.75])
def test_equals_the_package_at_any_overlap(checkpoint, engine, mix, overlap):
    path = checkpoint()
    song = mix(25_000)
    expected = reference(get_model("aaaa", path.parent), song, overlap=overlap)
    assert snr(expected, separated(engine(path), song, {"overlap": overlap})) > 90


@pytest.mark.parametrize("kind", ["HDemucs", "Demucs"])
def test_a_shorter_segment_equals_the_package(network, save_th, engine, mix, tmp_path, kind):
    path = save_th(network(kind), tmp_path / "weights", "aaaa")
    song = mix(5 * RATE)
    expected = reference(get_model("aaaa", path.parent), song, segment=1.0)
    assert snr(expected, separated(engine(path), song, {"segment": "1"})) > 90


def test_a_transformer_hears_no_more_than_it_was_trained_on(network):
    model = network("HTDemucs")  # of 1.4 s at 8 kHz
    assert segment_frames(model, None) == segment_frames(model, 60.0) == 11_200
    assert segment_frames(model, 1.0) == 8_000
    assert segment_frames(network("HDemucs"), 60.0) == 480_000


@pytest.mark.slow
def test_shifts_equal_the_package_and_repeat(checkpoint, engine, mix, monkeypatch):
    path = checkpoint()
    song, chance = mix(21_000), random.Random(7)
    with monkeypatch.context() as patch:
        patch.setattr("demucs.apply.random.randint", chance.randint)
        expected = reference(get_model("aaaa", path.parent), song, shifts=2)
    loaded = engine(path)
    found = separated(loaded, song, {"shifts": 2, "seed": 7})
    assert snr(expected, found) > 90
    assert torch.equal(found, separated(loaded, song, {"shifts": "2", "seed": "7"}))
    assert snr(found, separated(loaded, song, {"shifts": 2, "seed": 8})) < 80


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["", "weights: [[1, 2, 0, 1], [0.5, 1, 3, 1], [1, 0, 0, 2]]\n", "segment: 1\n"])
def test_a_bag_in_a_folder_equals_the_package(checkpoint, engine, mix, weights):
    paths = [checkpoint("cccc"), checkpoint("dddd", seed=1), checkpoint("eeee", "HDemucs", seed=2)]
    folder = paths[0].parent
    (folder / "mybag.yaml").write_text(f"models: [cccc, dddd, eeee]\n{weights}")
    song = mix(23_456)
    expected = reference(get_model("mybag", folder), song)
    for given in (folder, folder / "mybag.yaml"):
        assert snr(expected, separated(engine(given), song)) > 90


@pytest.mark.slow
def test_the_fine_tuned_card_takes_each_stem_from_its_own_network(checkpoint, engine, mix):
    paths = [checkpoint(name * 4, seed=seed) for seed, name in enumerate("cdef")]
    song = mix(15_000)
    found = separated(engine(*paths, card="htdemucs_ft"), song)
    for index, path in enumerate(paths):
        alone = separated(engine(path), song)
        assert snr(alone[index], found[index]) > 90
        assert snr(alone[index - 1], found[index - 1]) < 60
    assert BAG_WEIGHTS["htdemucs_ft"][2] == (0, 0, 1, 0)


@pytest.mark.parametrize("kind", ["HTDemucs", "HDemucs", "Demucs"])
def test_both_kinds_of_file_hold_the_same_network(network, save_th, save_safetensors, tmp_path, kind):
    made = network(kind)
    pickled = read_network(save_th(made, tmp_path, "a"))
    tensors = read_network(save_safetensors(made, tmp_path, "a"))
    assert type(pickled) is type(tensors) is type(made) and not pickled.training
    assert (pickled.segment, pickled.sources) == (made.segment, made.sources) == (tensors.segment, tensors.sources)
    expected = {key: value.half().float() for key, value in made.state_dict().items()}
    for state in (pickled.state_dict(), tensors.state_dict()):
        assert state.keys() == expected.keys()
        assert all(
            torch.equal(state[key], value) and state[key].dtype == torch.float32 for key, value in expected.items()
        )


def test_a_whole_run_names_the_stems_and_counts_true_seconds(checkpoint, engine, wav, tone, tmp_path):
    path = checkpoint(sources=("drums", "bass", "other", "vocals", "guitar", "piano"))
    events = list(engine(path).run({"song": wav(tone(4.0, RATE), RATE)}, {"stems": "piano"}, tmp_path / "out"))
    assert events[-1].stems == ("piano", "everything but piano")
    assert events[-1].samplerate == RATE
    done = [event.done for event in events if isinstance(event, Progress) and event.stage == "Separating"]
    np.testing.assert_allclose(done, [1.05, 2.1, 3.15, 4.0])


def test_closing_stops_before_the_next_segment(checkpoint, engine, mix):
    loaded = engine(checkpoint("cccc"), checkpoint("dddd", seed=1))
    calls = []
    for model in loaded.bag.models:
        model.register_forward_hook(lambda *_: calls.append(1))
    chunks = loaded.plan({})(mix(60_000))
    next(chunks)
    assert len(calls) == 1  # a bag gives the caller a chance to stop after each of its networks
    chunks.close()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"overlap": 1}, "The option “overlap” takes a number from 0 to 0.9"),
        ({"overlap": "much"}, "The option “overlap” takes a number"),
        ({"overlap": "nan"}, "The option “overlap” takes a number"),
        ({"shifts": 1.5}, "The option “shifts” takes a whole number from 0 to 10"),
        ({"shifts": 99}, "The option “shifts” takes a whole number"),
        ({"seed": -1}, "The option “seed” takes a whole number"),
        ({"seed": True}, "The option “seed” takes a whole number"),
        ({"precision": "double"}, "The option “precision” is one of full, half"),
    ],
)
def test_options_out_of_range_are_refused_before_reading(checkpoint, engine, tmp_path, options, words):
    loaded = engine(checkpoint())
    with pytest.raises(BadInput, match=words):
        next(loaded.run({"song": tmp_path / "none"}, options, tmp_path / "out"))


def test_a_device_out_of_memory_gives_a_sentence(checkpoint, engine, mix, monkeypatch):
    loaded = engine(checkpoint())

    def forward(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(loaded.bag.models[0], "forward", forward)
    with pytest.raises(EngineFailed, match="not enough memory for this model"):
        next(loaded.plan({})(mix(1000)))


def test_other_faults_of_the_network_are_not_called_a_lack_of_memory(checkpoint, engine, mix):
    loaded = engine(checkpoint())
    loaded.bag.models[0].register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("shape")))
    with pytest.raises(RuntimeError, match="shape"):
        next(loaded.plan({})(mix(1000)))


GROWTH = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import numpy, psutil, soundfile, torch
from backends.core.model_card import ModelCard
from backends.core.engine import Progress
from backends.separation.demucs.engine import DemucsEngine
torch.set_num_threads(1)
engine = DemucsEngine(ModelCard("own", "separation", "demucs", "", "", "", "", "yours"), (Path({weights!r}),))
engine.load("cpu")
process, seconds = psutil.Process(), 0.0
for event in engine.run({{"song": Path({song!r})}}, {{}}, Path({out!r})):
    if isinstance(event, Progress) and event.stage == "Separating":
        if seconds < {small} <= event.done:
            early = process.memory_info().rss
        seconds = event.done
print(seconds, (process.memory_info().rss - early) / 2**20)
"""


@pytest.mark.slow
@lengths((30, 150), nightly=(120, 600))
def test_memory_does_not_grow_with_the_song(checkpoint, wav, tmp_path, small, large):
    path = checkpoint("long", "Demucs")
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (RATE * 30, 2))
    song = wav(np.tile(noise, (large // 30, 1)), RATE)
    root = str(Path(__file__).parents[3])
    script = GROWTH.format(root=root, small=small, weights=str(path), song=str(song), out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, growth = map(float, done.stdout.split())
    assert seconds == large
    assert growth < (large - small) / 16  # mix and stems take 0.32 MB a second


def test_attention_never_writes_out_its_matrix(checkpoint, engine, mix):
    assert torch.backends.mha.get_fastpath_enabled()
    loaded = engine(checkpoint())
    seen = []
    loaded.bag.models[0].register_forward_hook(lambda *_: seen.append(torch.backends.mha.get_fastpath_enabled()))
    separated(loaded, mix(9000))
    assert seen == [False, False]
    assert torch.backends.mha.get_fastpath_enabled()  # and others in this process keep what they had


# --- files that are not what they should be -------------------------------------------------------------------------


class Harm:
    """Pickles into a call of os.system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def broken(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize("place", ["klass", "kwargs", "state", "training_args"])
def test_a_checkpoint_cannot_run_anything(network, package, tmp_path, place):
    proof = tmp_path / "harmed"
    path = broken(tmp_path / "a.th", {**package(network("HTDemucs")), place: Harm(proof)})
    with pytest.raises(WeightsBroken, match=r"a\.th is damaged or is no Demucs checkpoint"):
        read_network(path)
    assert not proof.exists()
    torch.load(path, weights_only=False)
    assert proof.exists()  # the file would have done it


def test_a_safetensors_file_cannot_name_a_class_of_its_own(network, save_safetensors, tmp_path):
    for klass in ("subprocess.Popen", "demucs.apply.BagOfModels", "demucs.htdemucs.nn.Linear", ""):
        path = save_safetensors(network("HTDemucs"), tmp_path, "a", klass=klass)
        with pytest.raises(WeightsBroken, match="does not say which Demucs network"):
            read_network(path)


def test_damaged_and_foreign_files_get_a_sentence(network, checkpoint, save_safetensors, tmp_path):
    made = network("HTDemucs")
    pickled, tensors = checkpoint().read_bytes(), save_safetensors(made, tmp_path, "b").read_bytes()
    contents = [b"", b"hello", pickled[: len(pickled) // 2], tensors[: len(tensors) // 2], pickled[:-10], tensors[:-10]]
    for suffix in (".th", ".safetensors"):
        for content in contents:
            path = tmp_path / f"upload{suffix}"
            path.write_bytes(content)
            with pytest.raises(WeightsBroken, match="download it again, or choose another file"):
                read_network(path)


def test_a_file_that_does_not_match_its_name_is_damaged(checkpoint):
    path = checkpoint()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsBroken, match="does not match the checksum in its name"):
        read_network(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: {"state": {**held["state"], "more": torch.zeros(1)}}, "do not fit the network"),
        (lambda held: {"state": dict(list(held["state"].items())[1:])}, "do not fit the network"),
        (
            lambda held: {"state": {key: held["state"][key][..., :1] for key in held["state"]}},
            "do not fit the network",
        ),
        (lambda held: {"state": {"__quantized": True}}, "compressed"),
        (lambda held: {"state": {key: value * torch.nan for key, value in held["state"].items()}}, "not numbers"),
        (lambda held: {"kwargs": {**held["kwargs"], "channels": 2**40}}, "far larger than any Demucs"),
        (lambda held: {"kwargs": {**held["kwargs"], "audio_channels": 1}}, "do not fit the network"),
        (lambda held: {"args": (["drums", "../../etc", "other", "vocals"],)}, "names its stems"),
        (lambda held: {"args": (["drums", "drums", "other", "vocals"],)}, "names its stems"),
        (lambda held: {"klass": "demucs.htdemucs.HTDemucs"}, "does not say which Demucs network"),
    ],
)
def test_checkpoints_that_do_not_fit_themselves(network, package, tmp_path, change, words):
    held = package(network("HTDemucs"))
    with pytest.raises(WeightsBroken, match=words):
        read_network(broken(tmp_path / "a.th", {**held, **change(held)}))


def test_weights_alone_are_no_checkpoint(network, tmp_path):
    with pytest.raises(WeightsBroken, match="does not say which Demucs network"):
        read_network(broken(tmp_path / "a.th", network("HTDemucs").state_dict()))


def test_arguments_unknown_to_this_version_are_dropped(network, package, tmp_path):
    held = package(network("HTDemucs"))
    made = read_network(broken(tmp_path / "a.th", {**held, "kwargs": {**held["kwargs"], "long_gone": 3}}))
    assert made.sources == ["drums", "bass", "other", "vocals"]


@pytest.mark.slow
def test_missing_files_and_bags_that_do_not_fit(checkpoint, tmp_path):
    with pytest.raises(WeightsMissing, match="needs its weights first"):
        load_bag(())
    with pytest.raises(WeightsMissing, match=r"x\.th are not on this machine"):
        load_bag([tmp_path / "x.th"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsMissing, match="no Demucs checkpoint"):
        load_bag([tmp_path / "empty"])
    one = checkpoint()
    other = checkpoint("bbbb", sources=("vocals", "other"))
    with pytest.raises(WeightsBroken, match="do not belong together"):
        load_bag([one, other])
    other.unlink()
    for text, error, words in [
        ("models: [aaaa, zzzz]", WeightsMissing, "needs the checkpoint “zzzz”"),
        ("models: []", WeightsMissing, "needs the checkpoint"),
        ("models: [aaaa]\nweights: [[1, 1]]", WeightsBroken, "do not fit its networks and stems"),
        ("models: [aaaa]\nweights: [[1, 1, 0, 1]]", WeightsBroken, "do not fit its networks and stems"),
        ("models: [aaaa]\nweights: [[1, 1, 1, many]]", WeightsBroken, "do not fit its networks and stems"),
        ("models: [aaaa]\nsegment: -1", WeightsBroken, "does not describe a Demucs model"),
        ("just words", WeightsBroken, "does not describe a Demucs model"),
        ("[: -", WeightsBroken, "does not describe a Demucs model"),
    ]:
        (tmp_path / "repo" / "bag.yaml").write_text(text)
        with pytest.raises(error, match=words):
            load_bag([tmp_path / "repo"])
    (tmp_path / "repo" / "second.yaml").write_text("models: [aaaa]")
    with pytest.raises(WeightsBroken, match="describes several models"):
        load_bag([tmp_path / "repo"])
