"""Taking an answer away: the figure, the numbers, a caption, and the command that makes it again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from backends.shared import strict_json
from studio.inside.answers import Answer, Inquiry
from studio.inside.attribution import Map, read_map
from studio.ui import charts, downloads, formatting
from studio.ui.downloads import Download

if TYPE_CHECKING:
    from viz.components.map_board import Board


def chart(figure: Any, alt: str, key: str, live: Callable[[], Board] | None = None, **more: Any) -> Any:
    """A figure with its sentence below; `live` makes what is pinned of it."""
    # What a network with shuffled weights gives goes along with the map that it is compared with.
    event = charts.show(figure, alt, key, "why", None if key.endswith("control") else live, **more)
    st.caption(alt)
    return event


def command(inquiry: Inquiry, file: str, further: Mapping[str, str] | None = None) -> str:
    """The line that asks the same question of the same file again.

    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(task="separation", card="dsp", options={"target": "vocals", "seed": 0, "method": ""})
    >>> command(asked, "my song.wav")
    "python -m backends explain separation 'my song.wav' --weights dsp --target vocals --seed 0 --out why --json"
    """
    words = ["python", "-m", "backends", "explain", inquiry.task, file, "--weights", inquiry.card]
    for name, value in {**inquiry.options, **(further or {})}.items():
        if value not in ("", None):
            words += [f"--{name}", str(value)]
    return " ".join(map(shlex.quote, [*words, "--out", "why", "--json"]))


def _cost(about: Mapping[str, Any]) -> str:
    """Looks into a model count no evaluations: they read what one pass of it leaves behind."""
    evaluations, seconds = about.get("evaluations", 0), f"{about.get('seconds', 0):.1f} s"
    return f"{evaluations} evaluations in {seconds}" if evaluations else seconds


def caption(inquiry: Inquiry, found: Map, alt: str) -> str:
    """What somebody needs below the figure in a talk or a paper."""
    about: Mapping[str, Any] = found.about
    checks = found.checks or {}
    parts = [
        f"{inquiry.title} {alt}",
        f"Model {about.get('card', inquiry.card)}, method {about.get('method', '')}, "
        f"{_cost(about)}, seed {about.get('seed', 0)}.",
        f"What is taken away becomes {about['baseline']}." if about.get("baseline") else "",
        # A look into the model says what its numbers say; only maps can be tested.
        str(about.get("sentence", "") if "sentence" in about else checks.get("sentence") or "This map was not tested."),
        f"Weights {str(about['weights_sha256'])[:16]}…" if about.get("weights_sha256") else "",
    ]
    return " ".join(part for part in parts if part)


def show(inquiry: Inquiry, answer: Answer, figure: Any, alt: str, further: Mapping[str, str]) -> None:
    """The downloads of an answer that is a map.

    Args:
        inquiry: what was asked.
        answer: what came of it.
        figure: that shows it.
        alt: the same in a sentence.
        further: arguments of the command line that the question itself does not have.
    """
    found, file = read_map(answer), str(inquiry.run.inputs[0]["name"])
    with st.expander("Take it away", icon=":material/download:"):
        words = caption(inquiry, found, alt)
        name = f"why-{inquiry.key[:8]}"
        st.markdown(formatting.escape(words))
        st.caption("The buttons below the figure save it as SVG or PNG.")
        downloads.show(
            [
                Download(
                    "Numbers (NPZ)",
                    "`values`, and one array for each axis, for NumPy.",
                    make=lambda: answer.file("attribution.npz"),
                    file_name=f"{name}.npz",
                ),
                Download(
                    "Everything known of it (JSON)",
                    "Question, model, weights, method, tests.",
                    make=lambda: strict_json.dumps({**found.about, "caption": words}),
                    file_name=f"{name}.json",
                    media_type="application/json",
                ),
                Download(
                    "Figure (interactive HTML)",
                    "Opens in every browser, without network.",
                    make=lambda: figure.to_html(include_plotlyjs=True, full_html=True),
                    file_name=f"{name}.html",
                    media_type="text/html",
                ),
            ]
        )
        st.caption("This makes it again, with the same file in the folder:")
        st.code(command(inquiry, file, further), language="bash", wrap_lines=True)
