"""What a `.fourfold` bundle is: a zip of runs, findings and stories with a checksum for every file.

`bundle.json` lists every other entry with its size and SHA-256 and holds findings and stories; `runs/<id>/run.json` is
the manifest that the library writes into the folder of a run, and beside it lie the run's files under the names that
the library gave them. `projects/<task>/<id>.zip` is a project as its own page saves it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from studio.library.findings import MAX_EVIDENCE, MAX_STEPS, MAX_TEXT, MAX_TITLE

NAME, FORMAT, VERSION = "bundle.json", "fourfold-bundle", 1
ENDING = ".fourfold"

RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, StringConstraints(max_length=MAX_TITLE)]
Words = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Task = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileEntry(Strict):
    """The size and the checksum of one file."""

    bytes: int = Field(ge=0)
    sha256: Sha256


class EvidenceEntry(Strict):
    task: Task
    source: RunId
    moment: dict[str, Any] = {}
    caption: Line = ""
    numbers: dict[str, Any] = {}


class FindingEntry(Strict):
    id: RunId
    title: Line
    claim: Words = ""
    limits: Words = ""
    author: Line = ""
    created: datetime
    changed: datetime
    evidence: list[EvidenceEntry] = Field(default=[], max_length=MAX_EVIDENCE)


class StepEntry(Strict):
    kind: Literal["finding", "text"]
    finding: str = ""
    title: Line = ""
    text: Words = ""
    notes: Words = ""


class StoryEntry(Strict):
    id: RunId
    title: Line
    author: Line = ""
    created: datetime
    changed: datetime
    steps: list[StepEntry] = Field(default=[], max_length=MAX_STEPS)


class Contents(Strict):
    """`bundle.json`."""

    format: Literal["fourfold-bundle"] = "fourfold-bundle"
    version: int
    made: datetime
    files: dict[str, FileEntry]
    findings: list[FindingEntry] = []
    stories: list[StoryEntry] = []


class InputEntry(BaseModel):
    name: str
    sha256: str
    bytes: int = Field(ge=0)


class RunEntry(BaseModel):
    """What the manifest of a run has to look like before the library takes it; more keys may stand in it."""

    id: RunId
    task: Task
    title: Annotated[str, StringConstraints(max_length=300)]
    engine: str
    weights: str
    status: Literal["done", "failed", "cancelled", "interrupted"]
    created: datetime
    seconds: float | None
    error: str
    card: dict[str, Any]
    options: dict[str, Any]
    inputs: list[InputEntry]
    versions: dict[str, str]
    metrics: dict[str, Any]
    notices: list[str]
    facts: dict[str, Any]
