"""The atlas on the page: every attention layer of the models as a dot on common axes, each opening its layer."""

from __future__ import annotations

from typing import Any

import streamlit as st

from evaluation.atlas import files
from evaluation.atlas.measures import NAMES, SHARES
from studio.inside import address, take_away
from viz.inside.atlas import attention_atlas, layer_map

ACROSS, UP = "entropy", "reach"
COMMAND = "python -m evaluation atlas --starters --out atlas"


@st.cache_resource(show_spinner=False)
def _atlas() -> files.Atlas:
    return files.load()


def show() -> None:
    """The dots, what they say, and the layer that was clicked."""
    atlas = _atlas()
    st.subheader("One measure for sound, pixels, residues and words")
    st.markdown(
        "Each dot is a layer of attention: the place in a network where its parts look at each other. They are "
        "measured alike in every model that ships with Fourfold, on its own samples. Click a dot to open its layer.",
        help="Attention is what a layer reads, not why the model answers.",
    )
    left, right = st.columns(2)
    with left:
        across = address.choose("across", "Across", list(NAMES), ACROSS, names=lambda name: NAMES[name])
    with right:
        up = address.choose("up", "Upwards", list(NAMES), UP, names=lambda name: NAMES[name])
    figure, alt = attention_atlas(atlas.rows, across, up, NAMES, SHARES)
    event = take_away.chart(figure, alt, f"atlas-{across}-{up}", on_select="rerun", selection_mode="points")
    for sentence in atlas.sentences:
        st.markdown(f"- {sentence}")
    st.caption("Small networks that ship with Fourfold; published ones may differ. This measures them again:")
    st.code(COMMAND, language="bash")
    _layer(atlas, clicked(event))


def clicked(event: Any) -> int | None:
    """The row of the dot that was clicked."""
    points = (event or {}).get("selection", {}).get("points", [])
    if not points:
        return None
    place = points[-1].get("customdata")
    return int(place[0] if isinstance(place, list | tuple) else place)


def _layer(atlas: files.Atlas, dot: int | None) -> None:
    """The map of one layer, with its numbers."""
    names = [f"{row['model']}: {row['layer']}" for row in atlas.rows]
    numbers = [str(place) for place in range(len(names))]
    if dot is not None and st.session_state.get("atlas-dot") != dot:
        st.session_state["atlas-dot"] = dot
        address.write("row", str(dot))
        st.session_state.pop(f"inside-row-{'-'.join(numbers)}", None)
    row = int(address.choose("row", "Layer", numbers, "0", names=lambda place: names[int(place)]))
    chosen = atlas.rows[row]
    figure, alt = layer_map(atlas.maps[row])
    take_away.chart(figure, f"{names[row]}. {alt}", f"atlas-layer-{row}")
    known = {name: chosen[name] for name in NAMES if chosen[name] is not None}
    for column, (name, value) in zip(st.columns(len(known)), known.items(), strict=True):
        title, _, meaning = NAMES[name].partition(" (")
        shown = f"{100 * value:.0f} %" if name in SHARES else f"{value:.2f}"
        column.metric(title, shown, help=meaning.rstrip(")") or None)
    st.caption(f"{chosen['heads']} heads over {chosen['tokens']:,} parts; the map is their mean.")
