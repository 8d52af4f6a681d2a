"""The first page: what Fourfold does, a sample one click away, and what was done before."""

import streamlit as st

from studio import services
from studio.launch import PLACES, start_sample_clip, start_sample_pictures, start_sample_protein, start_sample_song
from studio.ui import formatting

PAGE = 12

st.title("Fourfold")
st.markdown(
    "#### Take songs apart, cut people out of video, teach with a few pictures, fold proteins, and see how sure the "
    "model is."
)
st.markdown(f"The work is done by **{services.backend().place}**; every result is kept and can be opened again.")

OFFERS = (
    (
        "**Songs**: the voice, drums, bass and the rest as separate tracks, to practise, remix or listen closely.",
        "Try the sample song",
        start_sample_song,
        "Use a song of your own",
        "pages/songs.py",
    ),
    (
        "**Videos**: the people alone with a soft edge, for your editor, a new background or a web page.",
        "Try the sample clip",
        start_sample_clip,
        "Use a video of your own",
        "pages/videos.py",
    ),
    (
        "**Pictures**: a classifier from a few examples or words, at once, with the reasons for every answer.",
        "Try the sample pictures",
        start_sample_pictures,
        "Use pictures of your own",
        "pages/pictures.py",
    ),
    (
        "**Proteins**: the structure of a sequence in 3D, and how far to trust it, residue by residue.",
        "Try the sample structure",
        start_sample_protein,
        "Use a protein of your own",
        "pages/proteins.py",
    ),
)
for column, (what, sample, start_sample, own, page) in zip(st.columns(len(OFFERS), gap="medium"), OFFERS, strict=True):
    with column.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown(what)
        with st.container(gap="small"):
            if st.button(sample, type="primary", icon=":material/play_arrow:", width="stretch"):
                start_sample()
            if st.button(own, icon=":material/upload:", width="stretch"):
                st.switch_page(page)
st.page_link(
    "pages/live.py", label="Or turn your camera on and change what is behind you, live", icon=":material/videocam:"
)

st.subheader("What you did before")
shown = st.session_state.setdefault("runs_shown", PAGE)
library = services.library()
runs, total = library.list(limit=shown), library.total()
if not runs:
    st.caption("Nothing yet. What you make is kept here, ready to open again without waiting and without network.")
for run in runs:
    title, model, status, when = st.columns([4, 2, 2, 2], vertical_alignment="center")
    name, address = formatting.plain(run.title), {"run": run.id}
    place = PLACES.get(run.task)
    if place is None:  # a run of a task that this Fourfold does not show
        title.markdown(name)
    else:
        title.page_link(place.page, label=name, icon=place.icon, query_params=address)
    model.caption(run.card.get("title", run.weights))
    status.caption(formatting.STATUS[run.status])
    when.caption(run.created.astimezone().strftime("%d %b %Y, %H:%M"))
if total > shown and st.button(f"Show more ({total - shown})", icon=":material/expand_more:"):
    st.session_state.runs_shown = shown + PAGE
    st.rerun()
if runs:
    st.caption(f"All runs together take {formatting.size(library.usage().total)}. A run is deleted on its own page.")
