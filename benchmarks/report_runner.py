"""Runs one script that recreates a report, in this process, as if the program were still as old as the script.

    python -m benchmarks.report_runner SCRIPT

Modules and classes that have moved since are found under their old names, clips that another script made are made
anew, and every call of the command line gets a folder of its own, since nothing is ever written over.
"""

from __future__ import annotations

import importlib
import itertools
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import report_inputs, report_songs

MOVED_MODULES: Mapping[str, str] = {
    "backends.cards": "backends.core.model_card",
    "backends.matting.classical": "backends.matting.engines.classical",
    "backends.separation.audio": "backends.separation.io.audio",
}
"""The module of today by its old name."""

RENAMED: Mapping[str, Mapping[str, str]] = {
    "backends.matting.classical": {
        "Tracker": "backends.matting.engines.classical:PersonTracker",
        "Plate": "backends.matting.engines.classical:BackgroundPlate",
    },
    "backends.matting.video": {"VideoReader": "backends.matting.video.frames:VideoReader"},
}
"""Old names in a module, each with the module and the name of today."""

REBUILT: Mapping[str, Callable[[], ModuleType]] = {"decode_cases": report_songs.decode_cases}
"""Modules of scripts that are no longer there."""


class OldModules(MetaPathFinder, Loader):
    """Finds the modules of `MOVED_MODULES` and `REBUILT` under their old names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED_MODULES or fullname in REBUILT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return REBUILT[spec.name]() if spec.name in REBUILT else ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__spec__.name if module.__spec__ else module.__name__
        if name in MOVED_MODULES:
            add_old_names(module, name, MOVED_MODULES[name])


def add_old_names(module: ModuleType, name: str, successor: str = "") -> None:
    """Let `module` answer for what it lacks: the old names of `RENAMED`, then all names of the module `successor`."""

    def look_up(wanted: str) -> Any:
        place, _, today = RENAMED.get(name, {}).get(wanted, f"{successor}:{wanted}").partition(":")
        if not place:
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}")
        return getattr(importlib.import_module(place), today)

    module.__getattr__ = look_up  # type: ignore[method-assign]


def use_fresh_folders(lib: ModuleType) -> None:
    """Give every call of `lib.cli`, where there is one, an output folder of its own."""
    if not hasattr(lib, "cli"):
        return
    one, count = lib.cli, itertools.count(1)

    def cli(path: object, name: str, *more: object, out: object = None, **options: object) -> object:
        return one(path, name, *more, out=out or lib.OUT / f"{name}-{next(count)}", **options)

    lib.cli = cli  # type: ignore[attr-defined]


def run(script: Path) -> None:
    """Run `script` as the main program, with its own folder first on the path and no arguments."""
    sys.path.insert(0, str(script.parent))
    sys.meta_path.append(OldModules())
    for name in RENAMED.keys() - MOVED_MODULES.keys():
        add_old_names(importlib.import_module(name), name)
    if (script.parent / "lib.py").exists():
        lib = importlib.import_module("lib")
        use_fresh_folders(lib)
        report_inputs.prepare(script.stem, lib)
    sys.argv = [str(script)]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve())
