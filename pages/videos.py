"""Cut people out of a video or picture: choose, try, watch, judge, take away."""

import streamlit as st

from backends.core.errors import UserError
from studio import services, tasks
from studio.ui import formatting, model_picker
from studio.videos import estimates, form, probe, view
from studio.videos import source as video_source
from studio.videos.form_values import FormValues

st.title("Cut people out of video")

if "run" in st.query_params:
    view.show(st.query_params["run"])
    st.stop()

st.markdown(
    "Drop in a video or a picture and get the people in it alone, with a soft edge, in a file your editor opens."
)
task = services.backend().info().tasks.get("matting")
if task is None:
    model_picker.wait_for_backend(services.backend().state())
    st.stop()

source, before = None, FormValues()
earlier = services.library().get(st.query_params["from"]) if "from" in st.query_params else None
if earlier is not None and earlier.task == "matting":
    try:
        source, before = video_source.of_run(earlier), FormValues.from_options(earlier.options)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
    trial = earlier.facts.get("asked", {}).get("trial")
    before = form.restore_part(before, trial) if trial else before

if source is None:
    upload = st.file_uploader(
        f"Your video or picture (it is worked on by {services.backend().place})",
        type=list(probe.TYPES),
        max_upload_size=probe.UPLOAD_MB,
        help=f"Up to {formatting.size(probe.UPLOAD_MB * 1e6)} here; for a larger file use the command line: "
        "`python -m backends run matting FILE --out FOLDER`.",
    )
    if upload is not None:
        source = video_source.of_upload(upload)
    elif st.button("Or try the sample clip", icon=":material/play_arrow:"):
        tasks.get("matting").start_sample()
elif st.button("Choose another file", icon=":material/upload:"):
    st.query_params.clear()
    st.rerun()

problem = source.probe.problem if source else ""
if problem:
    st.error(problem, icon=":material/error:")
elif source:
    st.caption(f":material/check_circle: {formatting.plain(f'{source.name}: {source.probe.text}')}")

info, seconds = (source.probe.info, source.probe.seconds) if source else (None, 0.0)
card = model_picker.choose_card(task.cards, task.default, lambda each: estimates.estimate(each, info, seconds))
model_picker.tell_own_weights("matting", task)
if not model_picker.is_here(card):
    model_picker.offer_download(card)
    st.stop()
if source is None or info is None:
    st.button("Cut it out", type="primary", disabled=True, help="Choose a video or picture first.")
    st.stop()

chosen, missing = form.draw(source, before)
too_large = estimates.too_large(card, info)
if too_large:
    st.error(too_large, icon=":material/error:")
form.buttons(source, card, chosen, missing or too_large)
