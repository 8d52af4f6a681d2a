"""The first page: what Fourfold does, a sample one click away, and what was done before."""

import streamlit as st

from studio import services, words
from studio.starts import start_sample_song

PAGE = 12

st.title("Fourfold")
st.markdown("#### Take a song apart, hear every part on its own, and see how sure the model is.")
st.markdown(
    "Drop in a song and get its voice, drums, bass and the rest as separate tracks: to practise, to sing along, "
    f"to remix, to listen closely. The work is done by **{services.backend().place}**."
)

sample, own, _ = st.columns([2, 2, 3])
if sample.button("Try the sample song", type="primary", icon=":material/play_arrow:", width="stretch"):
    start_sample_song()
if own.button("Use a song of your own", icon=":material/upload:", width="stretch"):
    st.switch_page("pages/songs.py")

st.subheader("What you did before")
shown = st.session_state.setdefault("runs_shown", PAGE)
library = services.library()
runs, total = library.list(limit=shown), library.total()
if not runs:
    st.caption("Nothing yet. Finished songs are kept here, ready to hear again without waiting and without network.")
for run in runs:
    title, model, status, when = st.columns([4, 2, 2, 2], vertical_alignment="center")
    name, address = words.plain(run.title), {"run": run.id}
    title.page_link("pages/songs.py", label=name, icon=":material/graphic_eq:", query_params=address)
    model.caption(run.card.get("title", run.weights))
    status.caption(words.STATUS[run.status])
    when.caption(run.created.astimezone().strftime("%d %b %Y, %H:%M"))
if total > shown and st.button(f"Show more ({total - shown})", icon=":material/expand_more:"):
    st.session_state.runs_shown = shown + PAGE
    st.rerun()
if runs:
    st.caption(f"All runs together take {words.size(library.usage().total)}. A run is deleted on its own page.")
