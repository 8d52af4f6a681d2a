"""A camera that stays on: bars for what is held up, and a class is recorded for as long as its button is held.

    picture_camera("key", classes, ask="/projects/…/answer", add="/projects/…/examples", ready=True)

Pictures go to the studio's own addresses, never through the page's session. After a recording the page is drawn anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["RecordedClass", "picture_camera"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("stage",), ("icons", "dom", "mount", "fetch", "camera"))

_camera = component(
    "picture_camera",
    css=bundle_style(_HERE / "stage.css"),
    js=SCRIPT,
    isolate_styles=True,
)


@dataclass(frozen=True)
class RecordedClass:
    """A class as the camera shows it, with how many examples it has."""

    id: str
    name: str
    colour: str
    shots: int


def picture_camera(
    key: str, classes: Sequence[RecordedClass], *, ask: str, add: str, ready: bool, waiting: str = ""
) -> None:
    """Show the camera.

    Args:
        classes: what can be recorded.
        ask: takes a picture as the body of a POST and answers what it is.
        add: the same under `/<class>` makes it an example.
        ready: whether there is a classifier to ask.
        waiting: why not, as a sentence.
    """
    data = {
        "run": key,
        "classes": [asdict(one) for one in classes],
        "ask": ask,
        "add": add,
        "ready": ready,
        "waiting": waiting,
    }
    _camera(key=key, data=with_serial(data, key), on_recorded_change=keep_state)
