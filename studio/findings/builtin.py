"""The built-in story: ten steps over the four tasks, made from the project's samples by the models that ship with it.

It comes as a bundle beside this module and enters the library once, when somebody first looks at the stories; whoever
deletes it is rid of it. Where visitors log in, it is everybody's. `python -m studio.findings.make_story` makes it anew.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from studio import visitors
from studio.findings.bundle_import import read_bundle
from studio.library.library import home

BUNDLE = Path(__file__).parent / "assets" / "story.fourfold"


def enter_once() -> bool:
    """Take the built-in story into the library, the first time; whether it was taken now. Raises UserError."""
    if not is_waiting():
        return False
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(mark.with_suffix(".lock")):
        if mark.exists():
            return False
        with visitors.acting(visitors.SHARED if visitors.current() else visitors.EVERYBODY):
            read_bundle(BUNDLE)
        mark.touch()
    return True


def is_waiting() -> bool:
    """Whether the built-in story was not taken into the library yet."""
    return BUNDLE.is_file() and not _mark().exists()


def _mark() -> Path:
    """The file that says that this very bundle was taken."""
    return home() / "samples" / f"story-{BUNDLE.stat().st_size}"
