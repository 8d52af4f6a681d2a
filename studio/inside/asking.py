"""Asking from the page: what it costs, the button, the progress with a cancel, and the answer once it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from studio.inside import answers
from studio.inside.answers import Answer, Inquiry
from studio.ui import formatting, model_picker
from studio.ui.error_boundary import safe_fragment

Look = Callable[[Answer], None]
"""Draws a first, coarse answer."""


def answered(
    inquiry: Inquiry, button: str, cost: str = "", icon: str = ":material/psychology:", first_look: Look | None = None
) -> Answer | None:
    """The answer where it is there; else the way to it, and None. The arguments are as for `all_answered`."""
    found = all_answered([inquiry], button, cost, icon, first_look)
    return found[0] if found else None


def all_answered(
    inquiries: Sequence[Inquiry],
    button: str,
    cost: str = "",
    icon: str = ":material/psychology:",
    first_look: Look | None = None,
) -> list[Answer]:
    """The answers where all of them are there; else the way to them, and none.

    Args:
        inquiries: what is asked, at one click.
        button: the label of the button that asks.
        cost: what it takes, in words, before the click.
        icon: of the button.
        first_look: draws the first answer of the last inquiry while the whole one is being worked on.
    """
    found = [answers.find(inquiry) for inquiry in inquiries]
    missing = [inquiry for inquiry, answer in zip(inquiries, found, strict=True) if answer is None]
    if not missing:
        answered = [answer for answer in found if answer is not None]
        _show_notices(answered)
        return answered
    views = [view for view in map(answers.watch, missing) if view is not None]
    if any(not view.ended for view in views):
        first = answers.first_look(missing[-1]) if first_look is not None else None
        _follow(missing, waits_for_look=first_look is not None and first is None)
        if first is not None and first_look is not None:
            first_look(first)
        return []
    failed = next((view for view in views if view.state == "failed"), None)
    if failed is not None:
        st.error(formatting.escape(failed.sentence), icon=":material/error:")
    elif any(view.state == "cancelled" for view in views):
        st.caption(":material/cancel: Cancelled.")
    with st.container(horizontal=True, vertical_alignment="center"):
        # The key stays when a knob changes what is asked: a click while the page is drawn anew is not lost.
        if st.button(button, type="primary", icon=icon, key=f"ask-{inquiries[-1].run.id}-{button}"):
            for inquiry in missing:
                answers.ask(inquiry, dict(st.query_params))
            st.rerun()
        if cost:
            st.caption(cost, width="content")
    return []


def _show_notices(found: Sequence[Answer]) -> None:
    """The sentences that came with the answers, each once; that of a test stands with its verdict."""
    verdicts = {answer.facts.get("sentence") for answer in found}
    for notice in dict.fromkeys(notice for answer in found for notice in answer.notices):
        if notice not in verdicts:
            st.caption(f":material/info: {formatting.escape(notice)}")


def _follow(inquiries: Sequence[Inquiry], waits_for_look: bool) -> None:
    """The progress of those that are under way, drawn anew every moment; at the end, or when there is a first answer to
    look at that the page waits for, the page."""

    @safe_fragment(run_every=model_picker.POLL_SECONDS)
    def follow() -> None:
        views = [view for view in map(answers.watch, inquiries) if view is not None and not view.ended]
        if not views or (waits_for_look and answers.first_look(inquiries[-1]) is not None):
            st.rerun()
        for view in views:
            model_picker.job_progress(view)

    follow()
    st.caption("You can leave this page: the answer is kept with the run.")


def cost_text(evaluations: int, run_id: str, card: str, roughly: str = "") -> str:
    """What a question costs, in words: how often the model is asked, and how long that takes where it is known."""
    times = f"asks the model {roughly}{evaluations:,} times"
    pace = answers.pace(run_id, card)
    return f"{times}, {formatting.about(pace * evaluations)}" if pace else times
