"""How a task shows a result outside its page: in the list, as evidence of a finding, on a stage, in an exported file.

Each room has a module `exhibit.py` with the functions of `Exhibit`; the registry of tasks names it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import streamlit as st

from backends.core.errors import UserError
from studio import tasks

if TYPE_CHECKING:
    from studio.library.findings import Evidence


class NothingToShow(UserError):
    """The run or project is gone, or has nothing that can be shown here."""

    code = "nothing_to_show"

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or "This result is not in the library any more, so it cannot be shown.")


@dataclass(frozen=True)
class Part:
    """Something to be seen and heard: the data of a component.

    Attributes:
        kind: which component draws it: "stems", "matte", "structure", "answers", "figure" or "map".
        data: that component's manifest.
        alt: what is seen, in a sentence.
        still: address of a picture of it; "" where the cover of its run stands for it.
    """

    kind: str
    data: Mapping[str, Any]
    alt: str
    still: str = ""


class Exhibit(Protocol):
    """What a room offers of its results. `source` is the id of a run or of a project."""

    def cover(self, source: str) -> bytes:
        """A small WebP that stands for the result. Raises UserError where there is nothing to draw."""

    def describe(self, moment: Mapping[str, Any]) -> str:
        """The moment in a few words, such as "at 1:02, vocals alone"; "" for the whole result."""

    def part(self, source: str, moment: Mapping[str, Any], key: str) -> Part:
        """The result at a moment, with addresses of this studio; `key` tells it from others on the same page.

        Raises UserError where it is gone.
        """

    def packed(self, source: str, moment: Mapping[str, Any], key: str, budget: int) -> Part:
        """The same with everything inside, in about `budget` bytes of JSON. Raises UserError where it is gone."""


def of(task: str) -> Exhibit:
    """The exhibit of a task. Raises NothingToShow for a task that has none here."""
    found = tasks.find(task)
    if found is None or not found.exhibit:
        raise NothingToShow("This result is of a task that this Fourfold does not show.")
    return cast(Exhibit, importlib.import_module(found.exhibit))


def part(evidence: Evidence, key: str) -> Part:
    """A piece of evidence with addresses of this studio. Raises UserError where it is gone."""
    from studio.findings import snapshots

    return snapshots.part(evidence.moment, key) or of(evidence.task).part(evidence.source, evidence.moment, key)


def packed(evidence: Evidence, key: str, budget: int) -> Part:
    """The same with everything inside, in about `budget` bytes. Raises UserError where it is gone."""
    from studio.findings import snapshots

    held = snapshots.part(evidence.moment, key)
    return held or of(evidence.task).packed(evidence.source, evidence.moment, key, budget)


def describe(task: str, moment: Mapping[str, Any]) -> str:
    """A moment in a few words; "" for the whole result."""
    from studio.findings import snapshots

    return snapshots.describe(moment) or of(task).describe(moment)


def remember(source: str, state: Mapping[str, Any] | None) -> None:
    """Note what a visitor looks at now, as the component of a result's page reported it."""
    if state:
        st.session_state[f"moment-{source}"] = {key: value for key, value in state.items() if key != "run"}


def current(source: str) -> dict[str, Any]:
    """What a visitor looks at now; empty before anything was touched."""
    return dict(st.session_state.get(f"moment-{source}", {}))
