"""Photos and clips made worse; the true matte stays as it is."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial

import numpy as np

from evaluation.conditions.base import Condition
from evaluation.conditions.pictures import CHANGES, Change
from evaluation.datasets.base import Sample


def change_frames(change: Change, sample: Sample, level: float, rng: np.random.Generator) -> Sample:
    """Every frame changed in the same way, with the same random numbers where a clip has several."""
    if "photo" in sample.inputs:
        return replace(sample, inputs={**sample.inputs, "photo": change(sample.inputs["photo"], level, rng)})
    seed = int(rng.integers(1 << 31))
    # The direction of a blur is that of the whole clip; noise is new in every frame.
    frames = [change(frame, level, np.random.default_rng([seed, 0])) for frame in sample.inputs["frames"]]
    return replace(sample, inputs={**sample.inputs, "frames": np.stack(frames)})


def h264(sample: Sample, quality: float, rng: np.random.Generator) -> Sample:
    """Encoded by x264 at a constant rate factor and decoded again, as videos from the web; a photo is one frame."""
    import av

    photo = "photo" in sample.inputs
    frames = sample.inputs["photo"][None] if photo else sample.inputs["frames"]
    height, width = frames.shape[1:3]
    even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "edge")  # 4:2:0 halves both sides
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=round(sample.inputs.get("fps", 25)))
        stream.height, stream.width = even.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": f"{quality:g}", "preset": "veryfast", "threads": "1"}
        for frame in even:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as container:
        decoded = [frame.to_ndarray(format="rgb24")[:height, :width] for frame in container.decode(video=0)]
    name, changed = ("photo", decoded[0]) if photo else ("frames", np.stack(decoded))
    return replace(sample, inputs={**sample.inputs, name: changed})


CONDITIONS = (
    *(
        Condition(name, title, unit, levels, partial(change_frames, change))
        for name, title, unit, levels, change in CHANGES
    ),
    Condition("h264", "Compressed video (x264)", "CRF", (23, 28, 33, 40, 48), h264),
)
