"""Whether a request names files and options that its task takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.core.errors import BadInput
from backends.core.task import Task


def check_inputs(task: Task, inputs: Mapping[str, Path]) -> None:
    """Raises BadInput where a file has a name that the task does not know, or is not there."""
    takes = (*task.inputs, *task.optional)
    for name, path in inputs.items():
        if name not in takes:
            raise BadInput(f"{task.title} takes no file called “{name}”; it takes {', '.join(takes)}.")
        if not path.exists():
            raise BadInput(f"There is no file {path}.")


def check_options(task: Task, options: Mapping[str, Any]) -> None:
    """Raises BadInput where an option has a name that no engine of the task knows."""
    unknown = [name for name in options if name not in task.options]
    if unknown:
        known = ", ".join(task.options)
        raise BadInput(f"{task.title} has no option called “{unknown[0]}”; it has {known}.")
