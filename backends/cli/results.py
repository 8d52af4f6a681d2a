"""The files of a run: made in a folder of their own, and put where nothing lies yet once the run has succeeded."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.cli.terminal import say
from backends.core.errors import BadInput

NAMED = 3
"""Files in the way that are named in the sentence about them."""


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


def put_in_place(work: Path, out: Path) -> Path:
    """Move every file of the run to `out`, and return the folder that they are in.

    Nothing is ever written over: a file there may be the run's own input, something of the user's, or the result of an
    earlier run. Where one of the names is taken, the whole run goes into a new folder inside `out`, and that is said.
    """
    files = sorted(path.relative_to(work) for path in work.rglob("*") if path.is_file())
    folder = out
    try:
        if taken := [file for file in files if _is_taken(out, file)]:
            folder = _new_folder(out)
            more = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
            names = ", ".join(map(str, taken[:NAMED])) + more
            say(f"{out} already holds {names}, which stay as they were: this run's files are in {folder}.")
        for file in files:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            (work / file).replace(target)
    except OSError as error:
        raise BadInput(f"Cannot write to {folder} ({error.strerror}).") from error
    return folder


def _is_taken(out: Path, file: Path) -> bool:
    """Whether something lies at `out / file`, or a file stands where one of its folders would be."""
    folders = [out / parent for parent in file.parents]
    return os.path.lexists(out / file) or any(os.path.lexists(folder) and not folder.is_dir() for folder in folders)


def _new_folder(out: Path) -> Path:
    for number in itertools.count(2):
        folder = out / f"run-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("counting has no end")
