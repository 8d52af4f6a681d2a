"""Attributions as the page shows them: read from an answer, with the tests of whether they can be believed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.core.errors import BadInput
from studio.inside.answers import Answer

DAMAGED = "This answer is damaged: ask again."


@dataclass(frozen=True)
class Map:
    """An attribution: `values` with an array of places or words for each of its axes, and all else that is known.

    Attributes:
        values: one number for each part; positive where the part speaks for the answer.
        axes: the name of each axis with its coordinates or words, in order.
        about: what was asked, of which model, by which method, at what cost.
        control: the same map of the model with shuffled weights, where it was made.
    """

    values: np.ndarray
    axes: Mapping[str, np.ndarray]
    about: Mapping[str, Any] = field(default_factory=dict)
    control: Map | None = None

    @property
    def unit(self) -> str:
        return str(self.about.get("unit", ""))

    @property
    def checks(self) -> Mapping[str, Any] | None:
        """The tests, where the map was tested."""
        return self.about.get("checks")

    def arranged(self, *names: str) -> np.ndarray:
        """The values with their axes in this order. Raises BadInput where they are others."""
        own = list(self.axes)
        if sorted(own) != sorted(names):
            raise BadInput(f"This answer is about {', '.join(own)}, which this page cannot show here.")
        return self.values.transpose([own.index(name) for name in names])

    @property
    def parts(self) -> list[str]:
        """The names of the parts that the values are about; empty where they are places."""
        places = next(iter(self.axes.values()), np.zeros(0))
        return [str(name) for name in places] if len(self.axes) == 1 and places.dtype.kind == "U" else []

    def on_picture(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values `(h, w)` with the middles of columns and rows, 0 to 1 of the picture; cells are spread evenly."""
        if set(self.axes) == {"row", "column"}:
            values = self.arranged("row", "column")
            rows, columns = values.shape
            return values, (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
        return self.arranged("y", "x"), self.axes["x"], self.axes["y"]


def read_map(answer: Answer, name: str = "attribution") -> Map:
    """The map of that name. Raises BadInput where the answer has none, or it is damaged."""
    about = json.loads(answer.files[f"{name}.json"]) if f"{name}.json" in answer.files else {}
    try:
        with np.load(io.BytesIO(answer.file(f"{name}.npz")), allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        values = arrays.pop("values")
        order = [axis["name"] for axis in about.get("axes", ())] or list(arrays)
        axes = {key: arrays[key] for key in order}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(DAMAGED) from error
    if tuple(len(places) for places in axes.values()) != values.shape:
        raise BadInput(DAMAGED)
    return Map(values, axes, about)


def control_map(answer: Answer) -> Map | None:
    """The same map of the model with shuffled weights, where it was made."""
    return read_map(answer, "control") if "control.npz" in answer.files else None
