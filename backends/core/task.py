"""The tasks as data: which inputs they take, which engines do them, which cards they have.

>>> task_named("separation").verb
'separate'
>>> task_named("matting").engine("modnet").capabilities.live_sides
(192, 256, 320, 384, 512)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from backends.core.adapting import Material
from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.live import LiveSession, OpenLiveSession
from backends.core.model_card import ModelCard
from backends.core.options import OptionInfo, Options

PACKAGES: tuple[str, ...] = (
    "backends.separation",
    "backends.matting",
    "backends.folding",
    "backends.fewshot",
    "backends.generation",
)
"""The packages of the tasks, in the order of the pages; each holds its `TASK`."""


class Capabilities(BaseModel):
    """What an engine can do beyond the common seam: each task has its own subclass, with a default for every field.

    It travels in `/info`, and both ends parse it: a field that the other end does not know is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class EngineSpec:
    """An engine before it is imported: `target` is "module:Class", and its options are known without its libraries."""

    target: str
    options: type[Options] = Options
    capabilities: Capabilities = field(default_factory=Capabilities)

    def load_class(self) -> type[Engine]:
        return _load(self.target)


@dataclass(frozen=True)
class Task:
    """One thing people can ask for.

    `verb` is the name of its endpoint, `inputs` the files it takes in order, `optional` those that may be left out.
    `own` says which engine takes weights of the user's own: by the ending of a file, such as ".onnx", or what a
    folder's `config.json` says its network is, or "folder" for any other folder. `live` is the "module:function" that
    opens a session with a camera (an `OpenLiveSession`), "" where the task works on files only. `suffixes` are the
    endings of files that the command line takes out of a folder, where each file is a job. `explainable` is the
    "module:NAME" of what can be asked of an answer (a `backends.attribution.offer.Explainable`), "" for nothing.
    `noun` is what a file of it is called where that is not the name of its first input.
    `helpers` are cards of weights that engines use where they are here, which nobody chooses. `material` says what its
    networks can be adapted to, None where they cannot. `fits` is the "module:function" that says which engines take the
    files of a job, where nobody chose one; "" where each takes what the others do.
    """

    name: str
    title: str
    verb: str
    inputs: tuple[str, ...]
    engines: Mapping[str, EngineSpec]
    cards: tuple[ModelCard, ...]
    optional: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    live: str = ""
    suffixes: tuple[str, ...] = ()
    explainable: str = ""
    noun: str = ""
    helpers: tuple[ModelCard, ...] = ()
    material: Material | None = None
    fits: str = ""

    @property
    def options(self) -> dict[str, str]:
        """The name of every option that an engine of this task takes, with its meaning."""
        meanings: dict[str, str] = {}
        for engine in self.engines.values():
            for info in engine.options.described():
                meanings.setdefault(info.name, info.meaning)
        return meanings

    def engine(self, name: str) -> EngineSpec:
        """Raises BadInput where the task has no such engine."""
        if name not in self.engines:
            raise BadInput(f"There is no engine called “{name}” for {self.name}; there is {', '.join(self.engines)}.")
        return self.engines[name]

    def engine_class(self, name: str) -> type[Engine]:
        return self.engine(name).load_class()

    def live_session(self, card: ModelCard, options: Mapping[str, Any]) -> LiveSession:
        """A session with a camera. Raises BadInput where this card cannot follow one."""
        if not self.live:
            raise BadInput(f"{card.title} works on files only; choose another model for the live picture.")
        open_session: OpenLiveSession = _load(self.live)
        return open_session(card, options)

    def engines_for(self, files: Mapping[str, Path]) -> Collection[str]:
        """The names of the engines that take these files by their inputs' names. Raises what their reader raises."""
        if not self.fits or not all(name in files for name in self.inputs):
            return tuple(self.engines)
        return _load(self.fits)(files)

    def load_explainable(self) -> Any:
        """What can be asked of an answer of this task. Raises BadInput where that is nothing."""
        if not self.explainable:
            raise BadInput(f"{self.title}: there is nothing yet to ask of its answers.")
        return _load(self.explainable)

    def options_of(self, card: ModelCard) -> tuple[OptionInfo, ...]:
        """The options that the card's engine takes, less those that this card's network lacks."""
        return tuple(info for info in self.engine(card.engine).options.described() if info.name not in card.without)

    def capabilities_of(self, card: ModelCard) -> Capabilities:
        """What the card's engine can do, and where the card says otherwise, what the card can."""
        engine = self.engine(card.engine).capabilities
        return engine.model_validate({**engine.model_dump(), **card.capabilities})


def _load(target: str) -> Any:
    """What "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def tasks() -> dict[str, Task]:
    """Every task by name, in the order of the pages."""
    registered = (import_module(package).TASK for package in PACKAGES)
    return {task.name: task for task in registered}


def task_named(name: str) -> Task:
    """The task of that name. Raises BadInput where there is none."""
    known = tasks()
    if name not in known:
        raise BadInput(f"There is no task called “{name}”; there is {', '.join(known)}.")
    return known[name]
