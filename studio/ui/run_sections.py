"""What the page of any finished run offers: analyses worked out in the background, where it came from, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from backends.core.errors import UserError
from studio import launch, services, tasks
from studio.library.library import Run
from studio.ui import error_boundary, formatting

WAIT_SECONDS = 0.7


def analysed(run: Run, kind: str, make: Callable[[], bytes], doing: str, then: Callable[[bytes], object]) -> None:
    """Show `then(answer)`, or that it is being worked out; a failure is a sentence with a way to try again."""
    analyses = services.analyses()
    try:
        answer = analyses.get(run.id, kind, make)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
        if st.button("Try again", key=f"again-{kind}"):
            analyses.forget(run.id, kind)
            st.rerun()
        return
    if answer is not None:
        then(answer)
        return

    @error_boundary.fragment(run_every=WAIT_SECONDS)
    def waiting() -> None:
        try:
            ready = analyses.get(run.id, kind, make) is not None
        except UserError:
            ready = True  # The page itself says what went wrong and offers another try.
        if ready:
            st.rerun()
        st.caption(f":material/hourglass_top: {doing}")

    waiting()


def origin(run: Run, options: Mapping[str, str] | None = None) -> None:
    """Everything needed to say how this result came about, and to make it again; `options` in words of the task's."""
    card = run.card
    spoken = {str(key): str(value) for key, value in run.options.items()} if options is None else options
    rows = {
        "Model": f"{card.get('title', run.weights)} ({run.weights})",
        "Weights": formatting.WEIGHTS.get(card.get("tier", ""), ""),
        "Licence": f"{card.get('licence', '')}. {card.get('licence_note', '')}".strip(),
        "Options": ", ".join(f"{key}: {value}" for key, value in spoken.items()) or "as they come",
        "Device": run.facts.get("device", ""),
        "File": run.inputs[0]["name"] if run.inputs else "",
        "Size": formatting.size(run.inputs[0]["bytes"]) if run.inputs else "",
        "SHA-256 of the file": run.inputs[0]["sha256"] if run.inputs else "",
        "Versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
        "Time": formatting.duration(run.seconds) if run.seconds else "",
    }
    for name, value in rows.items():
        # Text, not Markdown: a file may be called anything.
        label, content = st.columns([1, 4])
        label.caption(name)
        content.text(value or "not known", wrap=True)


def repeat_or_delete(run: Run) -> None:
    """What can be done with any run that has ended."""
    with st.container(horizontal=True):
        if st.button("Run it again", icon=":material/replay:"):
            launch.go_to(services.jobs().again(run.id), run.task)
        with st.popover("Delete this run", icon=":material/delete:"):
            noun = tasks.get(run.task).noun
            st.write(f"The results and the uploaded {noun} are removed for good.")
            if st.button("Delete", type="primary"):
                services.library().delete(run.id)
                st.switch_page(tasks.HOME.path)
