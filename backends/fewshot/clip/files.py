"""Read a CLIP from local files: complete, or not at all.

open_clip makes a network with random numbers where weights are missing and only warns; here that is an error. Nothing
is fetched and nothing in a file is run: a recipe names one of open_clip's own architectures by its numbers.
"""

from __future__ import annotations

import json
import logging
import re
import zipfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.convert import convert_state_dict
from open_clip.model import CLIP, CustomTextCLIP, convert_to_custom_text_state_dict
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from torch import Tensor, nn

from backends.core.errors import WeightsBroken, WeightsMissing

log = logging.getLogger(__name__)

CONFIG = "open_clip_config.json"
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
PREFERRED = ("open_clip_model", "open_clip_pytorch_model", "model", "pytorch_model")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "sentencepiece.model", "spiece.model", "vocab.txt")

MAX_VALUES: Mapping[str, float] = {
    "embed_dim": 8_192,
    "layers": 128,
    "width": 16_384,
    "heads": 256,
    "head_width": 1_024,
    "mlp_ratio": 32,
    "image_size": 2_048,
    "patch_size": 128,
    "context_length": 4_096,
    "vocab_size": 1_000_000,
}
"""Several times what the published networks use: a recipe that asks for more is refused before it is built."""

TIMM_NAME = re.compile(r"[a-z0-9_.]+")

NOT_LEARNED = re.compile(r"(.*\.)?(attn_mask|position_ids|input_resolution|context_length|vocab_size)")
"""Keys that some programs store and that hold no learned parameter."""


@dataclass(frozen=True)
class Recipe:
    """What to build: `model` and `preprocess` as open_clip's configuration files have them."""

    model: dict[str, Any]
    preprocess: dict[str, Any]

    @property
    def text(self) -> dict[str, Any]:
        return self.model["text_cfg"]


@dataclass(frozen=True)
class LoadedClip:
    """A network in evaluation mode on the CPU, how it wants its pictures, and its tokenizer.

    `tokenizer` is None where its files are not there; `missing_tokenizer` then says how to get them.
    """

    network: CLIP | CustomTextCLIP
    preprocess: PreprocessCfg
    tokenizer: Any
    missing_tokenizer: str = ""


def load_clip(path: Path, architecture: str = "") -> LoadedClip:
    """The network at `path`: a folder with `open_clip_config.json`, or one file.

    Args:
        architecture: open_clip's name of it; for a file where "" a recipe beside it or its own name tells.

    Raises:
        WeightsMissing: nothing there. WeightsBroken: damaged, incomplete, or of no architecture that is known here.
    """
    if not path.exists():
        raise WeightsMissing(f"The weights “{path.name}” are not on this machine: download them, or choose a folder.")
    file, recipe = _in_folder(path) if path.is_dir() else (path, _recipe_of(path, architecture))
    stored = _read(file)
    network = _build(recipe, path.name)
    _fill(network, _rename(stored, network, file.name), path.name)
    preprocess = _preprocess(recipe, network, path.name)
    tokenizer, missing_tokenizer = _tokenizer(recipe, file.parent, path.name)
    return LoadedClip(network.eval().requires_grad_(False), preprocess, tokenizer, missing_tokenizer)


def _in_folder(folder: Path) -> tuple[Path, Recipe]:
    if not (folder / CONFIG).is_file():
        raise WeightsMissing(f"There is no {CONFIG} in the folder “{folder.name}”: copy it from where its weights are.")
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise WeightsMissing(f"There are no weights ({', '.join(SUFFIXES)}) in the folder “{folder.name}”.")
    ranks = {name: rank for rank, name in enumerate(PREFERRED)}
    best = min(files, key=lambda file: (ranks.get(file.stem, len(ranks)), SUFFIXES.index(file.suffix), file.name))
    return best, read_recipe(folder / CONFIG)


def recipe_of(path: Path, architecture: str = "") -> Recipe:
    """What network the folder or file at `path` holds, as `load_clip` finds it."""
    return _in_folder(path)[1] if path.is_dir() else _recipe_of(path, architecture)


def _recipe_of(file: Path, architecture: str) -> Recipe:
    """By the card, else by `NAME.json` beside `NAME.safetensors`, else by how the name begins."""
    if file.suffix not in SUFFIXES:
        raise WeightsBroken(f"“{file.name}” is no file of weights ({', '.join(SUFFIXES)}).")
    if not architecture and file.with_suffix(".json").is_file():
        return read_recipe(file.with_suffix(".json"))
    name = architecture or architecture_from_name(file.stem)
    model = open_clip.get_model_config(name) if name else None
    if model is None:
        raise WeightsBroken(
            f"“{file.name}” does not say what network it holds: begin its name with that of an architecture, such as "
            f"ViT-B-32.safetensors, or put its {CONFIG} beside it as {file.stem}.json."
        )
    return _validate({"model_cfg": model, "preprocess_cfg": _published_preprocessing(name)}, file.name)


def architecture_from_name(stem: str) -> str:
    """The longest name of an architecture that a file's name begins with; "" where there is none."""
    fitting = [
        name for name in open_clip.list_models() if re.match(re.escape(name) + r"(?![A-Za-z0-9])", stem, re.IGNORECASE)
    ]
    return max(fitting, key=len, default="")


def _published_preprocessing(name: str) -> dict[str, Any]:
    """The preprocessing of the published weights of an architecture, where it is the same for all of them."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    ways = [merge_preprocess_dict({}, open_clip.get_pretrained_cfg(name, tag)) for tag in tags]
    return ways[0] if ways and all(way == ways[0] for way in ways) else {}


def read_recipe(path: Path) -> Recipe:
    """A configuration file of open_clip, whose numbers are within reason. Raises WeightsBroken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsBroken(f"“{path.name}” cannot be read as a configuration of open_clip.") from error
    if isinstance(content, dict) and "embed_dim" in content:  # of an architecture alone, as open_clip itself has them
        content = {"model_cfg": content}
    return _validate(content, path.name)


def _validate(content: Any, name: str) -> Recipe:
    model = content.get("model_cfg") if isinstance(content, dict) else None
    found = (model, model.get("vision_cfg"), model.get("text_cfg")) if isinstance(model, dict) else ()
    parts = [part for part in found if isinstance(part, dict)]
    if not isinstance(model, dict) or len(parts) < 3:
        raise WeightsBroken(f"“{name}” does not describe a CLIP: it has to have a model_cfg with two towers.")
    for key, value in ((key, value) for part in parts for key, value in part.items()):
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, int | float) and number > MAX_VALUES.get(key, 1e9) for number in numbers):
            raise WeightsBroken(f"“{name}” asks for a network far larger than any CLIP ({key} {value}).")
    if model["text_cfg"].get("hf_model_name") or "multimodal_cfg" in model:
        raise WeightsBroken(f"“{name}” describes a kind of CLIP that cannot be used here: its text part is another's.")
    timm = model["vision_cfg"].get("timm_model_name")
    if timm is not None and not TIMM_NAME.fullmatch(str(timm)):
        raise WeightsBroken(f"“{name}” names a picture network that is not known here.")
    return Recipe(deepcopy(model), dict(content.get("preprocess_cfg") or {}))


def _build(recipe: Recipe, name: str) -> CLIP | CustomTextCLIP:
    """The network without its weights; `_fill` sees to it that none of its random numbers stays."""
    model = deepcopy(recipe.model)
    custom = model.pop("custom_text", False)
    if "timm_model_name" in model["vision_cfg"]:
        model["vision_cfg"]["timm_model_pretrained"] = False
    try:
        return (CustomTextCLIP if custom else CLIP)(**model)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # any number of a recipe can be such that some layer cannot be loaded
        log.info("%s cannot be built", name, exc_info=True)
        raise WeightsBroken(f"The configuration of “{name}” does not describe a network that can be built.") from error


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file under the names it has for them."""
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            stored: Any = load_file(file, device="cpu")
        else:
            stored = torch.load(file, map_location="cpu", weights_only=True)
        stored = stored.get("state_dict", stored)
        return {str(key).removeprefix("module."): value for key, value in stored.items()}
    except MemoryError:
        raise
    except Exception as error:  # a damaged or hostile file can make a parser fail in any way
        log.info("%s could not be read", file, exc_info=True)
        if _is_program(file):
            raise WeightsBroken(
                f"“{file.name}” is a TorchScript program, which is not run here: use the same weights as safetensors."
            ) from error
        raise WeightsBroken(f"“{file.name}” is damaged or holds no CLIP: download it again.") from error


def _rename(state: dict[str, Tensor], network: nn.Module, name: str) -> dict[str, Tensor]:
    """Under the names of `network`, where it was stored by Apple's or Google's own programs or an older open_clip."""
    try:
        state = convert_state_dict(network, state)
        if "positional_embedding" in state and not hasattr(network, "positional_embedding"):
            state = convert_to_custom_text_state_dict(state)
    except Exception as error:  # names that only look like theirs
        log.info("the names in %s could not be read", name, exc_info=True)
        raise WeightsBroken(f"“{name}” is damaged or holds no CLIP: download it again.") from error
    return {key: value for key, value in state.items() if not NOT_LEARNED.fullmatch(key)}


def _is_program(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any("/code/" in name for name in archive.namelist())


def _fill(network: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Load every parameter from the file: each of the right shape and finite, none missing and none left over."""
    wanted = {key: value for key, value in network.state_dict().items() if not NOT_LEARNED.fullmatch(key)}
    for scalar in ("logit_scale", "logit_bias"):  # stored as a number or as a row of one
        if scalar in wanted and scalar in state and state[scalar].numel() == 1:
            state[scalar] = state[scalar].reshape(wanted[scalar].shape)
    missing, spare = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing:
        raise WeightsBroken(
            f"The weights “{name}” are not complete: {len(missing)} of its parts are missing, such as {missing[0]}."
        )
    if spare:
        raise WeightsBroken(f"The weights “{name}” are of another network: it has no part called {spare[0]}.")
    for key, value in state.items():
        if not isinstance(value, Tensor) or value.shape != wanted[key].shape:
            raise WeightsBroken(f"The weights “{name}” do not fit their network: {key} has another size.")
        if value.is_floating_point() and not value.isfinite().all():
            raise WeightsBroken(f"The weights “{name}” are damaged: {key} holds values that are not numbers.")
    network.load_state_dict(state, strict=False)  # complete, as was just seen, but for what is never learned


def _preprocess(recipe: Recipe, network: Any, name: str) -> PreprocessCfg:
    try:
        loaded = PreprocessCfg(**merge_preprocess_dict(PreprocessCfg(), recipe.preprocess))
        loaded.size = getattr(network.visual, "image_size", loaded.size)
        size = (loaded.size, loaded.size) if isinstance(loaded.size, int) else tuple(loaded.size)
        square = size[0] == size[1] and 1 <= size[0] <= MAX_VALUES["image_size"]
        numbers = [float(number) for number in (*loaded.mean, *loaded.std)]
        known = loaded.interpolation in ("bicubic", "bilinear", "random")
        sound = square and known and len(numbers) == 6 and min(map(float, loaded.std)) > 0
    except (TypeError, ValueError, AssertionError, IndexError) as error:
        raise WeightsBroken(f"“{name}” does not say how its pictures have to be prepared.") from error
    if not sound or loaded.resize_mode not in ("shortest", "longest", "squash"):
        raise WeightsBroken(f"“{name}” wants its pictures in a way that is not known here.")
    loaded.size = int(size[0])
    return loaded


def _tokenizer(recipe: Recipe, folder: Path, name: str) -> tuple[Any, str]:
    """open_clip's own tokenizer, or that of the files beside the weights where the recipe names another."""
    text = recipe.text
    length = int(text.get("context_length", 77))
    options = dict(text.get("tokenizer_kwargs") or {})
    try:
        if not text.get("hf_tokenizer_name"):
            loaded: Any = SimpleTokenizer(context_length=length, **options)
            known = loaded.vocab_size
        elif not any((folder / file).is_file() for file in TOKENIZER_FILES):
            return None, (
                f"“{name}” needs its own tokenizer to understand words, and that is not there: put tokenizer.json, "
                f"tokenizer_config.json and special_tokens_map.json of {text['hf_tokenizer_name']} into its folder."
            )
        else:
            loaded = HFTokenizer(str(folder), context_length=length, local_files_only=True, **options)
            known = len(loaded.tokenizer)
    except Exception as error:  # a damaged or hostile file can make a parser fail in any way
        log.info("the tokenizer of %s could not be read", name, exc_info=True)
        raise WeightsBroken(f"The tokenizer of “{name}” is damaged or of an unknown kind.") from error
    if known > int(text.get("vocab_size", 49_408)):
        raise WeightsBroken(f"The tokenizer of “{name}” knows more words than its network.")
    return loaded, ""
