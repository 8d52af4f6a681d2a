"""Cut people out of video and pictures. One engine a file; `base.py` holds what they share."""

from backends.core.task import Task
from backends.matting.cards import CARDS, DETECTORS, ENGINES
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
    helpers=(DETECTORS,),
    explainable="backends.matting.explanation:EXPLAINABLE",
    live="backends.matting.live:open_session",
    own={".onnx": "onnx", ".tflite": "lite", **dict.fromkeys((".ckpt", ".pt", ".pth", ".safetensors"), "modnet")},
)
