"""What a study keeps of inputs and answers beside its numbers, so that they can be heard and seen again.

A study says `keep: nothing`, `excerpts` (some seconds, a frame, a chain or a question, at the worst place of an answer)
or `everything` (inputs and answers whole). Only inputs as they are and the first seed are kept. Files lie in
`kept/PART/` with an `index.json`; a task's module in `evaluation.studies.keep` makes them.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from backends.core.errors import BadInput
from evaluation.datasets.base import Sample

Keep = Literal["nothing", "excerpts", "everything"]
MAX_EXCERPT_BYTES = 2_000_000


@dataclass(frozen=True)
class OutputFile:
    """One file.

    Args:
        role: `input`, `truth` or `answer`.
        caption: what it shows, as people read it.
        suffix: of the file, with its dot.
        data: its content.
        system: whose answer it is of; empty for a whole input, which all share.
    """

    role: str
    caption: str
    suffix: str
    data: bytes
    system: str = ""


@dataclass(frozen=True)
class Excerpt:
    """A kept file as it is found again."""

    role: str
    caption: str
    system: str
    path: Path

    def read(self) -> bytes:
        """Raises BadInput where it is gone or larger than any excerpt."""
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_EXCERPT_BYTES + 1)
        except OSError as error:
            raise BadInput(f"{self.path.name} was kept by this study and is no longer there.") from error
        if len(data) > MAX_EXCERPT_BYTES:
            raise BadInput(f"{self.path.name} is too large to be shown here.")
        return data


class Keeper(Protocol):
    """A module of `evaluation.studies.keep`."""

    def excerpt(self, sample: Sample, output: Any, where: float | None) -> Iterator[OutputFile]:
        """The input, the truth and the answer at a place: the second, frame, residue or question `where`."""
        ...

    def whole_input(self, sample: Sample) -> Iterator[OutputFile]: ...

    def whole_output(self, sample: Sample, output: Any) -> Iterator[OutputFile]: ...


def keeper(task: str) -> Any:
    """The module that makes the files of a task."""
    return importlib.import_module(f"evaluation.studies.keep.{task}")


def write(folder: Path, files: Iterable[OutputFile]) -> None:
    """Write files and their index, which comes last. What lay there before is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, file in enumerate(files):
        name = f"{number:03d}-{file.role}{file.suffix}"
        (folder / name).write_bytes(file.data)
        index.append({"file": name, "role": file.role, "caption": file.caption, "system": file.system})
    unfinished = folder / "index.tmp"
    unfinished.write_text(json.dumps(index, ensure_ascii=False), "utf-8")
    unfinished.replace(folder / "index.json")


def read(folder: Path, system: str) -> Sequence[Excerpt]:
    """What was kept of one answer in a part's folder; empty where nothing was. Raises BadInput where it is damaged."""
    try:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        return [_excerpt(folder, entry) for entry in index if entry["system"] == system]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"What was kept in {folder.name} is damaged: run the study again in another folder.") from error


def _excerpt(folder: Path, entry: Mapping[str, str]) -> Excerpt:
    if Path(entry["file"]).name != entry["file"]:
        raise ValueError("a kept file lies in its own folder")
    return Excerpt(entry["role"], entry["caption"], entry["system"], folder / entry["file"])
