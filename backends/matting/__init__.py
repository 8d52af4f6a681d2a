"""Cut people out of video and pictures. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.matting.capabilities import MattingCapabilities
from backends.matting.cards import CARDS
from backends.matting.endings import PICTURE_ENDINGS, VIDEO_ENDINGS
from backends.matting.options import MattingOptions

ENGINES: dict[str, EngineSpec] = {
    "modnet": EngineSpec(
        "backends.matting.engines.modnet_engine:ModnetEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(192, 256, 320, 384, 512)),
    ),
    "onnx": EngineSpec(
        "backends.matting.engines.onnx_engine:OnnxEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(256,)),
    ),
    "classical": EngineSpec(
        "backends.matting.engines.classical:ClassicalEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(160, 192, 224, 256, 320)),
    ),
}

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
