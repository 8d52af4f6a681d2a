"""Cut people out of video and pictures. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.matting.cards import CARDS
from backends.matting.options import OPTIONS

ENGINES: dict[str, EngineSpec] = {
    "modnet": EngineSpec("backends.matting.engines.modnet_engine:ModnetEngine"),
    "onnx": EngineSpec("backends.matting.engines.onnx_engine:OnnxEngine"),
    "classical": EngineSpec("backends.matting.engines.classical:ClassicalEngine"),
}

TASK = Task(
    name="matting",
    title="Cut people out of video",
    verb="matte",
    inputs=("media",),
    optional=("background", "matte"),
    meanings=OPTIONS,
    engines=ENGINES,
    cards=CARDS,
    own={".onnx": "onnx", **dict.fromkeys((".ckpt", ".pt", ".pth", ".safetensors"), "modnet")},
)
