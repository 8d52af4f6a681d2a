"""The tasks as data: which inputs they take, which engines do them, which cards they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard

PACKAGES = ("backends.separation", "backends.matting", "backends.folding", "backends.fewshot")


@dataclass(frozen=True)
class Task:
    """One thing people can ask for. `engines` maps a name to "module:Class", imported only when it is needed.

    `verb` is the name of its endpoint, `inputs` the files it takes in order, `optional` those that may be left out,
    `options` each option with its meaning. `own` says which engine takes weights of the user's own: by the ending of
    a file, such as ".onnx", or what a folder's `config.json` says its network is, or "folder" for any other folder.
    """

    name: str
    title: str
    verb: str
    inputs: tuple[str, ...]
    engines: Mapping[str, str]
    cards: tuple[ModelCard, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)

    def engine_class(self, name: str) -> type[Engine]:
        if name not in self.engines:
            raise BadInput(f"There is no engine called “{name}” for {self.name}; there is {', '.join(self.engines)}.")
        module, _, cls = self.engines[name].partition(":")
        return getattr(import_module(module), cls)


def tasks() -> dict[str, Task]:
    """Every task by name, in the order of the pages."""
    found = (import_module(package).TASK for package in PACKAGES)
    return {task.name: task for task in found}


def task_named(name: str) -> Task:
    known = tasks()
    if name not in known:
        raise BadInput(f"There is no task called “{name}”; there is {', '.join(known)}.")
    return known[name]
