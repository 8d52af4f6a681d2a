"""Split a song into stems: choose, watch, listen, judge, take away."""

import streamlit as st

from studio import launch, services, tasks
from studio.songs import probe, view
from studio.songs.probe import Probe
from studio.ui import formatting, model_picker

st.title("Split a song into stems")

if "run" in st.query_params:
    view.show(st.query_params["run"])
    st.stop()

st.markdown("Drop in a song and get its voice, drums, bass and the rest as separate tracks that you can play and keep.")
state = services.backend().state()
task = services.backend().info().get("tasks", {}).get("separation")
if task is None:
    model_picker.wait_for_backend(state)
    st.stop()

place = services.backend().place
upload = st.file_uploader(
    f"Your song (it is worked on by {place})",
    type=list(probe.TYPES),
    max_upload_size=view.UPLOAD_MB,
    help="WAV, MP3, FLAC, M4A, OGG, Opus, or a video whose sound you want.",
)
if upload is None:
    if st.button("Or try the sample song", icon=":material/play_arrow:"):
        tasks.get("separation").start_sample()
    found = Probe()
else:
    found = view.probed(upload)

if found.problem:
    st.error(found.problem, icon=":material/error:")
elif found.text:
    st.caption(f":material/check_circle: {formatting.plain(f'{upload.name}: {found.text}')}")

left, right = st.columns([3, 2], gap="large")
with left:
    card = model_picker.choose_card(task["cards"], task["default"], lambda each: probe.estimate(each, found.seconds))
    model_picker.tell_own_weights("separation", task)
with right:
    choices = probe.stem_choices(card["outputs"])
    stems = choices[st.radio("Stems", list(choices), key=f"stems-{card['id']}")]

if not model_picker.is_here(card):
    model_picker.offer_download(card)
    st.stop()

problem = found.problem or probe.too_long(card, found.seconds)
if problem and not found.problem:
    st.error(problem, icon=":material/error:")
ready = upload is not None and not problem
reason = "" if upload is not None else "Choose a song first."
if st.button("Split the song", type="primary", disabled=not ready, help=reason, icon=":material/call_split:"):
    launch.start("separation", upload.name, upload, card["id"], {"stems": stems} if stems else {})
