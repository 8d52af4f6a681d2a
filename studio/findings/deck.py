"""A story as slides: each step with its parts, live from this studio or packed into one file."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from backends.core.errors import UserError
from studio import services, tasks
from studio.findings import covers, exhibits, numbers, source_page
from studio.findings.addresses import cover_url
from studio.findings.exhibits import Part
from studio.library.findings import Evidence, Finding, Step, Story, UnknownFinding
from studio.web import urls
from viz.deck import Slide, SlidePart, deck_document
from viz.vendor import THREEDMOL_ADDRESS


@dataclass(frozen=True)
class Staging:
    """How the evidence of a story comes onto the stage.

    Attributes:
        part: makes the part of a piece of evidence, given a key that names it in the document.
        still: the address of a picture that stands for it.
        live: whether its page can be opened from the stage.
    """

    part: Callable[[Evidence, str], Part]
    still: Callable[[Evidence], str]
    live: bool = False


def slides(story: Story, staging: Staging) -> tuple[Slide, ...]:
    """The steps of a story."""
    findings = services.findings().findings_of(story)
    return tuple(
        _text(step) if step.kind == "text" else _finding(step, findings.get(step.finding), f"step-{place}", staging)
        for place, step in enumerate(story.steps)
    )


def _text(step: Step) -> Slide:
    return Slide(step.title, text=step.text, notes=step.notes)


def _finding(step: Step, finding: Finding | None, key: str, staging: Staging) -> Slide:
    if finding is None:
        return Slide("A finding that was deleted", notes=step.notes)
    parts, lost = [], []
    for place, evidence in enumerate(finding.evidence):
        try:
            part = staging.part(evidence, f"{key}-{place}")
        except UserError as error:
            lost.append(error.sentence)
            continue
        address = _page_of(evidence) if staging.live else ""
        still = part.still if part.kind in ("figure", "map") else staging.still(evidence)
        caption = " · ".join(words for words in (evidence.caption, *numbers.lines(evidence)) if words)
        parts.append(SlidePart(part.kind, part.data, part.alt, caption, still, address))
    day = finding.changed.astimezone().strftime("%d %b %Y")
    who = f"{finding.author}, {day}" if finding.author else day
    return Slide(finding.title, finding.claim, " ".join(lost), finding.limits, who, step.notes, tuple(parts))


def _page_of(evidence: Evidence) -> str:
    """The address at which the result can be made again, or the figure be seen on its page."""
    where = source_page.of(evidence)
    if where is None:
        return ""
    path, query = where
    if "run" in query and path == tasks.get(evidence.task).page:
        query = {"from": query["run"]}
    name = path.removeprefix("pages/").removesuffix(".py")
    return f"{urls.base_path()}/{name}?{urlencode(query)}"


def live_document(story_id: str) -> tuple[str, str]:
    """The presenter's view of a story, and the nonce of its scripts. Raises UnknownFinding."""
    story = services.findings().story(story_id)
    if story is None:
        raise UnknownFinding

    def part(evidence: Evidence, key: str) -> Part:
        return exhibits.part(evidence, key)

    nonce, base = secrets.token_urlsafe(18), urls.base_path()
    made = slides(story, Staging(part, lambda evidence: cover_url(evidence.source), live=True))
    document = deck_document(
        story.title, made, library=f"{base}{THREEDMOL_ADDRESS}", nonce=nonce, ready=f"{base}/stories/ready"
    )
    return document, nonce


def still_inside(evidence: Evidence) -> str:
    """The cover of a result as a data address; "" where it is gone."""
    entry = services.catalogue().get(evidence.source)
    if entry is None:
        return ""
    return f"data:image/webp;base64,{base64.b64encode(covers.picture(entry)).decode()}"
