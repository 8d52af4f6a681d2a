"""The module `decode_cases` that scripts on songs import, rebuilt from how they use it.

It held all of the folder's `lib`, the functions that the page asked before a run, and `show`, which splits a song and
prints what came out.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any


def decode_cases() -> ModuleType:
    """The module, with the names of `lib`."""
    from backends.separation.io.audio import Song

    lib = importlib.import_module("lib")
    Song.announced = property(lambda song: song.stated_duration)  # type: ignore[attr-defined]
    module = ModuleType("decode_cases")
    vars(module).update({name: value for name, value in vars(lib).items() if not name.startswith("__")})
    vars(module).update(
        inputs=SimpleNamespace(probe=_probe, too_long=_too_long, estimate=_estimate),
        show=lambda what, path, reference: _show(lib, what, path, reference),
    )
    return module


def _show(lib: ModuleType, what: str, path: Path, reference: Any) -> None:
    """Split a song by the command line, and print its exit code, the mix against `reference` `(T, 2)`, and its words.

    The mix is described by `diff` (frames more than the reference), `lag` (frames by which it comes later, up to a
    second) and `level` (dB over the reference's).
    """
    code, _, words, out = lib.cli(path, path.stem)
    facts = {"rc": code}
    if code == 0:
        mix, rate = lib.sf.read(out / "mix.wav", always_2d=True)
        lag = lib.lag(reference[:, 0], mix[:, 0], rate)
        level = round(float(lib.db(mix) - lib.db(reference)), 1)
        facts |= {"diff": len(mix) - len(reference), "lag": lag, "level": level}
    print(f"{what} | {facts} | {' '.join(words)}")  # noqa: T201


def _probe(source: IO[bytes]) -> Any:
    from studio.songs.probe import probe

    return probe(Path(source.name))


def _card(facts: Mapping[str, Any]) -> Any:
    """A card of today for one that was a mapping."""
    return SimpleNamespace(**{**facts, "limits": SimpleNamespace(**facts["limits"])})


def _too_long(card: Mapping[str, Any], seconds: float) -> str:
    from studio.songs.probe import too_long

    return too_long(_card(card), seconds)


def _estimate(card: Mapping[str, Any], seconds: float) -> str:
    from studio.songs.probe import estimate

    return estimate(_card(card), seconds)
