"""The first page: what Fourfold does, a sample one click away, and what was done before."""

import streamlit as st

from studio import services, tasks
from studio.ui.run_list import run_list

st.title("Fourfold")
st.markdown(
    "##### Take songs apart, cut people out of video, teach with a few pictures, fold proteins, and see how sure the "
    "model is."
)
st.markdown(f"The work is done by **{services.backend().place}**; every result is kept and can be opened again.")

offers = tasks.registered().values()
for column, task in zip(st.columns(len(offers), gap="medium"), offers, strict=True):
    with column.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown(task.offer)
        with st.container(gap="small"):
            if st.button(task.sample_label, type="primary", icon=":material/play_arrow:", width="stretch"):
                task.start_sample()
            if st.button(task.own_label, icon=":material/upload:", width="stretch"):
                st.switch_page(task.page)
with st.container(horizontal=True, gap="small"):
    for page in tasks.pages():
        if page.teaser:
            st.page_link(
                page.path,
                label=page.teaser.removeprefix("Or ").replace(page.teaser[3], page.teaser[3].upper(), 1),
                icon=page.icon,
            )

st.subheader("What you did before")
run_list()
