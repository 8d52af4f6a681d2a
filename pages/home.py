"""The first page: what Fourfold does, a sample one click away, and what was done before."""

import streamlit as st

from studio import services, words
from studio.starts import PLACES, start_sample_clip, start_sample_protein, start_sample_song

PAGE = 12

st.title("Fourfold")
st.markdown("#### Take songs apart, cut people out of video, fold proteins, and see how sure the model is.")
st.markdown(f"The work is done by **{services.backend().place}**; every result is kept and can be opened again.")

songs, videos, proteins = st.columns(3, gap="large")
with songs.container(border=True):
    st.markdown(
        "**Songs**: the voice, drums, bass and the rest as separate tracks, to practise, remix or listen closely."
    )
    if st.button("Try the sample song", type="primary", icon=":material/play_arrow:", width="stretch"):
        start_sample_song()
    if st.button("Use a song of your own", icon=":material/upload:", width="stretch"):
        st.switch_page("pages/songs.py")
with videos.container(border=True):
    st.markdown("**Videos**: the people alone with a soft edge, for your editor, a new background or a web page.")
    if st.button("Try the sample clip", type="primary", icon=":material/play_arrow:", width="stretch"):
        start_sample_clip()
    if st.button("Use a video or picture of your own", icon=":material/upload:", width="stretch"):
        st.switch_page("pages/videos.py")

with proteins.container(border=True):
    st.markdown("**Proteins**: the structure of a sequence in 3D, and how far to trust it, residue by residue.")
    if st.button("Try the sample structure", type="primary", icon=":material/play_arrow:", width="stretch"):
        start_sample_protein()
    if st.button("Use a protein of your own", icon=":material/upload:", width="stretch"):
        st.switch_page("pages/proteins.py")

st.subheader("What you did before")
shown = st.session_state.setdefault("runs_shown", PAGE)
library = services.library()
runs, total = library.list(limit=shown), library.total()
if not runs:
    st.caption("Nothing yet. What you make is kept here, ready to open again without waiting and without network.")
for run in runs:
    title, model, status, when = st.columns([4, 2, 2, 2], vertical_alignment="center")
    name, address = words.plain(run.title), {"run": run.id}
    place = PLACES.get(run.task)
    if place is None:  # a run of a task that this Fourfold does not show
        title.markdown(name)
    else:
        title.page_link(place.page, label=name, icon=place.icon, query_params=address)
    model.caption(run.card.get("title", run.weights))
    status.caption(words.STATUS[run.status])
    when.caption(run.created.astimezone().strftime("%d %b %Y, %H:%M"))
if total > shown and st.button(f"Show more ({total - shown})", icon=":material/expand_more:"):
    st.session_state.runs_shown = shown + PAGE
    st.rerun()
if runs:
    st.caption(f"All runs together take {words.size(library.usage().total)}. A run is deleted on its own page.")
