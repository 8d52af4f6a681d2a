"""The first page: what Fourfold does, a sample one click away, and what was done before."""

import streamlit as st

from studio import services, tasks
from studio.ui import formatting

PAGE = 12

st.title("Fourfold")
st.markdown(
    "#### Take songs apart, cut people out of video, teach with a few pictures, fold proteins, and see how sure the "
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
for page in tasks.pages():
    if page.teaser:
        st.page_link(page.path, label=page.teaser, icon=page.icon)

st.subheader("What you did before")
shown = st.session_state.setdefault("runs_shown", PAGE)
library = services.library()
runs, total = library.list(limit=shown), library.total()
if not runs:
    st.caption("Nothing yet. What you make is kept here, ready to open again without waiting and without network.")
for run in runs:
    title, model, status, when = st.columns([4, 2, 2, 2], vertical_alignment="center")
    name, address = formatting.escape(run.title), {"run": run.id}
    own = tasks.find(run.task)
    if own is None:  # a run of a task that this Fourfold does not show
        title.markdown(name)
    else:
        title.page_link(own.page, label=name, icon=own.icon, query_params=address)
    model.caption(run.card.get("title", run.weights))
    status.caption(formatting.STATUS[run.status])
    when.caption(run.created.astimezone().strftime("%d %b %Y, %H:%M"))
if total > shown and st.button(f"Show more ({total - shown})", icon=":material/expand_more:"):
    st.session_state.runs_shown = shown + PAGE
    st.rerun()
if runs:
    st.caption(f"All runs together take {formatting.size(library.usage().total)}. A run is deleted on its own page.")
