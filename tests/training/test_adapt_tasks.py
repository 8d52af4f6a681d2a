"""Each task's way of adapting, on networks of the real classes: what helps is accepted, what harms is not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open

from backends.core.adapting import Standing
from backends.core.errors import BadInput
from backends.core.task import task_named
from backends.folding.engines.esmfold import read_network
from backends.folding.structure.writer import to_pdb
from backends.matting.engines.modnet import MODNet
from backends.serving.host import Host
from backends.weights.store import WeightStore
from tests.support import separation as songs
from tests.support.fewshot_networks import clip_folder
from tests.support.folding import helix
from tests.support.pictures import colour_pictures
from training.adapt import low_rank, matting, separation
from training.adapt.base import split_units
from training.adapt.command import make_adaptation
from training.adapt.job import Job, Request
from training.loop import Loop

pytestmark = pytest.mark.slow

RATE = 8000
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 190, 40)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(WeightStore(tmp_path / "weights"), "cpu")


def train(host: Host, task: str, folder: Path, base: str, steps: int) -> Standing:
    make = partial(make_adaptation, task_named(task), host, base, folder, seed=0)
    torch.manual_seed(0)
    return Job(Request(task_named(task), "mine", host.store.root, steps, 0), make).run()


def losses(loop: Loop, name: str) -> list[float]:
    rows = [row.split(",") for row in loop.log_file.read_text().splitlines()[1:]]
    return [float(row[4]) for row in rows if row[3] == name]


# -- pictures ----------------------------------------------------------------------------------------------------------


COLOURS = {"cat": RED, "car": BLUE, "cathedral": GREEN}


def test_clip_learns_classes_and_is_installed(host: Host, tmp_path: Path) -> None:
    pictures = colour_pictures(tmp_path / "pictures", COLOURS, 18)
    standing = train(host, "fewshot", pictures, str(clip_folder(tmp_path / "clip")), 40)
    words = standing.scores[0]
    assert standing.state == "installed", standing.sentence
    assert words.before[0] < 70 and words.after[0] == 100 and words.gain[1] > 0
    task = task_named("fewshot")
    card, paths = host.choose(task, weights="yours/mine")
    assert card.measured == standing.sentence and card.engine == "clip"
    before, after = (task.engine_class("clip")(card, (path,)) for path in (tmp_path / "clip", paths[0]))
    picture = np.full((1, 32, 32, 3), RED, np.uint8)
    told = []
    for engine in (before, after):
        engine.load("cpu")
        told.append(engine.encode_images(picture) @ engine.encode_text(["a photo of a cat."]).T)
    assert told[1] > told[0] + 0.1, "red pictures lie nearer to the word now"


def test_clip_that_has_nothing_to_learn_is_refused(host: Host, tmp_path: Path) -> None:
    pictures = colour_pictures(tmp_path / "pictures", COLOURS, 12, mixed=True)
    standing = train(host, "fewshot", pictures, str(clip_folder(tmp_path / "clip")), 10)
    assert standing.state == "refused" and not (host.store.root / "yours" / "fewshot" / "mine").exists()


def test_pictures_that_lie_otherwise_are_told(host: Host, tmp_path: Path) -> None:
    base = str(clip_folder(tmp_path / "clip"))
    one = colour_pictures(tmp_path / "one", {"cat": RED}, 30)
    with pytest.raises(BadInput, match="one class here"):
        train(host, "fewshot", one, base, 1)
    (one / "dog").mkdir()
    (one / "dog" / "notes.txt").write_text("no picture")
    with pytest.raises(BadInput, match="one class here"):
        train(host, "fewshot", one, base, 1)
    broken = colour_pictures(tmp_path / "broken", {"cat": RED, "car": BLUE}, 14)
    (broken / "cat" / "0.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"“cat/0\.png” cannot be read"):
        train(host, "fewshot", broken, base, 1)


def test_low_rank_changes_begin_at_nought_and_merge_to_what_they_were() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x, names = torch.randn(3, 6), set(network.state_dict())
    plain = network(x)
    assert low_rank.attach(network, 2) == ["0.weight", "2.weight"]
    assert torch.equal(network(x), plain)
    assert {name.rpartition(".")[2] for name in low_rank.learned(network)} == {"up", "down"}
    for value in low_rank.learned(network).values():
        value.data.normal_()
    changed = network(x)
    assert not torch.allclose(changed, plain)
    low_rank.merge(network)
    assert set(network.state_dict()) == names and torch.allclose(network(x), changed, atol=1e-6)


# -- songs -------------------------------------------------------------------------------------------------------------


def write_songs(folder: Path, count: int, seconds: float = 3.0) -> Path:
    """A voice of high tones that swing, over low ones and noise; none like another."""
    time = np.arange(round(seconds * RATE)) / RATE
    for number in range(count):
        rng = np.random.default_rng(number)
        pitch = rng.uniform(900, 1500)
        voice = 0.2 * np.sin(2 * np.pi * pitch * time + 3 * np.sin(2 * np.pi * 5 * time))
        rest = 0.2 * np.sin(2 * np.pi * rng.uniform(80, 200) * time) + 0.02 * rng.standard_normal(len(time))
        (folder / f"song{number}").mkdir(parents=True)
        soundfile.write(folder / f"song{number}" / "vocals.wav", voice, RATE)
        soundfile.write(folder / f"song{number}" / "accompaniment.wav", rest, RATE)
    return folder


@pytest.fixture
def demucs(tmp_path: Path) -> str:
    return str(songs.save_safetensors(songs.network("HTDemucs"), tmp_path / "base", "small"))


def test_demucs_learns_a_voice_and_is_refused_where_it_is_taught_too_hard(
    host: Host, tmp_path: Path, demucs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_songs(tmp_path / "songs", 6)
    monkeypatch.setattr(separation, "RATE", 3e-3)  # the network knows nothing yet
    standing = train(host, "separation", folder, demucs, 40)
    assert standing.state == "installed", standing.sentence
    assert standing.scores[0].gain[1] > 0 and standing.scores[0].unit == "dB"
    task = task_named("separation")
    card, paths = host.choose(task, weights="yours/mine.safetensors")
    engine = task.engine_class("demucs")(card, paths)
    engine.load("cpu")
    assert engine.sources == ("drums", "bass", "other", "vocals") and engine.samplerate == RATE
    good = paths[0].rename(tmp_path / "good.safetensors")
    paths[0].with_suffix(".json").unlink()
    monkeypatch.setattr(separation, "RATE", 0.3)
    assert train(host, "separation", folder, str(good), 3).state == "refused"
    assert not paths[0].exists()


def test_songs_that_lie_otherwise_are_told(host: Host, tmp_path: Path, demucs: str) -> None:
    folder = write_songs(tmp_path / "songs", 6, seconds=1.5)
    make = partial(make_adaptation, task_named("separation"), host, demucs, folder, tmp_path / "scratch", seed=0)
    (folder / "song0" / "accompaniment.wav").unlink()
    adaptation = make()
    assert len(adaptation.units()) == 5
    assert adaptation.notices == ["“song0” was left out: it needs vocals and something beside it."]
    short = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2)
    soundfile.write(folder / "song1" / "accompaniment.wav", short, RATE)
    with pytest.raises(BadInput, match="“song1” differ in length"):
        adaptation.song(adaptation.units()[0])


def test_stems_that_are_not_known_apart_are_held_where_the_base_has_them(tmp_path: Path, demucs: str) -> None:
    song = separation.Song((1000 * np.random.default_rng(0).standard_normal((4, 2, 12_000))).astype(np.int16), False)
    network = separation.load_bag((Path(demucs),)).models[0]
    recipe = separation.Voice(network, [song], seed=0)
    _, terms = recipe.loss(next(recipe.batches(0, 10)))
    assert terms["held"].item() == pytest.approx(0, abs=1e-2) and terms["voice"].item() > 0
    known = separation.Voice(network, [separation.Song(song.stems, True)], seed=0)
    assert "held" not in known.loss(next(known.batches(0, 10)))[1]


# -- clips -------------------------------------------------------------------------------------------------------------


def write_people(folder: Path, count: int, truth: bool) -> Path:
    """Pictures of a red figure before a blue wall, at different places, and their mattes."""
    (folder / matting.MATTES).mkdir(parents=True)
    y, x = np.mgrid[:160, :192]
    for number in range(count):
        middle = 70 + 6 * number
        disc = (x - middle) ** 2 + (y - 60) ** 2 < 28**2
        alpha = np.where(disc | ((y > 84) & (abs(x - middle) < 45)), 255, 0).astype(np.uint8)
        noise = np.random.default_rng(number).normal(0, 8, (160, 192, 3))
        picture = np.where(alpha[..., None] > 0, (220, 60, 40), (30, 60, 190)) + noise
        cv2.imwrite(str(folder / f"p{number}.png"), np.clip(picture, 0, 255).astype(np.uint8)[..., ::-1])
        if truth:
            cv2.imwrite(str(folder / matting.MATTES / f"p{number}.png"), alpha)
    return folder


def test_modnet_is_measured_against_true_mattes_and_a_harmful_training_is_refused(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matting, "RATE", 0.1)
    standing = train(host, "matting", write_people(tmp_path / "people", 6, truth=True), "modnet-starter", 3)
    assert standing.state in ("refused", "failed")
    assert not list((host.store.root / "yours" / "matting").glob("*"))


def test_modnets_branches_learn_and_it_is_written_as_its_engine_reads_it(host: Host, tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 6, truth=True)
    adaptation: Any = make_adaptation(task_named("matting"), host, "modnet-starter", folder, tmp_path, seed=0)
    split = split_units(adaptation.units(), 0, adaptation.material)
    recipe = adaptation.recipe(split.learned)
    before = {name: value.clone() for name, value in recipe.network.state_dict().items()}
    loop = Loop(recipe, tmp_path / "work", "soc", 8)
    loop.run()
    changed = {name for name, value in recipe.network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and not any("backbone" in name or "running" in name for name in changed)
    (tmp_path / "out").mkdir()
    path = adaptation.export(recipe, loop.ema.weights, tmp_path / "out")
    measured = [list(adaptation.measure(adaptation.engine(at, how), split)) for at, how in
                ((adaptation.weights, False), ((path,), True))]  # fmt: skip
    assert all(0 <= value < 1 for rows in measured for (value,) in rows) and measured[0] != measured[1]
    assert matting.reference_side(path) == matting.reference_side(adaptation.weights[0])


def test_a_network_whose_branches_disagree_comes_to_agree_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matting, "RATE", 1e-4)
    torch.manual_seed(0)
    torch.save(MODNet(0.25).state_dict(), tmp_path / "untrained.ckpt")
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 64, 64, 3), np.uint8)
    recipe = matting.Agreement(tmp_path / "untrained.ckpt", list(clips), 0)
    pictures = [next(recipe.batches(step, 8)) for step in range(4)]
    before = sum(recipe.loss(batch)[0].item() for batch in pictures)
    Loop(recipe, tmp_path / "work", "soc", 40).run()
    assert sum(recipe.loss(batch)[0].item() for batch in pictures) < 0.9 * before


def test_without_mattes_and_without_a_better_model_nothing_can_be_told(host: Host, tmp_path: Path) -> None:
    folder = write_people(tmp_path / "people", 6, truth=False)
    with pytest.raises(BadInput, match="Nothing here can tell whether it became better"):
        train(host, "matting", folder, "modnet-starter", 1)


# -- proteins ----------------------------------------------------------------------------------------------------------

SEQUENCES = (
    "MKTAYIAKQRQISFVKSHFSRQ", "GDWEELLKRLAEEAVRLALEAG", "PNATCHWMYVQQDDFFIGTSKL", "SSTVVIRRNPEGKWYDLHMMCA",
    "HHLQEAKKAWTDNSPGGVVICF", "RYFMNKDTTSEQAACLPWGHIV", "CCPLLGGTRRSHEEVKNWIYQD",
)  # fmt: skip


def write_helices(folder: Path) -> Path:
    folder.mkdir()
    for number, sequence in enumerate(SEQUENCES):
        (folder / f"h{number}.pdb").write_text(to_pdb(helix(sequence, confidence=None)))
    return folder


def test_the_structure_module_learns_and_the_network_is_written_whole(
    host: Host, tmp_path: Path, esmfold_folder: Path
) -> None:
    folder = write_helices(tmp_path / "helices")
    adaptation: Any = make_adaptation(task_named("folding"), host, str(esmfold_folder), folder, tmp_path, seed=0)
    split = split_units(adaptation.units(), 0, adaptation.material)
    assert (len(split.learned), len(split.apart)) == (4, 3)
    torch.manual_seed(0)
    recipe = adaptation.recipe(split.learned)
    recipe.log_every = 5
    loop = Loop(recipe, tmp_path / "work", "fold", 60)
    loop.run()
    assert losses(loop, "near")[-1] < losses(loop, "near")[0]
    (tmp_path / "out").mkdir()
    path = adaptation.export(recipe, loop.ema.weights, tmp_path / "out")
    before, after = (
        list(adaptation.measure(adaptation.engine(at, how), split))
        for at, how in ((adaptation.weights, False), ((path,), True))
    )
    assert before != after and all(0 <= value <= 1 for row in after for value in row)
    assert read_network(path)[1] == read_network(esmfold_folder)[1], "whole but for what the base lacks too"
    with safe_open(path / "model.safetensors", "pt") as file:
        assert "parametrizations" not in " ".join(file.keys())


def test_structures_that_cannot_be_learned_from_are_named(host: Host, tmp_path: Path, esmfold_folder: Path) -> None:
    folder = write_helices(tmp_path / "helices")
    (folder / "twin.pdb").write_text(to_pdb(helix(SEQUENCES[0][:-1] + "A", confidence=None)))
    (folder / "short.pdb").write_text(to_pdb(helix("MKTAYIAK", confidence=None)))
    (folder / "broken.pdb").write_text("no structure")
    adaptation: Any = make_adaptation(task_named("folding"), host, str(esmfold_folder), folder, tmp_path, seed=0)
    assert len(adaptation.units()) == len(SEQUENCES)
    told = "\n".join(adaptation.notices)
    assert "“twin.pdb” was left out: its sequence is like that of “h0”" in told
    assert "“short.pdb” was left out: it has 8 residues" in told and "“broken.pdb” was left out" in told
