"""A story as one HTML file that opens anywhere without a network, held under a limit of size; and as a PDF handout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial

from backends.core.errors import BadInput, TooLarge
from evaluation.report import pdf
from studio import services
from studio.findings import exhibits, snapshots
from studio.findings.deck import Staging, slides, still_inside
from studio.findings.exhibits import Part
from studio.library.findings import Evidence, Story, UnknownFinding
from viz.deck import deck_document

LIMITS = {"5": 5_000_000, "10": 10_000_000, "20": 20_000_000, "50": 50_000_000}
"""What a file may take, in bytes, by what the choice is called in MB."""

SHARE = 0.9
"""The share of the remaining room that is given to sound and film: their size is hit only nearly."""

FIXED_TASKS = ("folding", "fewshot")
"""Tasks whose parts take what they need: structures and answers, but no sound and no film."""

FIXED_BUDGET = 2_000_000

LEAST_BUDGET = 150_000
PDF_SECONDS = 90


def html_file(story_id: str, limit: int) -> bytes:
    """The story with everything inside.

    Raises:
        UnknownFinding: there is no such story.
        TooLarge: even with the shortest excerpts it does not fit.
    """
    story = _story(story_id)
    media = _count_media(story)
    room = limit - len(_document(story, _without_media).encode())
    share = SHARE
    while True:
        budget = max(LEAST_BUDGET, int(share * room / max(1, media)))
        document = _document(story, partial(_packed, budget)).encode()
        if len(document) <= limit:
            return document
        if budget == LEAST_BUDGET or not media:
            raise TooLarge(
                f"This story takes at least {len(document) / 1e6:.1f} MB: choose a larger limit, or take steps out."
            )
        share *= 0.75


def _story(story_id: str) -> Story:
    story = services.findings().story(story_id)
    if story is None:
        raise UnknownFinding
    return story


def _count_media(story: Story) -> int:
    """How many parts hold sound or film."""
    findings = services.findings().findings_of(story)
    steps = [findings[step.finding] for step in story.steps if step.finding in findings]
    return sum(_is_media(one) for finding in steps for one in finding.evidence)


def _is_media(evidence: Evidence) -> bool:
    return evidence.task not in FIXED_TASKS and snapshots.SNAPSHOT not in evidence.moment


def _packed(budget: int, evidence: Evidence, key: str) -> Part:
    return exhibits.packed(evidence, key, budget)


def _without_media(evidence: Evidence, key: str) -> Part:
    if _is_media(evidence):
        raise exhibits.NothingToShow
    return _packed(FIXED_BUDGET, evidence, key)


def _still_only(evidence: Evidence, key: str) -> Part:
    """A part whose picture is all that is printed."""
    if held := snapshots.part(evidence.moment, key):
        return held
    entry = services.catalogue().get(evidence.source)
    if entry is None:
        raise exhibits.NothingToShow
    return Part("answers", {"run": key, "answers": [], "classes": []}, entry.title)


def _document(story: Story, part: Callable[[Evidence, str], Part]) -> str:
    return deck_document(story.title, slides(story, Staging(part, still_inside)))


def pdf_file(story_id: str) -> bytes:
    """A handout: one page a step, printed by a Chromium of this machine. Raises BadInput where there is none."""
    program = pdf.browser()
    if not program:
        raise BadInput(
            "A PDF needs Chromium or Chrome on the studio's machine: save the HTML file and print it instead."
        )
    document = _document(_story(story_id), _still_only)
    try:
        return pdf.print_with(program, document, PDF_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise BadInput("The browser could not print this story: save the HTML file and print it instead.") from error
