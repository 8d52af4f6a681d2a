"""The trainings on this machine: those begun on the page or in a terminal, what became of them, starting and stopping.

Each is a process of its own, of lower priority than the model server. It notes its standing in its folder and holds a
lock as long as it lives, so that any studio can tell whether it runs, and it stops when a file there asks it to.
"""

from __future__ import annotations

import re
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from backends.core.adapting import LOCK, STOP, Standing, folder_of_training, read_standing
from backends.core.errors import BadInput
from backends.core.task import task_named
from backends.weights.locations import default_root
from studio.jobs.processes import Processes

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
COMMAND = (sys.executable, "-m", "training")
MATERIAL, LOG, ABOUT = "material", "run.log", "request.txt"


@dataclass(frozen=True)
class Training:
    """One training: `running` is whether a process works on it now, whoever started it."""

    task: str
    name: str
    folder: Path
    standing: Standing
    running: bool

    @property
    def key(self) -> str:
        return f"{self.task}/{self.name}"

    @property
    def state(self) -> str:
        """As noted, but one that says "running" and that nobody works on has stopped."""
        return "stopped" if self.standing.state == "running" and not self.running else self.standing.state

    @property
    def stopping(self) -> bool:
        """Whether one that runs was asked to stop, which it does after the step at hand."""
        return self.running and (self.folder / STOP).exists()

    @property
    def can_go_on(self) -> bool:
        """Whether its files are here; a training from a terminal goes on in a terminal."""
        return self.state == "stopped" and (self.folder / MATERIAL).is_dir() and (self.folder / ABOUT).is_file()


_processes = Processes()
_looking = threading.Lock()


def known() -> list[Training]:
    """All trainings, the one that something happened to last first."""
    folders = sorted((default_root() / "adapting").glob("*/*"))
    found = [training for folder in folders if (training := find(folder.parent.name, folder.name))]
    return sorted(found, key=lambda training: -training.standing.updated)


def find(task: str, name: str) -> Training | None:
    """The training of that name, None where there is none."""
    if not NAME.fullmatch(name) or not NAME.fullmatch(task):
        return None
    folder = folder_of_training(default_root(), task, name)
    ours = _processes.is_running(f"{task}/{name}")
    standing = read_standing(folder)
    if standing is None:
        if not ours and not (folder / LOG).exists():
            return None
        standing = Standing(
            task=task,
            name=name,
            stage="Starting",
            state="running" if ours else "failed",
            updated=_begun(folder),
        )
    return Training(task, name, folder, standing, ours or _is_locked(folder))


def require_name(task: str, name: str) -> None:
    """Raise BadInput where a result cannot be called so."""
    if not NAME.fullmatch(name):
        raise BadInput("A name is made of letters, digits, hyphens and underscores, at most 60.")
    yours = default_root() / "yours" / task
    if find(task, name) or any(name in (path.name, path.stem) for path in yours.glob("*")):
        raise BadInput(f"There is something called “{name}” already: choose another name.")


def material_folder(task: str, name: str) -> Path:
    return folder_of_training(default_root(), task, name) / MATERIAL


def start(task: str, name: str, base: str, steps: int) -> None:
    """Begin a training whose files lie in its folder, at another priority than the model server's."""
    material = task_named(task).material
    if material is None:
        raise BadInput("Networks of this task cannot be adapted.")
    folder = folder_of_training(default_root(), task, name)
    (folder / ABOUT).write_text(f"{base} {steps}", encoding="utf-8")
    _run(task, name, base, steps)


def go_on(training: Training) -> None:
    """Take up a training that was stopped where it stopped."""
    base, _, steps = (training.folder / ABOUT).read_text(encoding="utf-8").rpartition(" ")
    _run(training.task, training.name, base, int(steps))


def _run(task: str, name: str, base: str, steps: int) -> None:
    folder = folder_of_training(default_root(), task, name)
    command = [*COMMAND, "adapt", task, str(folder / MATERIAL), "--name", name]
    command += ["--base", base, "--steps", str(steps)]
    (folder / STOP).unlink(missing_ok=True)
    _processes.start(f"{task}/{name}", command, folder / LOG)


def stop(training: Training) -> None:
    """Ask a training to stop after the step at hand, whoever started it; nothing of it is lost."""
    (training.folder / STOP).touch()


def delete(training: Training) -> None:
    """Forget a training with its files; a model that came of it stays."""
    if training.running:
        raise BadInput("It runs still: stop it first.")
    shutil.rmtree(training.folder)


def fault(training: Training) -> str:
    """What its process said last, where it did not end well."""
    return _processes.fault(training.key)


def _begun(folder: Path) -> float:
    """When a training that noted nothing yet was begun, in seconds since 1970."""
    return (folder / LOG).stat().st_mtime if (folder / LOG).exists() else 0.0


def _is_locked(folder: Path) -> bool:
    if not (folder / LOCK).exists():
        return False
    try:
        with _looking, FileLock(folder / LOCK, timeout=0):  # two pages that look at once would take each other for it
            return False
    except Timeout:
        return True
