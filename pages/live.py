"""A new background behind the person before the camera, at once."""

import streamlit as st

from studio import services
from studio.ui import formatting, model_picker
from studio.videos import live
from viz.components.live_stage import live_stage

st.title("Live camera with a new background")
st.markdown("Turn your camera on and choose what is behind you: nothing, a blur, a colour or a picture of yours.")

state = services.backend().state()
task = services.backend().info().tasks.get("matting")
if task is None:
    model_picker.wait_for_backend(state)
    st.stop()

place = services.backend().place
cards = live.cards(task)
card = model_picker.choose_card_in_line(
    cards, cards[0].id, lambda each: "", "live-model", lambda: model_picker.tell_own_weights("matting", task)
)
if not model_picker.is_here(card):
    model_picker.offer_download(card)
    st.stop()

live_stage(url=live.address(), window=live.window_address(), card=card.id, key="stage")

with st.expander("What leaves this browser, and how to use it in a call", icon=":material/shield:"):
    st.markdown(
        f"- **Small pictures** of at most {live.longest(card)} pixels go to {place}, which finds your outline and "
        "sends it back. Nothing is stored: a picture is forgotten as soon as its outline is found.\n"
        "- **All else stays in this browser**: the large picture, the background picture, what you save or record.\n"
        "- **In a video call**: press “Own window”, capture that window with a program such as OBS, and choose its "
        "virtual camera in the call. Choose a green background to key it out.\n"
        "- **Without a captured window**: the address of that window can be a *Browser Source* of OBS, see-through "
        "with the background “None”. OBS gives a camera to pages only when it was started with "
        "`--enable-media-stream --use-fake-ui-for-media-stream`.\n"
        "- **Without a browser**: `python -m backends live-camera --background beach.jpg` gives calls a camera of its "
        "own, on Linux through v4l2loopback.\n"
        "- When mattes come too slowly, smaller pictures are sent, before the picture gets jerky."
    )
    if left_out := live.others(task):
        st.markdown(f"- For files only, not live: {formatting.escape(', '.join(left_out))}.")
