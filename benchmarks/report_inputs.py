"""Clips that some scripts on videos read and do not make, made before the script runs.

What is true of a clip is printed, so that a check of the script's output can go by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

SIZE = (400, 300)
ENTRY, CUT = 6, 12
"""The frames at which somebody enters, and at which another scene begins."""


def prepare(script: str, lib: ModuleType) -> None:
    """Make the clips that `script`, a name without ending, expects in the folder `lib.IN`."""
    if maker := MAKERS.get(script):
        maker(lib)


def camcorder_clips(lib: ModuleType) -> None:
    """Clips whose clocks do not begin at 0: a transport stream and the program stream of a DVD camcorder."""
    frames = lib.frames(24, (320, 240))
    sound = {"seconds": 24 / 25}
    lib.write(lib.IN / "c.mts", frames, fps=25, fmt="mpegts", audio=[{"codec": "ac3", **sound}])
    lib.write(lib.IN / "c.mpg", frames, fps=25, codec="mpeg2video", fmt="vob", audio=[{"codec": "mp2", **sound}])


def scenes(lib: ModuleType) -> None:
    """Clips of one drawn person who slides into an empty garden, and who stands before another wall after a cut."""
    import cv2

    from evaluation.synthetic.clip import make_clip
    from evaluation.synthetic.scenery import Scenery

    person = make_clip(0.1, *SIZE)[0]
    garden = (Scenery(*SIZE, 0).at(0.0) * 255).astype(np.uint8)
    blocks = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    wall = cv2.resize(blocks, SIZE, interpolation=cv2.INTER_NEAREST)

    def picture_of(background: np.ndarray, right: int) -> tuple[np.ndarray, float]:
        """The person `right` pixels from their place, `(H, W, 3)` uint8, and their share of the picture."""
        shift = np.array([[1, 0, right], [0, 1, 0]], np.float32)
        alpha = cv2.warpAffine(person.alpha, shift, SIZE)[..., None]
        front = cv2.warpAffine(person.foreground, shift, SIZE)
        return np.asarray(front * alpha + background * (1 - alpha)).astype(np.uint8), float(alpha.mean())

    slide = [picture_of(garden, right) for right in np.linspace(SIZE[0], 0, 12).round().astype(int)]
    clips: Mapping[str, list[tuple[np.ndarray, float]]] = {
        "s_enters.mp4": [(garden, 0.0)] * ENTRY + slide + [picture_of(garden, 0)] * 30,
        "s_cut.mp4": [picture_of(garden, 0)] * CUT + [picture_of(wall, -40)] * 30,
    }
    for name, frames in clips.items():
        lib.write(lib.IN / name, [picture for picture, _ in frames], fps=30)
        print(name, "true share", round(frames[-1][1], 3))  # noqa: T201


def plain_vorbis(lib: ModuleType) -> None:
    """Let `lib.write` code Vorbis with FFmpeg's own encoder, in stereo, where it was built without Xiph's."""
    import av

    if "libvorbis" in av.codec.codecs_available:
        return
    write, sound = lib.write, lib.sound

    def write_with_own(*given: Any, audio: Sequence[Mapping[str, Any]] = (), **options: Any) -> Any:
        own = [{**track, "codec": track["codec"].replace("libvorbis", "vorbis")} for track in audio]
        return write(*given, audio=own, **options)

    def sound_with_own(stream: Any, track: Mapping[str, Any]) -> Any:
        if track["codec"] == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        return sound(stream, track)

    lib.write, lib.sound = write_with_own, sound_with_own  # type: ignore[attr-defined]


MAKERS: Mapping[str, Callable[[ModuleType], None]] = {
    "c09_pcmgap": plain_vorbis,
    "c18_plate": scenes,
    "c20_ts": camcorder_clips,
}
"""By the name of the script."""
