"""ModelCard: what can be run, how big it is, under which licence, where its weights come from, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WeightFile:
    """One file of weights.

    Exactly one origin: `url`, or `hub` ("owner/repository") with `path` in it at `revision`.
    `sha256` is the whole digest in hex; `bytes` the exact size.
    """

    name: str
    bytes: int
    sha256: str
    url: str = ""
    hub: str = ""
    path: str = ""
    revision: str = "main"


@dataclass(frozen=True)
class Limits:
    """The most a device takes, each None where it does not apply."""

    seconds: float | None = None
    megapixels: float | None = None
    residues: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class ModelCard:
    """`id` is what `--weights` and a page's chooser name; `engine` names the Engine class that runs it.

    `tier` is "builtin" (no weights), "starter" (shipped), "full" (published, fetched) or "yours" (a local file).
    `outputs` are the stems, classes or chains it yields, as data. `preference` orders cards, best first = highest.
    `speed` is seconds of work for one second (or residue, or image) of input on two CPU cores, as measured by
    `benchmarks/`; 0 where unknown.
    """

    id: str
    task: str
    engine: str
    title: str
    summary: str
    weak_at: str
    licence: str
    tier: str
    outputs: tuple[str, ...] = ()
    parameters: int = 0
    files: tuple[WeightFile, ...] = ()
    limits: Mapping[str, Limits] = field(default_factory=dict)
    speed: float = 0.0
    preference: int = 0
    licence_note: str = ""

    @property
    def download_bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def limit(self, device: str) -> Limits:
        """The limits on `device`, falling back to those of the CPU."""
        return self.limits.get(device) or self.limits.get("cpu") or Limits()
