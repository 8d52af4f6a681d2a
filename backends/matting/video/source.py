"""Opens the file a user sent: its bytes decide what it is, and its size is limited before any work.

Playlists, manifests and other formats that refer to further files are not among the formats below, so that a crafted
file cannot make the program read anything else on the machine or on the network.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from PIL import Image, UnidentifiedImageError

from backends.core.errors import BadInput, TooLarge
from backends.shared.cut_files import INCOMPLETE, lacks_end
from backends.shared.images import ANIMATED, FAR_TOO_LARGE, HEIC, PICTURE_FORMATS, looks_like_heic
from backends.shared.media import NO_INDEX, lacks_index, open_untrusted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,apng,h264,hevc,obu,ivf,mjpeg,mxf,m4v,nut,dv,yuv4mpegpipe"
)
FORMATS = "MP4, MOV, MKV, WebM, AVI or GIF video, or a JPEG, PNG, WebP or HEIC picture"
DAMAGED_PICTURE = f"This picture is damaged and could not be read: choose an {FORMATS}."

CLOCK_FORMATS = ("mpegts", "mpeg")
"""Formats whose streams start at any moment of a clock that runs on."""

MAX_VIDEO_PIXELS = 8192 * 4352
MIN_SIDE = 8


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises TooLarge over `max_pixels` and BadInput where a side is under MIN_SIDE."""
    if width * height > max_pixels:
        raise TooLarge(
            f"This is {width} × {height} pixels; up to {max_pixels / 1e6:.0f} megapixels can be worked on: "
            "make it smaller."
        )
    if min(width, height) < MIN_SIDE:
        raise BadInput(f"This is only {width} × {height} pixels, too small to be used.")


def is_picture(path: Path) -> bool:
    """Whether `path` is a still picture by its bytes. An animated GIF, PNG, WebP or AVIF counts as a video.

    Raises:
        BadInput: it is a HEIC picture that cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    try:
        with Image.open(path, formats=PICTURE_FORMATS) as picture:
            return not _moves(picture)
    except Image.DecompressionBombError as error:
        raise TooLarge(FAR_TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        if looks_like_heic(head):
            raise BadInput(HEIC) from error
        return False  # the video reader says what it is, or that it cannot be read


def is_animation(path: Path) -> bool:
    """Whether `path` is an animated picture of a kind that FFmpeg cannot play."""
    try:
        with Image.open(path, formats=("WEBP", "AVIF")) as picture:
            return _moves(picture)
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return False


def _moves(picture: Image.Image) -> bool:
    return picture.format in ANIMATED and getattr(picture, "n_frames", 1) > 1


def open_container(path: Path) -> InputContainer:
    """Open `path`, untrusted, for reading. Raises BadInput."""
    try:
        return open_untrusted(path, DEMUXERS)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        if path.stat().st_size == 0:
            raise BadInput("This file is empty: choose another one.") from error
        if lacks_index(path):
            raise BadInput(NO_INDEX) from error
        if lacks_end(path):
            raise BadInput(INCOMPLETE) from error
        raise BadInput(f"This file could not be read: choose an {FORMATS}.") from error


def origin(container: InputContainer) -> Fraction:
    """The moment of the file's clock, in seconds, that counts as 0 for all its streams.

    It is 0 except where the clock itself means nothing: broadcasts and MPEG program streams start anywhere, and sound
    that is encoded with a lead-in starts before 0.
    """
    start = Fraction(container.start_time or 0, av.time_base)
    meaningless = container.format.name in CLOCK_FORMATS or start < 0 or start > 1
    return start if meaningless else Fraction(0)


def select_video_stream(container: InputContainer) -> VideoStream:
    """The largest video stream; all other streams are discarded while reading.

    Raises:
        BadInput: there is only sound (a cover picture does not count).
    """
    # A cover picture in a song is a video stream too, which its disposition says.
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None
    ]
    if not streams:
        what = "This file has sound but no pictures" if container.streams.audio else "There is no video in this file"
        raise BadInput(f"{what}: choose an {FORMATS}.")
    chosen = max(streams, key=lambda stream: stream.codec_context.width * stream.codec_context.height)
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = av.stream.Discard.all
    return chosen
