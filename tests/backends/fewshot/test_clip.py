"""CLIPs go through the real loading paths: complete or not at all, and their features are open_clip's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from backends.core.errors import UserError, WeightsBroken, WeightsMissing
from backends.fewshot import TASK
from backends.fewshot.cards import ARCHITECTURES, CARDS
from backends.fewshot.clip.engine import ClipEngine, prepare_image
from backends.fewshot.clip.files import architecture_from_name, load_clip
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from backends.weights.store import WeightStore
from tests.support.fewshot_networks import NAME, RESNET, clip_folder, idefics_tokenizer

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_folder(tmp_path_factory.mktemp("clip") / "tiny")


def engine_of(path: Path) -> ClipEngine:
    engine = ClipEngine(replace(CARDS[0], id="mine", tier="yours", files=()), (path,))
    engine.load("cpu")
    return engine


@pytest.fixture(scope="module")
def engine(folder: Path) -> ClipEngine:
    return engine_of(folder)


def copied(folder: Path, to: Path, **changes: Any) -> Path:
    """The same folder with some keys of the configuration set, as `vision_cfg__layers=3`."""
    to.mkdir()
    said = json.loads((folder / "open_clip_config.json").read_text())
    for key, value in changes.items():
        *way, last = ["model_cfg", *key.split("__")]
        part = said
        for step in way:
            part = part[step]
        part[last] = value
    (to / "open_clip_config.json").write_text(json.dumps(said))
    (to / NAME).write_bytes((folder / NAME).read_bytes())
    return to


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(32, 32), (40, 61), (333, 120), (31, 300), (7, 9), (500, 501)]
    waves = [np.sin(np.indices(size).sum(axis=0)[..., None] / 9 + rng.uniform(0, 6, 3)) for size in sizes]
    return [(127 + 120 * wave).astype(np.uint8) for wave in waves]


def test_features_are_those_of_open_clip_itself(folder: Path, engine: ClipEngine) -> None:
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")
    sentences = ["a photo of a cat", "🐱", "an owl " * 60]
    with torch.inference_mode():
        inputs = torch.stack([transform(Image.fromarray(picture)) for picture in pictures()])
        images = model.eval().encode_image(inputs, normalize=True).numpy()
        words = model.encode_text(tokens(sentences), normalize=True).numpy()
    assert engine.dimensions == 24 and engine.side == 32 and engine.understands_words
    assert np.allclose(engine.embed(pictures()), images, atol=1e-3)  # one pixel in a thousand is rounded otherwise
    assert np.allclose(engine.encode_text(sentences), words, atol=1e-5)
    assert engine.logit_scale == pytest.approx(float(model.logit_scale.exp()))
    assert engine.truncated_texts(sentences) == sentences[2:]
    assert np.abs(images[0] - images[1]).max() > 1e-3  # two pictures are not one to it


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_picture_is_prepared_to_the_pixel_as_open_clip_does(mode: str, interpolation: str) -> None:
    recipe = open_clip.transform.PreprocessCfg(
        size=32, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=mode, interpolation=interpolation
    )
    transform = open_clip.transform.image_transform_v2(recipe, is_train=False)
    for picture in pictures():
        theirs = (transform(Image.fromarray(picture)).permute(1, 2, 0) * 255).round().numpy().astype(int)
        ours = prepare_image(picture, 32, mode, interpolation).astype(int)
        assert np.abs(theirs - ours).max() <= 1, picture.shape


def test_a_very_long_picture_costs_no_memory() -> None:
    long = np.zeros((8, 400_000, 3), np.uint8)
    long[:, 199_900:200_100] = 255
    assert prepare_image(long, 32, "shortest", "bicubic").mean() == 255


@pytest.mark.slow
def test_a_file_tells_its_architecture_by_name_by_recipe_or_by_card(folder: Path, tmp_path: Path) -> None:
    state = {f"module.{key}": value for key, value in load_file(folder / NAME).items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "mine.pt")
    (tmp_path / "mine.json").write_text((folder / "open_clip_config.json").read_text())
    one = load_clip(tmp_path / "mine.pt")
    assert (one.preprocess.mean, one.preprocess.size) == ([0.48, 0.46, 0.41], 32)
    with pytest.raises(WeightsBroken, match="complete"):
        load_clip(tmp_path / "mine.pt", "ViT-S-32-alt")
    assert (
        architecture_from_name("ViT-B-32-quickgelu_epoch3") == "ViT-B-32-quickgelu"
        and architecture_from_name("vit-b-32") == "ViT-B-32"
    )
    assert architecture_from_name("ViT-B-320") == "" and architecture_from_name("my cat") == ""
    (tmp_path / "cats.safetensors").write_bytes((folder / NAME).read_bytes())
    with pytest.raises(WeightsBroken, match="begin its name with that of an architecture"):
        load_clip(tmp_path / "cats.safetensors")


def test_a_convolutional_clip_loads_too(tmp_path: Path) -> None:
    engine = engine_of(clip_folder(tmp_path / "resnet", RESNET))
    assert engine.embed(pictures()).shape == (6, 24) and engine.side == 64


def test_half_precision_on_the_disk_is_whole_in_memory(folder: Path, engine: ClipEngine, tmp_path: Path) -> None:
    copied(folder, tmp_path / "half")
    save_file({key: value.half() for key, value in load_file(folder / NAME).items()}, tmp_path / "half" / NAME)
    half = engine_of(tmp_path / "half")
    assert next(half.network.parameters()).dtype == torch.float32 and half.space != engine.space
    assert (half.embed(pictures()) * engine.embed(pictures())).sum(axis=1).min() > 0.999


def changed(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    weight = "visual.transformer.resblocks.1.mlp.c_fc.weight"
    if name == "missing":
        del state[weight]
    elif name == "spare":
        state["visual.extra.weight"] = torch.zeros(3)
    elif name == "shape":
        state[weight] = state[weight][:10].contiguous()
    elif name == "numbers":
        state[weight][0, 0] = float("nan")
    elif name == "positions":
        state["visual.positional_embedding"] = torch.zeros(5, 32)
    return state


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", r"1 of its parts are missing, such as visual\.transformer"),
        ("spare", r"no part called visual\.extra"),
        ("shape", "another size"),
        ("numbers", "not numbers"),
        ("positions", "another size"),
    ],
)
def test_weights_that_do_not_fit_are_refused(folder: Path, tmp_path: Path, name: str, said: str) -> None:
    broken = copied(folder, tmp_path / "broken")
    save_file(changed(load_file(folder / NAME), name), broken / NAME)
    with pytest.raises(WeightsBroken, match=said):
        load_clip(broken)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vision_cfg__layers": 10_000}, "far larger"),
        ({"embed_dim": 1_000_000}, "far larger"),
        ({"vision_cfg": 3}, "two towers"),
        ({"vision_cfg__width": "wide"}, "cannot be built|far larger|does not describe"),
        ({"vision_cfg__layers": 3}, "parts are missing"),
        ({"text_cfg__hf_model_name": "someone/else"}, "cannot be used here"),
        ({"vision_cfg__timm_model_name": "hf-hub:someone/else"}, "not known here"),
        ({"text_cfg__vocab_size": 100}, "another size|more words"),
    ],
)
def test_recipes_that_lie_are_refused(folder: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(WeightsBroken, match=said):
        load_clip(copied(folder, tmp_path / "odd", **changes))


def test_what_is_not_there_or_no_weights_says_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="not on this machine"):
        load_clip(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsMissing, match=r"no open_clip_config\.json"):
        load_clip(tmp_path / "empty")
    bare = copied(folder, tmp_path / "bare")
    (bare / NAME).unlink()
    with pytest.raises(WeightsMissing, match="no weights"):
        load_clip(bare)
    for data in (b"", b"not a file of weights", (folder / NAME).read_bytes()[:5000]):
        (bare / NAME).write_bytes(data)
        with pytest.raises(WeightsBroken, match="damaged or holds no CLIP"):
            load_clip(bare)
    (bare / "open_clip_config.json").write_text("{")
    with pytest.raises(WeightsBroken, match="cannot be read as a configuration"):
        load_clip(bare)


def test_a_program_in_place_of_weights_is_never_run(folder: Path, tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "ViT-B-32.pt"))
    with pytest.raises(WeightsBroken, match="TorchScript program"):
        load_clip(tmp_path / "ViT-B-32.pt")
    torch.save({"state_dict": Boom()}, tmp_path / "ViT-B-16.pt")
    with pytest.raises(WeightsBroken, match="damaged"):
        load_clip(tmp_path / "ViT-B-16.pt")
    assert not BOOMS


BOOMS: list[int] = []


class Boom:
    """Does something when it is unpickled, as a hostile file would."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (BOOMS.append, (1,))


def test_words_need_their_tokenizer_and_pictures_do_not(folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path / "own", text_cfg__hf_tokenizer_name="someone/else")
    engine = engine_of(own)
    assert engine.embed(pictures()).shape == (6, 24)
    with pytest.raises(WeightsMissing, match=r"put tokenizer\.json.* of someone/else into its folder"):
        engine.encode_text(["a cat"])
    idefics_tokenizer().save_pretrained(own)
    engine = engine_of(own)
    found = engine.encode_text(["a cat", "a polar bear", "a cat"])
    assert np.array_equal(found[0], found[2]) and np.abs(found[0] - found[1]).max() > 1e-4
    assert engine.truncated_texts(["a cat", "a cat " * 200]) == ["a cat " * 200]
    (own / "tokenizer.json").write_text("{")
    with pytest.raises(WeightsBroken, match="tokenizer"):
        engine_of(own)


def test_the_space_of_features_is_that_of_the_weights(folder: Path, engine: ClipEngine, tmp_path: Path) -> None:
    assert engine_of(copied(folder, tmp_path / "same")).space == engine.space
    assert engine_of(clip_folder(tmp_path / "other", seed=1)).space != engine.space


def test_a_job_by_words_and_pictures_goes_through_the_host(folder: Path, tmp_path: Path) -> None:
    host = Host(WeightStore(tmp_path / "weights"), "cpu")
    assert host.choose(TASK)[0].id == "clip-starter"
    place = tmp_path / "weights" / "clip-vit-b16-datacomp"
    with pytest.raises(WeightsMissing, match="clip-vit-b16-datacomp”"):
        host.choose(TASK, weights="clip-vit-b16-datacomp")
    place.parent.mkdir(exist_ok=True)
    copied(folder, place)
    card, weights = host.choose(TASK)
    assert (card.id, weights) == ("clip-vit-b16-datacomp", (place,))
    for name, picture in zip(("cat/1", "dog/1", "dog/2"), pictures(), strict=False):
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "s" / f"{name}.png")
    (tmp_path / "classes.txt").write_text("cat: my cat\nbird\n")
    inputs = {"query": tmp_path / "s", "support": tmp_path / "s", "classes": tmp_path / "classes.txt"}
    *_, result = run_job(host, JobRequest(TASK, card, weights, inputs, {"templates": "ensemble"}, tmp_path / "out"))
    assert (result.classes, result.shots, result.head) == (("cat", "bird", "dog"), (1, 0, 2), "proker")
    with np.load(tmp_path / "out" / "features.npz") as kept:
        assert kept["words"].shape == (3, 24) and np.allclose(np.linalg.norm(kept["words"], axis=1), 1, atol=1e-5)


def test_cards_agree_with_themselves() -> None:
    assert len({card.id for card in CARDS}) == len({card.preference for card in CARDS}) == len(CARDS)
    for card in CARDS:
        assert card.task == "fewshot" and card.engine in TASK.engines
        for sentence in (card.summary, card.weak_at, card.licence_note):
            assert sentence.endswith(".") and sentence[0].isupper()
        if card.engine == "clip" and card.tier != "starter":
            assert bool(card.files) != bool(card.needs) and (card.id in ARCHITECTURES) == bool(card.files)
            for file in card.files:
                assert len(file.sha256) == 64 and len(file.revision) == 40
                assert 4 * card.parameters < file.bytes < 4 * card.parameters + 300_000
    assert all(name in open_clip.list_models() for name in ARCHITECTURES.values())


def test_published_preprocessing_files_are_prepared_as_published_preprocessing(monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.fewshot.clip.files import _published_preprocessing

    for name in ARCHITECTURES.values():
        way = _published_preprocessing(name)
        assert way["interpolation"] == "bicubic" and way["mean"] == open_clip.OPENAI_DATASET_MEAN, name


def test_errors_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs its weights"):
        ClipEngine(CARDS[0]).load("cpu")
