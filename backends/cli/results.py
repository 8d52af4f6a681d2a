"""The files of a run: made in a folder of their own, and put where nothing lies yet once the run has succeeded."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backends.cli.terminal import say
from backends.core.errors import BadInput


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A folder of the run's own inside `out`, so that what lies there is safe until the run has succeeded."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".run-", dir=out))
    except OSError as error:
        raise BadInput(f"Cannot write to {out} ({error.strerror}).") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def put_in_place(work: Path, out: Path) -> dict[Path, Path]:
    """Move every file of the run to `out`; returns where each is, by its path inside `work`.

    Nothing is ever written over: what lies there may be the run's own input, something of the user's, or the result of
    an earlier run. A file or folder whose name is taken gets a number, such as `stems-2`, and that is said.
    """
    files = sorted(path.relative_to(work) for path in work.rglob("*") if path.is_file())
    entries = list(dict.fromkeys(file.parts[0] for file in files))
    names = _free_names(out, entries, folders={file.parts[0] for file in files if len(file.parts) > 1})
    places = {file: out.joinpath(names[file.parts[0]], *file.parts[1:]) for file in files}
    try:
        for file, target in places.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            (work / file).replace(target)
    except OSError as error:
        raise BadInput(f"Cannot write to {out} ({error.strerror}).") from error
    if renamed := [name for entry, name in names.items() if name != entry]:
        taken = ", ".join(entry for entry, name in names.items() if name != entry)
        say(f"{out} already held {taken}, left as before: the results of this run are in {', '.join(renamed)}.")
    return places


def _free_names(out: Path, entries: Sequence[str], folders: Collection[str]) -> dict[str, str]:
    """The names under which files and folders of a run are put into `out`: all that are taken get the same number."""
    taken = [entry for entry in entries if _is_taken(out / entry)]
    for number in itertools.count(2):
        numbered = {entry: _numbered(entry, number, entry in folders) for entry in taken}
        if not any(os.path.lexists(out / name) for name in numbered.values()):
            return {entry: numbered.get(entry, entry) for entry in entries}
    raise AssertionError("counting has no end")


def _is_taken(path: Path) -> bool:
    """Whether anything lies there; an empty folder may be filled."""
    return os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))


def _numbered(name: str, number: int, folder: bool) -> str:
    """
    >>> _numbered("mix.wav", 2, False), _numbered("stems", 3, True)
    ('mix-2.wav', 'stems-3')
    """
    path = Path(name)
    return f"{name}-{number}" if folder else f"{path.stem}-{number}{path.suffix}"
