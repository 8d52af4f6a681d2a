"""Reading Demucs checkpoints from untrusted files: only known classes, only numbers, only complete weights.

Two kinds of file hold one network each, both with its class and arguments beside its weights: `.th` (a pickle, read
by PyTorch's restricted unpickler) and `.safetensors` (class and arguments as JSON in its metadata). Several networks
form a bag, described by a small YAML file with `models`, `weights` and `segment`, as the demucs package has them.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from torch import nn

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.separation.demucs.options import MAX_SEGMENT_SECONDS

SUFFIXES = (".th", ".safetensors")
NETWORKS: dict[str, type[nn.Module]] = {
    "demucs.htdemucs.HTDemucs": HTDemucs,
    "demucs.hdemucs.HDemucs": HDemucs,
    "demucs.wdemucs.WDemucs": HDemucs,
    "demucs.demucs.Demucs": Demucs,
}
"""Every class a checkpoint may name. Nothing else is ever imported for one."""

SCALARS: list[Any] = [
    Fraction,
    np.dtype,
    *{type(np.dtype(name)) for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")},
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),  # type: ignore[attr-defined]
]
"""What else the training settings in a checkpoint consist of: exact fractions and single numbers of numpy."""

MAX_ARGUMENTS = {
    "channels": 256,
    "channels_time": 256,
    "growth": 2,
    "depth": 6,
    "dconv_depth": 8,
    "lstm_layers": 8,
    "bottom_channels": 2048,
    "t_layers": 20,
    "t_heads": 64,
    "t_hidden_scale": 16,
    "nfft": 16_384,
    "kernel_size": 32,
    "context": 8,
}
"""About four times what the published networks use: a file whose arguments ask for a giant is not even tried."""

SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
CHECKSUM = re.compile(r"-([0-9a-f]{8})$")


@dataclass(frozen=True)
class Bag:
    """Networks whose outputs are averaged: source s is the mean over m of `models[m]`, weighted by `weights[m][s]`.

    All have the same `sources` and `samplerate`; each may have its own segment length.
    """

    models: tuple[nn.Module, ...]
    weights: tuple[tuple[float, ...], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.models[0].sources)  # type: ignore[arg-type]

    @property
    def samplerate(self) -> int:
        return int(self.models[0].samplerate)  # type: ignore[arg-type]


def load_bag(paths: Sequence[Path], weights: Sequence[Sequence[float]] | None = None) -> Bag:
    """Read the networks at `paths`: files, or one folder or YAML file that describes a bag.

    Raises:
        WeightsMissing: a file is not there.
        WeightsBroken: a file is damaged, is no Demucs checkpoint, or the networks do not fit each other.
    """
    if not paths:
        raise WeightsMissing("This model needs its weights first: download them, or choose a file of your own.")
    segment = None
    if len(paths) == 1 and (paths[0].is_dir() or paths[0].suffix in (".yaml", ".yml")):
        paths, weights, segment = _read_recipe(paths[0])
    models = tuple(read_network(path) for path in paths)
    return _make_bag(models, weights, segment)


def read_network(path: Path) -> nn.Module:
    """One network, in evaluation mode, in single precision, on the CPU. Raises WeightsMissing or WeightsBroken."""
    if not path.is_file():
        raise WeightsMissing(f"The weights {path.name} are not on this machine: download them again.")
    _verify_name(path)
    try:
        package = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except WeightsBroken:
        raise
    except MemoryError:
        raise
    except Exception as error:  # a damaged or hostile file can make a parser fail in any way
        raise WeightsBroken(
            f"{path.name} is damaged or is no Demucs checkpoint: download it again, or choose another file."
        ) from error
    return _build(package, path.name)


def _read_pickle(path: Path) -> Mapping[str, Any]:
    classes = [(network, name) for name, network in NETWORKS.items()]
    with torch.serialization.safe_globals([*classes, *SCALARS]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    klass = NETWORKS.get(metadata.get("klass", ""))
    if "structure" in metadata and '"_class"' in metadata["structure"]:
        raise WeightsBroken(f"{path.name} is a compressed (quantised) checkpoint, which cannot be used here.")
    args, kwargs = (_decode_arguments(json.loads(metadata.get(name, "null"))) for name in ("args", "kwargs"))
    return {"klass": klass, "args": args or (), "kwargs": kwargs or {}, "state": state}


def _decode_arguments(value: Any) -> Any:
    """Undo the JSON form of a network's arguments, in which an exact fraction is an object of its own."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(value["numerator"], value["denominator"])
        return {key: _decode_arguments(item) for key, item in value.items()}
    return [_decode_arguments(item) for item in value] if isinstance(value, list) else value


def _build(package: Mapping[str, Any], name: str) -> nn.Module:
    """The network a checkpoint describes, with all of its weights and none to spare."""
    if not isinstance(package, Mapping) or package.get("klass") not in NETWORKS.values():
        raise WeightsBroken(f"{name} is no Demucs checkpoint: it does not say which Demucs network it holds.")
    klass, state = package["klass"], package.get("state")
    if not isinstance(state, Mapping) or state.get("__quantized"):
        raise WeightsBroken(f"{name} is a compressed (quantised) checkpoint, which cannot be used here.")
    known = inspect.signature(klass).parameters
    kwargs = {key: value for key, value in package.get("kwargs", {}).items() if key in known}
    giant = [
        key for key, most in MAX_ARGUMENTS.items() if isinstance(kwargs.get(key), int | float) and kwargs[key] > most
    ]
    if giant:
        raise WeightsBroken(f"{name} asks for a network far larger than any Demucs ({giant[0]} {kwargs[giant[0]]}).")
    try:
        network = klass(*package.get("args", ()), **kwargs)
        network.load_state_dict(dict(state), strict=True)  # copying also turns stored half precision into single
    except (RuntimeError, TypeError, ValueError, AssertionError, AttributeError) as error:
        raise WeightsBroken(f"{name} is damaged: its weights do not fit the network that it describes.") from error
    _check(network, name)
    return network.eval().requires_grad_(False)


def _check(network: nn.Module, name: str) -> None:
    broken = [key for key, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise WeightsBroken(f"{name} is damaged: {broken[0]} holds values that are not numbers.")
    if network.audio_channels != 2:
        raise WeightsBroken(f"{name} is for {network.audio_channels} channels; only stereo networks can be used.")
    odd = [source for source in network.sources if not SOURCE_NAME.fullmatch(str(source))]  # type: ignore[union-attr]
    if odd or len(set(network.sources)) != len(network.sources):  # type: ignore[arg-type]
        raise WeightsBroken(f"{name} names its stems in a way that cannot be used for files.")


def _verify_name(path: Path) -> None:
    """Published files carry the start of their sha256 in their name: `955717e8-8726e21a.th`."""
    stated = CHECKSUM.search(path.stem)
    if stated is None:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(stated[1]):
        raise WeightsBroken(f"{path.name} is damaged: it does not match the checksum in its name. Download it again.")


def _read_recipe(path: Path) -> tuple[list[Path], list[list[float]] | None, float | None]:
    """The files of a bag, its weights and its segment: from a YAML file, or the only one in a folder."""
    folder = path if path.is_dir() else path.parent
    recipes = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if path.is_dir() else [path]
    files = {file.stem.split("-")[0]: file for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES}
    if not files:
        raise WeightsMissing(f"There is no Demucs checkpoint (.th or .safetensors) in {folder.name}.")
    if not recipes:
        return list(files.values()), None, None
    if len(recipes) > 1:
        names = ", ".join(recipe.name for recipe in recipes)
        raise WeightsBroken(f"{folder.name} describes several models ({names}): choose one of these files instead.")
    try:
        recipe = yaml.safe_load(recipes[0].read_text(encoding="utf-8"))
        names, weights, segment = recipe["models"], recipe.get("weights"), recipe.get("segment")
        missing = [str(name) for name in names if str(name) not in files]
        if segment is not None and not 0 < segment <= MAX_SEGMENT_SECONDS:
            raise ValueError(f"a segment of {segment} s")
    except (ValueError, yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise WeightsBroken(f"{recipes[0].name} does not describe a Demucs model.") from error
    if missing or not names:
        raise WeightsMissing(f"{recipes[0].name} needs the checkpoint “{', '.join(missing)}”, which is not beside it.")
    return [files[str(name)] for name in names], weights, segment


def _make_bag(models: tuple[nn.Module, ...], weights: Sequence[Sequence[float]] | None, segment: float | None) -> Bag:
    first = models[0]
    for model in models:
        if (list(model.sources), model.samplerate) != (list(first.sources), first.samplerate):  # type: ignore[arg-type]
            raise WeightsBroken("These checkpoints do not belong together: their stems or sample rates differ.")
        # A transformer network cannot be run on longer pieces than it was trained on.
        if segment is not None and not (isinstance(model, HTDemucs) and segment > model.segment):
            model.segment = segment  # type: ignore[assignment]
    count = len(first.sources)  # type: ignore[arg-type]
    try:
        table = np.array(weights or np.ones((len(models), count)), dtype=np.float64)  # (M, S)
    except (TypeError, ValueError):
        table = np.zeros((0, 0))
    if table.shape != (len(models), count) or not (table.sum(axis=0) > 0).all():
        raise WeightsBroken("The weights of this bag of models do not fit its networks and stems.")
    return Bag(models, tuple(map(tuple, table.tolist())))
