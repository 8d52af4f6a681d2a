"""What else can be done with a separation: another model beside it on one clock, and a stem taken apart further."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from studio import launch, services
from studio.library.library import Run
from studio.songs.results import stem_files
from studio.ui import beside, formatting

TASK = "separation"


def show(run: Run) -> None:
    """Both, one below the other."""
    beside.offer(
        run,
        "Play them on one clock",
        "Compare models: split the same song with another one, then play both here, stem by stem, and take the blind "
        "test.",
    )
    st.markdown("**Split a stem further**")
    st.caption(
        "A stem becomes a song of its own: “other” with a model that knows guitar and piano, or a voice that still "
        "holds some drums with a second model."
    )
    task, stems = services.backend().info().tasks.get(TASK), stem_files(run)
    cards = {card.id: card for card in task.cards if card.here} if task else {}
    if not cards or not stems:
        st.caption("The model server does not answer just now." if not cards else "This run has no stems.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        last = len(stems) - 1
        stem = st.selectbox("Stem", list(stems), last, format_func=str.capitalize, key=f"further-{run.id}")
        card = st.selectbox(
            "Model", list(cards), key=f"further-model-{run.id}",
            format_func=lambda one: f"{cards[one].title} ({', '.join(cards[one].outputs)})",
        )  # fmt: skip
        if st.button("Split it", icon=":material/call_split:", key=f"further-go-{run.id}"):
            name = f"{PurePath(run.title).stem or run.title} ({stem}).wav"
            launch.start(TASK, name, stems[stem], card, {}, asked={"stem": stem, "of": run.id})
    origin(run)


def origin(run: Run) -> None:
    """Where this song is a stem of another one: the way back to it."""
    asked = run.facts.get("asked", {})
    whole = services.library().get(asked.get("of", "")) if asked.get("of") else None
    if whole is not None and st.button(
        f"This is “{formatting.escape(asked['stem'])}” of “{formatting.escape(whole.title)}”: open that",
        icon=":material/arrow_back:", type="tertiary",
    ):  # fmt: skip
        launch.go_to(whole.id, TASK)
