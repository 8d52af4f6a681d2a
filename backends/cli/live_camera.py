"""`python -m backends live-camera`: the camera with a new background, as a camera that calls can choose."""

from __future__ import annotations

import argparse
import re
from contextlib import closing
from pathlib import Path
from typing import Any

from backends.cli.terminal import answer, report
from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.task import task_named

USUAL_SIDE = 256
"""The long side in pixels of what the model looks at, unless more or less is wanted."""


def add_live_camera(commands: Any) -> None:
    """The arguments of `live-camera`."""
    text = "put a new background behind you, for calls"
    command = commands.add_parser("live-camera", help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(act=live_camera)
    command.add_argument("--camera", default="0", help="number or device of your camera; a video file may stand in")
    command.add_argument("--device", default="", help="the virtual camera to write to; by default the first there is")
    command.add_argument("--background", default="blur", help="a colour, “blur”, a picture or a video")
    command.add_argument("--weights", default="", help="a model's id; by default the best present that is quick enough")
    command.add_argument("--size", type=_size, default=(640, 480), metavar="WxH", help="of the picture; 640x480")
    command.add_argument("--fps", type=float, default=30.0, help="pictures a second at most")
    command.add_argument(
        "--side", type=int, default=USUAL_SIDE, metavar="PIXELS", help="what the model looks at; fewer is quicker"
    )


def _size(text: str) -> tuple[int, int]:
    if (found := re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)) is None:
        raise argparse.ArgumentTypeError("give width and height, such as 1280x720")
    return int(found[1]), int(found[2])


def live_camera(arguments: argparse.Namespace) -> int:
    """Go on until Ctrl-C, or until the camera is gone."""
    import cv2

    from backends.matting.finishing.background import open_background
    from backends.matting.options import MattingOptions
    from backends.matting.virtual_camera import LivePicture, letterboxed, open_camera, open_virtual_camera

    file = Path(arguments.background)
    options = MattingOptions.read({"export": "composite"})
    # What is wrong with a camera is said in a sentence.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    (width, height), rate = arguments.size, arguments.fps
    if not 1 <= rate <= 120 or not 64 <= arguments.side <= 1024:
        raise BadInput("Give --fps from 1 to 120 and --side from 64 to 1024.")
    with (
        closing(open_background(arguments.background, file if file.is_file() else None)) as background,
        open_virtual_camera(arguments.device, width, height, rate) as target,
        open_camera(arguments.camera, arguments.size, rate) as camera,
    ):
        shown = LivePicture(_engine(arguments.weights), arguments.side, options, background)
        answer(f"Choose the camera {target.device} in your call. Ctrl-C ends it.")
        for picture in shown.of(camera):
            target.send(letterboxed(picture, width, height))
            target.sleep_until_next_frame()
    return 0


def _engine(weights: str) -> Engine:
    """The engine of the card named, or of the best that is here and follows cameras, loaded.

    Raises:
        BadInput: the card named does not follow cameras.
    """
    from backends.matting.capabilities import live_rank
    from backends.matting.live import follows_cameras, live_sides
    from backends.serving.host import Host

    task, host = task_named("matting"), Host()
    ranked = sorted(host.cards(task), key=live_rank)
    best = next((card.id for card in ranked if follows_cameras(card) and host.can_run(card)), "")
    card, paths = host.choose(task, weights=weights or best)
    live_sides(card)
    loaded: Engine | None = None
    for event in host.engine(task, card, paths):
        if isinstance(event, Engine):
            loaded = event
        else:
            report(event)
    assert loaded is not None
    return loaded
