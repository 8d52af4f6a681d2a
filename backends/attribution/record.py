"""An attribution on the disk: `NAME.npz` with `values` and one array an axis, and `NAME.json` with everything else."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution.types import Attribution, Axis
from backends.core.errors import BadInput
from backends.shared import strict_json

FORMAT = 1


def save(attribution: Attribution, folder: Path, name: str = "attribution", **further: Any) -> tuple[Path, Path]:
    """Write both files and return their paths.

    Args:
        attribution: what to save.
        folder: where; it must exist.
        name: of the files, without their endings.
        further: entries of the `.json` file beside those of the attribution, such as the checks.
    """
    arrays: dict[str, Any] = {"values": attribution.values.astype(np.float32)}
    for axis, count in zip(attribution.axes, attribution.values.shape, strict=True):
        arrays[axis.name] = _coordinates(axis, count)
    facts = {key: value for key, value in asdict(attribution).items() if key not in ("values", "axes")}
    facts["axes"] = [{"name": axis.name, "unit": axis.unit} for axis in attribution.axes]
    facts["shape"] = list(attribution.values.shape)
    npz, about = folder / f"{name}.npz", folder / f"{name}.json"
    np.savez_compressed(npz, **arrays)
    about.write_text(strict_json.dumps({"format": FORMAT, **facts, **further}), encoding="utf-8")
    return npz, about


def load(npz: Path) -> Attribution:
    """The attribution in `NAME.npz` and the `NAME.json` beside it. Raises BadInput for anything else."""
    try:
        about = json.loads(npz.with_suffix(".json").read_text(encoding="utf-8"))
        with np.load(npz, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        values, axes = arrays["values"], tuple(_axis(axis, arrays[axis["name"]]) for axis in about["axes"])
        names = Attribution.__dataclass_fields__.keys() - {"values", "axes"}
        attribution = Attribution(values, axes, **{name: about[name] for name in names if name in about})
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"“{npz.name}” holds no attribution, or it is damaged.") from error
    if tuple(len(arrays[axis.name]) for axis in axes) != values.shape:
        raise BadInput(f"“{npz.name}” holds no attribution: its axes do not fit its values.")
    return attribution


def _coordinates(axis: Axis, count: int) -> np.ndarray:
    """`(count,)`: the words or places of the steps of an axis, or else their numbers from 0."""
    if axis.labels:
        return np.array(axis.labels, np.str_)
    return np.array(axis.coordinates or range(count), np.float64)


def _axis(about: dict[str, str], steps: np.ndarray) -> Axis:
    if steps.dtype.kind == "U":
        return Axis(about["name"], about["unit"], labels=tuple(str(word) for word in steps))
    return Axis(about["name"], about["unit"], coordinates=tuple(float(value) for value in steps))
