"""Fold a protein or open its structure: bring it, know it before, watch, judge, compare, take away."""

import streamlit as st

from backends.errors import UserError
from studio import protein_form, protein_source, protein_view, proteins, services, widgets
from studio.proteins import Choices

st.title("Fold a protein")

if "run" in st.query_params:
    protein_view.show(st.query_params["run"])
    st.stop()

st.markdown(
    "Bring a sequence, an alignment or a structure and see it in 3D, with how sure the model is of every part and "
    "whether the chain could be a protein at all."
)
info = services.backend().info()
task = info.get("tasks", {}).get("folding")
if task is None:
    widgets.wait_for_backend(services.backend().state())
    st.stop()
device = info.get("device", {})

source, before = None, Choices()
earlier = services.library().get(st.query_params["from"]) if "from" in st.query_params else None
if earlier is not None and earlier.task == "folding":
    try:
        source, before = protein_source.of_run(earlier), Choices.of(earlier.options)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
if source is None:
    source = protein_form.bring()
elif st.button("Bring another protein", icon=":material/upload:"):
    st.query_params.clear()
    st.rerun()
st.caption(f":material/shield: {protein_view.privacy()}")

found = source.probe if source else proteins.Probe()
if source:
    protein_form.tell(found, source.name)
cards = [card for card in task["cards"] if not proteins.unfit(card, found)]
card = widgets.choose_card(
    cards, proteins.usual(cards, found.kind), lambda each: proteins.estimate(each, found.length, device)
)
widgets.tell_own_weights("folding", task)
protein_form.explain_absence(cards, found)
if not widgets.is_here(card):
    widgets.offer_download(card)
    st.stop()
chosen = protein_form.options(source, card, before) if source else before
protein_form.button(source, card, chosen, device)
