"""Cut people out of video and pictures. One engine a file; `base.py` holds what they share."""

from backends.core.adapting import Material
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
    material=Material(
        engine="modnet",
        what=(
            "MODNet's three branches are made to agree on your clips, which need no mattes (SOC in its paper); the "
            "encoder that they read stays as it is."
        ),
        noun="clip",
        layout=(
            "Videos or pictures of people, side by side. Where you have true mattes, put them into a folder called "
            "mattes under the same names: the result is measured against them."
        ),
        endings=(".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".jpg", ".jpeg", ".png", ".webp"),
        least=6,
        steps=40,
        by="the mean absolute error of the matte, MAD",
    ),
)
