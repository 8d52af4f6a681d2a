"""Findings and stories: what somebody claims, the moments that show it, and the order in which it is presented."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backends.core.errors import BadInput
from studio.library import models
from studio.library.catalogue_tables import FindingRow, StoryRow
from studio.library.database import Database
from studio.library.models import LibraryError, jsonable

Row = TypeVar("Row", FindingRow, StoryRow)
Record = TypeVar("Record")

MAX_TITLE, MAX_TEXT = 120, 4_000
MAX_EVIDENCE, MAX_STEPS = 12, 100


class UnknownFinding(LibraryError):
    """No finding or story has this id."""

    code = "unknown_finding"

    def __init__(self) -> None:
        super().__init__("There is no such finding or story here: it was deleted, or the address is not complete.")


@dataclass(frozen=True)
class Evidence:
    """One thing that shows a claim.

    Attributes:
        task: whose result it is.
        source: the id of a run, or of a project.
        moment: what of it is looked at, in the task's own terms: a place in a song, a frame, residues.
        caption: a line below it.
        numbers: the run's metrics when it was pinned, by name; they tell later whether the run has changed.
    """

    task: str
    source: str
    moment: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A claim in a sentence, the evidence for it, and where it ends."""

    id: str
    title: str
    claim: str
    limits: str
    author: str
    created: datetime
    changed: datetime
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Step:
    """One step of a story: a finding, or a text. `notes` are for the speaker alone."""

    kind: Literal["finding", "text"]
    finding: str = ""
    title: str = ""
    text: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Story:
    """Steps in the order of a talk."""

    id: str
    title: str
    author: str
    created: datetime
    changed: datetime
    steps: tuple[Step, ...]


class Findings:
    """The findings and stories of one database. Where it fails, each method raises LibraryError."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # -- findings --------------------------------------------------------------------------------------------------

    def list(self, limit: int = 200, offset: int = 0) -> tuple[Finding, ...]:
        """Findings, the last changed first."""
        wanted = select(FindingRow).order_by(FindingRow.changed.desc(), FindingRow.id).limit(limit).offset(offset)
        with self.database.session() as session:
            return tuple(_finding(row) for row in session.scalars(wanted))

    def total(self) -> int:
        """How many findings there are."""
        with self.database.session() as session:
            return session.scalar(select(func.count()).select_from(FindingRow)) or 0

    def get(self, finding_id: str) -> Finding | None:
        with self.database.session() as session:
            row = session.get(FindingRow, finding_id)
            return _finding(row) if row else None

    def create(
        self, title: str, claim: str = "", limits: str = "", author: str = "", evidence: Sequence[Evidence] = ()
    ) -> Finding:
        """Enter a finding. Raises BadInput for a title that is empty or a text that is too long."""
        now = models.now()
        row = FindingRow(
            id=models.new_run_id(),
            title=one_line(title, "a title"),
            claim=text_of(claim, "The claim"),
            limits=text_of(limits, "The limits"),
            author=one_line(author),
            created=now,
            changed=now,
            evidence=_evidence_rows(evidence),
        )
        with self.database.session(write=True) as session:
            session.add(row)
            session.flush()
            return _finding(row)

    def update(
        self, finding_id: str, *, title: str | None = None, claim: str | None = None, limits: str | None = None,
        author: str | None = None,
    ) -> Finding:  # fmt: skip
        """Change what is given. Raises BadInput, UnknownFinding."""

        def change(row: FindingRow) -> None:
            row.title = row.title if title is None else one_line(title, "a title")
            row.claim = row.claim if claim is None else text_of(claim, "The claim")
            row.limits = row.limits if limits is None else text_of(limits, "The limits")
            row.author = row.author if author is None else one_line(author)

        return self._change(FindingRow, finding_id, change, _finding)

    def pin(self, finding_id: str, *evidence: Evidence) -> Finding:
        """Add evidence. Raises BadInput where there is enough of it, UnknownFinding."""

        def change(row: FindingRow) -> None:
            row.evidence = [*row.evidence, *_evidence_rows(evidence)]
            if len(row.evidence) > MAX_EVIDENCE:
                raise BadInput(f"A finding shows at most {MAX_EVIDENCE} results: begin another one.")

        return self._change(FindingRow, finding_id, change, _finding)

    def arrange(self, finding_id: str, evidence: Sequence[Evidence]) -> Finding:
        """Replace the evidence: in another order, with other captions, or less of it. Raises UnknownFinding."""

        def change(row: FindingRow) -> None:
            row.evidence = _evidence_rows(evidence)

        return self._change(FindingRow, finding_id, change, _finding)

    def delete(self, finding_id: str) -> Callable[[], None]:
        """Remove a finding, and its steps from every story; returns what undoes that."""
        with self.database.session(write=True) as session:
            row = session.get(FindingRow, finding_id)
            if row is None:
                raise UnknownFinding
            finding, stories = _finding(row), []
            for story in session.scalars(select(StoryRow)):
                steps = [step for step in story.steps if step.get("finding") != finding_id]
                if len(steps) != len(story.steps):
                    stories.append(_story(story))
                    story.steps = steps
            session.delete(row)

        def undo() -> None:
            self.put([finding], stories, newer_only=False)

        return undo

    def _change(
        self, table: type[Row], row_id: str, change: Callable[[Row], None], read: Callable[[Row], Record]
    ) -> Record:
        """Change a finding or a story and note when; what `read` makes of it. Raises UnknownFinding."""
        with self.database.session(write=True) as session:
            row = session.get(table, row_id)
            if row is None:
                raise UnknownFinding
            change(row)
            row.changed = models.now()
            return read(row)

    # -- stories ---------------------------------------------------------------------------------------------------

    def stories(self) -> tuple[Story, ...]:
        """Stories, the last changed first."""
        with self.database.session() as session:
            rows = session.scalars(select(StoryRow).order_by(StoryRow.changed.desc(), StoryRow.id))
            return tuple(_story(row) for row in rows)

    def story(self, story_id: str) -> Story | None:
        with self.database.session() as session:
            row = session.get(StoryRow, story_id)
            return _story(row) if row else None

    def create_story(self, title: str, author: str = "", steps: Sequence[Step] = ()) -> Story:
        """Enter a story. Raises BadInput for an empty title."""
        now = models.now()
        row = StoryRow(
            id=models.new_run_id(),
            title=one_line(title, "a title"),
            author=one_line(author),
            created=now,
            changed=now,
            steps=_step_rows(steps),
        )
        with self.database.session(write=True) as session:
            session.add(row)
            session.flush()
            return _story(row)

    def update_story(
        self, story_id: str, *, title: str | None = None, author: str | None = None, steps: Sequence[Step] | None = None
    ) -> Story:
        """Change what is given. Raises BadInput, UnknownFinding."""

        def change(row: StoryRow) -> None:
            row.title = row.title if title is None else one_line(title, "a title")
            row.author = row.author if author is None else one_line(author)
            row.steps = row.steps if steps is None else _step_rows(steps)

        return self._change(StoryRow, story_id, change, _story)

    def duplicate_story(self, story_id: str) -> Story:
        """The same steps under another name. Raises UnknownFinding."""
        story = self.story(story_id)
        if story is None:
            raise UnknownFinding
        return self.create_story(f"{story.title[: MAX_TITLE - 7]} (copy)", story.author, story.steps)

    def delete_story(self, story_id: str) -> Callable[[], None]:
        """Remove a story; its findings stay. Returns what undoes that."""
        with self.database.session(write=True) as session:
            row = session.get(StoryRow, story_id)
            if row is None:
                raise UnknownFinding
            story = _story(row)
            session.delete(row)

        def undo() -> None:
            self.put([], [story], newer_only=False)

        return undo

    def findings_of(self, story: Story) -> dict[str, Finding]:
        """The findings of a story's steps, by id."""
        ids = {step.finding for step in story.steps if step.kind == "finding"}
        with self.database.session() as session:
            rows = session.scalars(select(FindingRow).where(FindingRow.id.in_(ids)))
            return {row.id: _finding(row) for row in rows}

    # -- merging ---------------------------------------------------------------------------------------------------

    def put(self, findings: Sequence[Finding], stories: Sequence[Story], newer_only: bool = True) -> tuple[int, int]:
        """Enter findings and stories under their own ids, in one transaction.

        Args:
            findings: to enter.
            stories: to enter.
            newer_only: leave those alone that are here in a version as new.

        Returns:
            How many findings and stories were entered or replaced.
        """
        with self.database.session(write=True) as session:
            entered = [
                _merge(session, FindingRow, one, {"evidence": _evidence_rows(one.evidence)}, newer_only)
                for one in findings
            ]
            told = [_merge(session, StoryRow, one, {"steps": _step_rows(one.steps)}, newer_only) for one in stories]
        return sum(entered), sum(told)


def _merge(
    session: Session, table: type[FindingRow] | type[StoryRow], new: Any, lists: Mapping[str, Any], newer_only: bool
) -> bool:
    old: Any = session.get(table, new.id)
    if newer_only and old is not None and _time(old.changed) >= new.changed:
        return False
    values = {name: value for name, value in vars(new).items() if name not in lists}
    values |= {"created": new.created.timestamp(), "changed": new.changed.timestamp(), **lists}
    session.merge(table(**values))
    return True


def one_line(text: str, needed: str = "") -> str:
    """`text` on one line, cut to a length that fits. Raises BadInput where it is `needed` and empty."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:MAX_TITLE].strip()
    if needed and not line:
        raise BadInput(f"Type {needed} first: it cannot be empty.")
    return line


def text_of(text: str, what: str) -> str:
    """`text` without control characters. Raises BadInput where it is too long."""
    if len(text) > MAX_TEXT:
        raise BadInput(f"{what} has more than {MAX_TEXT:,} characters: say it shorter.")
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t").strip()


def _evidence_rows(evidence: Sequence[Evidence]) -> list[Any]:
    return [jsonable(asdict(replace(one, caption=one_line(one.caption)))) for one in evidence]


def _step_rows(steps: Sequence[Step]) -> list[Any]:
    if len(steps) > MAX_STEPS:
        raise BadInput(f"A story has at most {MAX_STEPS} steps.")
    clean = (
        replace(
            step,
            title=one_line(step.title),
            text=text_of(step.text, "The text"),
            notes=text_of(step.notes, "The notes"),
        )
        for step in steps
    )
    return [asdict(step) for step in clean]


def _finding(row: FindingRow) -> Finding:
    evidence = tuple(Evidence(**one) for one in row.evidence)
    return Finding(
        row.id, row.title, row.claim, row.limits, row.author, _time(row.created), _time(row.changed), evidence
    )


def _story(row: StoryRow) -> Story:
    steps = tuple(Step(**step) for step in row.steps)
    return Story(row.id, row.title, row.author, _time(row.created), _time(row.changed), steps)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
