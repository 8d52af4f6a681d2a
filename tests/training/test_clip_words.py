"""The pictures starter's words and its linear layer: what a word means by WordNet, and where a class lies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.fewshot.clip.files import load_clip
from evaluation.synthetic.scenes import make_scene
from training.clip import words as recipe_module
from training.clip.__main__ import export
from training.clip.captions import Concept, Entry
from training.clip.features import Features
from training.clip.image_tower import timm_name
from training.clip.linear_layer import LinearLayer, fit_layer, unit
from training.clip.networks import MODEL, make_model
from training.clip.wordnet import Meanings, WordNet, imagenet_nodes
from training.clip.words import Words
from training.loop import Loop, averaged_weights

NOUNS = {  # number: field, words, parents
    "00000001": ("05", "animal", ""),
    "00000002": ("05", "dog domestic_dog Canis_familiaris", "00000001"),
    "00000003": ("05", "terrier", "00000002"),
    "00000004": ("05", "corgi Welsh_corgi", "00000002"),
    "00000005": ("05", "ruminant", "00000001"),
    "00000006": ("05", "ox", "00000005"),
    "00000007": ("05", "deer cervid", "00000005"),
    "00000008": ("06", "crane", ""),
    "00000009": ("05", "crane", "00000001"),
    "00000010": ("09", "idea", ""),
}
CLASSES = ("00000003", "00000004", "00000006", "00000008", "00000009")


@pytest.fixture
def net(tmp_path: Path) -> WordNet:
    lines = ["  1 the licence of the file\n"]
    senses: dict[str, list[str]] = {}
    for number, (field, words, parents) in NOUNS.items():
        lemmas = words.split()
        above = "".join(f" @ {parent} n 0000" for parent in parents.split())
        part = f" #p {number} n 0000"
        spelt = " ".join(f"{word} 0" for word in lemmas)
        count = len(parents.split()) + 1
        lines.append(f"{number} {field} n {len(lemmas):02x} {spelt} {count:03d}{above}{part} | a gloss | with a bar\n")
        for word in lemmas:
            senses.setdefault(word.lower(), []).append(number)
    (tmp_path / "data.noun").write_text("".join(lines))
    rows = [f"{word} n {len(found)} 1 @ {len(found)} 0 {' '.join(found)}  \n" for word, found in senses.items()]
    (tmp_path / "index.noun").write_text("  1 the licence\n" + "".join(rows))
    (tmp_path / "cntlist.rev").write_text("dog%1:05:00:: 1 42\ndog%2:38:00:: 1 2\ndeer%1:05:00:: 1 3\n")
    return WordNet.read(tmp_path)


def test_a_word_means_the_classes_below_it_and_one_without_any_those_of_its_kin(net: WordNet) -> None:
    meanings = Meanings(net, CLASSES)
    assert {word: sorted(found) for word, found in meanings.pictured.items()} == {
        **{"animal": [0, 1, 2, 4], "dog": [0, 1], "domestic dog": [0, 1], "terrier": [0], "corgi": [1]},
        **{"ruminant": [2], "ox": [2], "crane": [3, 4]},
    }, "what may be the name of a species is left out"
    assert meanings.unpictured == {"deer": {2}, "cervid": {2}}, "an idea cannot be seen"
    assert meanings.names == (("terrier",), ("corgi",), ("ox",), ("crane",), ("crane",))
    assert meanings.true_of[0] == {"terrier", "dog", "domestic dog", "animal"}
    assert net.counts == {"dog": 42, "deer": 3}, "the verb “to dog” is another word"


def test_imagenet_has_a_thousand_nodes() -> None:
    nodes = imagenet_nodes()
    assert len(set(nodes)) == 1000 and nodes[0] == "01440764" and nodes == tuple(sorted(nodes))


def test_the_published_layers_have_a_place_each_in_timms_network() -> None:
    assert timm_name("_blocks.0._project_conv.weight") == "blocks.0.0.conv_pw.weight"
    assert timm_name("_blocks.15._project_conv.weight") == "blocks.6.0.conv_pwl.weight"
    assert [timm_name(name) for name in ("_bn0.bias", "_bn1.bias", "_fc.bias")] == [
        "bn1.bias",
        "bn2.bias",
        "classifier.bias",
    ]


def test_a_classifier_tells_where_classes_lie_of_which_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.clip.linear_layer.SHRINK", 0.1)  # the spread of so few numbers is well known
    rng = np.random.default_rng(0)
    channels, classes, each = 12, 40, 60
    means = rng.normal(size=(classes, channels)) * 2
    root = rng.normal(size=(channels, channels)) / 2 + np.eye(channels)
    classifier = means @ np.linalg.inv(root @ root.T)  # of an ideal discriminant analysis
    seen = np.arange(10)  # only of these are there pictures
    labels = np.repeat(seen, each)
    rows = means[labels] + rng.normal(size=(len(labels), channels)) @ root.T
    layer = fit_layer(rows, labels, classifier, seen, size=8)
    told = (unit(layer.means) * layer(means)).sum(1)
    assert told[:10].mean() > 0.7 and told[10:].mean() > 0.6, "most classes lie where the classifier says"
    fresh = np.repeat(np.arange(10, classes), 20)
    asked = means[fresh] + rng.normal(size=(len(fresh), channels)) @ root.T
    guess = (layer(asked) @ unit(layer.means)[10:].T).argmax(1) + 10
    assert (guess == fresh).mean() > 0.7, "so pictures of them are told by that alone"


@pytest.mark.slow
def test_a_few_steps_bring_words_to_their_classes_and_the_studio_loads_the_result(
    net: WordNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in {"PHOTOS": 6, "IMPLIED": 6, "SCENES": 2, "WORDS": 8, "MEASURED": 4}.items():
        monkeypatch.setattr(recipe_module, name, count)
    dice, meanings = np.random.default_rng(0), Meanings(net, CLASSES)
    size = int(MODEL["embed_dim"])  # type: ignore[call-overload]
    layer = LinearLayer(
        np.zeros(1280), dice.normal(size=(1280, size)) / 30, dice.normal(size=(5, size)), np.full(size, 0.1)
    )
    entries = [
        Entry(f"caltech101/{i}.jpg", word, (Concept(word, (word,)),), "caltech101")
        for i, word in enumerate(("ox", "crane", "terrier") * 4)
    ]
    rows = torch.from_numpy(dice.normal(size=(1, 12, 1280))).half()
    scenes = [make_scene(random.Random(i)) for i in range(4)]
    apart = (rows[0].repeat(2, 1), [entry.label for entry in entries] * 2)
    features = Features(entries, rows, scenes, rows[0, :4], apart, apart)
    recipe = Words(features, layer, meanings, tmp_path / "model")
    loop = Loop(recipe, tmp_path, "words", 12)
    loop.run()
    logged = [line.split(",") for line in (tmp_path / "words.csv").read_text().splitlines()]
    assert {"pairs", "words", "zero_shot_new_classes", "scenes"} <= {row[3] for row in logged}
    before = recipe.loss(next(recipe.batches(0, 12)))[1]["words"].item()
    tower = make_model().visual.trunk.state_dict()
    export(tmp_path / "starter", recipe, tower, averaged_weights(loop.file))
    loaded = load_clip(tmp_path / "starter")
    assert loaded.preprocess.size == 128 and loaded.tokenizer(["a terrier"]).shape == (1, 32)
    assert before < 0.95, "words began at right angles to their classes"
    picture = torch.zeros(1, 3, 128, 128)
    with torch.no_grad():
        mean = loaded.network.visual.trunk(picture).double().numpy()
        assert np.allclose(loaded.network.encode_image(picture), (mean - layer.middle) @ layer.directions, atol=2e-2)
