"""What the page of any finished run offers: analyses worked out in the background, where it came from, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from backends.core.errors import UndecodableFile
from studio import launch, services, tasks
from studio.jobs.background import Analysis
from studio.library.library import Run
from studio.ui import background_answer, formatting


def analysed(run: Run, kind: str, make: Callable[[], bytes], doing: str, then: Callable[[bytes], object]) -> None:
    """Show `then(answer)` of an analysis, or that it is being worked out; a failure is a sentence with another try.

    Args:
        run: the finished run.
        kind: of the analysis, and of the artifact that keeps its answer.
        make: works out the answer, in the background and once.
        doing: what the page says meanwhile.
        then: draws the answer.
    """
    answer = background_answer.answer(services.analyses(), Analysis(run.id, kind), make, doing, kind)
    if answer is not None:
        then(answer)


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


def repeat_or_delete(run: Run, *, change: str = "") -> None:
    """What can be done with any run that has ended; `change` labels the way to its page with the same file.

    A file that crashed its decoder will do so again, so its run is not offered once more as it is.
    """
    with st.container(horizontal=True):
        crashes = run.facts.get("error_code") == UndecodableFile.code
        if not crashes and st.button("Run it again", icon=":material/replay:"):
            launch.go_to(services.jobs().again(run.id), run.task)
        if change and st.button(change, icon=":material/tune:"):
            st.switch_page(tasks.get(run.task).page, query_params={"from": run.id})
        if st.button("Delete this run", icon=":material/delete:", help="It goes to the trash and can be brought back."):
            services.catalogue().trash([run.id])
            st.rerun()
