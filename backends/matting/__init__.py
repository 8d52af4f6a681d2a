"""Cut people out of video and pictures. One engine a file; `base.py` holds what they share."""

from backends.core.task import Task
from backends.matting.cards import CARDS, ENGINES
from backends.matting.endings import PICTURE_ENDINGS, VIDEO_ENDINGS

TASK = Task(
    name="matting",
    title="Cut people out of video",
    verb="matte",
    inputs=("media",),
    optional=("background", "matte"),
    suffixes=tuple(f".{ending}" for ending in (*VIDEO_ENDINGS, *PICTURE_ENDINGS)),
    engines=ENGINES,
    cards=CARDS,
    live="backends.matting.live:open_session",
    own={".onnx": "onnx", **dict.fromkeys((".ckpt", ".pt", ".pth", ".safetensors"), "modnet")},
)
