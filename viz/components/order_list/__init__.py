"""A list whose entries are put in order with mouse, finger or keyboard, one of them chosen.

order, chosen = order_list([Item("a", "Opening"), Item("b", "Results")], key="steps")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlit.components.v2 import component

from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["Item", "order_list"]

_HERE = Path(__file__).parent

SCRIPT = bundle_script(_HERE, ("list",), ("icons", "dom", "mount"))

_list = component("order_list", css=bundle_style(_HERE / "list.css"), js=SCRIPT, isolate_styles=True)


@dataclass(frozen=True)
class Item:
    """One entry: `note` stands below its title."""

    id: str
    title: str
    note: str = ""


def order_list(items: Sequence[Item], key: str, label: str = "Order") -> tuple[list[str], str]:
    """Shows the entries; returns their ids in the order that was made, and the id of the chosen one, "" for none."""
    known = [item.id for item in items]
    data = {"run": key, "label": label, "items": [asdict(item) for item in items]}
    state = _list(key=key, data=with_serial(data, key), on_order_change=keep_state).get("order")
    if not state:
        return known, known[0] if known else ""
    order = [one for one in state["ids"] if one in known] + [one for one in known if one not in state["ids"]]
    chosen = state["chosen"] if state["chosen"] in known else (known[0] if known else "")
    # An order that was made of other entries says nothing of these.
    return (order if set(state["ids"]) == set(known) else known), chosen
