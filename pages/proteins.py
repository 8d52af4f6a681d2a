"""Fold a protein or open its structure: bring it, know it before, watch, judge, compare, take away."""

import streamlit as st

from backends.core.errors import UserError
from studio import services
from studio.proteins import estimates, form, model_choice, view
from studio.proteins import source as protein_source
from studio.proteins.form_values import FormValues
from studio.proteins.probe import Probe
from studio.ui import model_picker

st.title("Fold a protein")

if "run" in st.query_params:
    view.show(st.query_params["run"])
    st.stop()

st.markdown(
    "Bring a sequence, an alignment or a structure and see it in 3D, with how sure the model is of every part and "
    "whether the chain could be a protein at all."
)
info = services.backend().info()
task = info.tasks.get("folding")
if task is None:
    model_picker.wait_for_backend(services.backend().state())
    st.stop()

source, before = None, FormValues()
earlier = services.library().get(st.query_params["from"]) if "from" in st.query_params else None
if earlier is not None and earlier.task == "folding":
    try:
        source, before = protein_source.from_run(earlier), FormValues.from_options(earlier.options)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
if source is None:
    source = form.choose_source()
elif st.button("Bring another protein", icon=":material/upload:"):
    st.query_params.clear()
    st.rerun()
st.caption(f":material/shield: {view.privacy()}")

found = source.probe if source else Probe()
if source:
    form.show_probe(found, source.name)
cards = [card for card in task.cards if not model_choice.mismatch(card, found)]
card = model_picker.choose_card(
    cards,
    model_choice.default_model(cards, found.kind),
    lambda each: estimates.estimate(each, found.length, info.device),
)
model_picker.tell_own_weights("folding", task)
form.explain_absence(cards, found)
if not model_picker.is_here(card):
    model_picker.offer_download(card)
    st.stop()
chosen = form.options(source, card, before) if source else before
form.button(source, card, chosen, info.device)
