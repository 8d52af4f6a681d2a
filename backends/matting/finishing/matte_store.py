"""Storage of raw mattes, from which a run can be finished anew, and of the proxy that a browser plays.

Raw mattes are stored as bytes at the engine's working size, before smoothing and finishing. The run itself continues
from these very bytes, so that another export made from them equals a fresh run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from backends.core.errors import BadInput
from backends.matting.video.source import open_container, select_video_stream
from backends.shared.images import MAX_PICTURE_PIXELS

START, SIZE, SOURCE = "FOURFOLD_START", "FOURFOLD_SIZE", "FOURFOLD_SOURCE"
FRACTION_PATTERN = re.compile(r"[0-9]{1,15}/[0-9]{1,15}")
FINGERPRINT_BYTES = 1 << 20
TIME_TOLERANCE = Fraction(1, 500)  # Matroska counts in milliseconds, so a time may be off by half of one at both ends
PROXY_SIDE, PICTURE_PROXY_SIDE = 640, 1280

NO_MATTE = "The matte sent along is none that was kept from an earlier run: leave it out to find it anew."
OTHER_FILE = "The matte sent along belongs to another file: leave it out to find it anew."
OTHER_PART = "The matte sent along does not cover this part of the video: leave it out to find it anew."


def quantise(alpha: np.ndarray) -> np.ndarray:
    """`alpha` rounded to multiples of 1/255, float32: what a stored matte can hold.

    >>> quantise(np.array([0.5, 1.2]))
    array([0.5019608, 1.       ], dtype=float32)
    """
    return np.rint(np.clip(alpha, 0, 1) * 255).astype(np.float32) / 255


def to_uint8(alpha: np.ndarray) -> np.ndarray:
    """`alpha` in 0..1 as 0..255 uint8."""
    return cv2.convertScaleAbs(alpha, alpha=255)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's length and of a megabyte each of its beginning, middle and end: quick for any length."""
    length = path.stat().st_size
    digest = hashlib.sha256(str(length).encode())
    with path.open("rb") as file:
        for begin in (0, length // 2, max(0, length - FINGERPRINT_BYTES)):
            file.seek(begin)
            digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()


def source_tags(path: Path, width: int, height: int, start: Fraction = Fraction(0)) -> dict[str, str]:
    """The tags of a file of raw mattes: they say which source it belongs to.

    Args:
        path: the source.
        width: of the source in pixels, upright.
        height: of the source in pixels, upright.
        start: where in the source the mattes start, in seconds.
    """
    return {START: f"{start.numerator}/{start.denominator}", SIZE: f"{width}x{height}", SOURCE: fingerprint(path)}


class RawMatteReader:
    """Reads the raw mattes of an earlier run of the same video, in order.

    Args:
        path: a `matte.mkv`, untrusted.
        source: the video.
        width: of the video in pixels, upright.
        height: of the video in pixels, upright.
        max_pixels: the largest matte that is read.

    Raises:
        BadInput: it is no such file, or it belongs to another video.
    """

    def __init__(self, path: Path, source: Path, width: int, height: int, *, max_pixels: int) -> None:
        self._container = open_container(path)
        try:
            tags = {name.upper(): value for name, value in self._container.metadata.items()}
            self.start = _start_in_source(tags, source, width, height)
            stream = select_video_stream(self._container)
            codec = stream.codec_context
            if codec.codec.canonical_name != "ffv1" or codec.pix_fmt != "gray":
                raise BadInput(NO_MATTE)
            if not 0 < codec.width * codec.height <= max_pixels:
                raise BadInput(OTHER_FILE)
            codec.thread_type, codec.thread_count = "AUTO", 2
            self.size = (codec.height, codec.width)
            self._stream = stream
            self._mattes = self._read()
        except BaseException:
            self._container.close()
            raise

    def _read(self) -> Iterator[tuple[Fraction, np.ndarray]]:
        """The time in the source, in seconds, and the matte `(h, w)` uint8 of each frame."""
        base = Fraction(self._stream.time_base or Fraction(1, 1000))
        try:
            for frame in self._container.decode(self._stream):
                yield self.start + (frame.pts or 0) * base, frame.to_ndarray(format="gray")
        except av.error.FFmpegError as error:
            raise BadInput(NO_MATTE) from error

    def seek(self, seconds: float) -> None:
        """Continue reading at the source's `seconds`, or a little before."""
        base = Fraction(self._stream.time_base or Fraction(1, 1000))
        ticks = max(0, int((Fraction(seconds) - self.start) / base) - 1)
        self._container.seek(ticks, stream=self._stream, backward=True)
        self._mattes = self._read()

    def at(self, times: Sequence[Fraction]) -> np.ndarray:
        """The mattes `(B, h, w)` float32 of the frames at these times of the source, in seconds and increasing.

        Raises:
            BadInput: there is none for one of them.
        """
        return np.stack([self._at(seconds) for seconds in times])

    def _at(self, seconds: Fraction) -> np.ndarray:
        for time, matte in self._mattes:
            if time > seconds + TIME_TOLERANCE:
                break
            if time >= seconds - TIME_TOLERANCE:
                if matte.shape != self.size:
                    raise BadInput(NO_MATTE)
                return matte.astype(np.float32) / 255
        raise BadInput(OTHER_PART)

    def close(self) -> None:
        self._container.close()


def _start_in_source(tags: Mapping[str, str], source: Path, width: int, height: int) -> Fraction:
    """The start in seconds that the tags name. Raises BadInput where they belong to another source."""
    try:
        if not FRACTION_PATTERN.fullmatch(
            tags[START]
        ):  # “1e999999999” is a fraction too, and takes all memory there is
            raise BadInput(NO_MATTE)
        start = Fraction(tags[START])
        size = tuple(int(side) for side in tags[SIZE].split("x"))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise BadInput(NO_MATTE) from error
    # The oldest runs have no fingerprint in their tags.
    if size != (width, height) or tags.get(SOURCE) not in (None, fingerprint(source)):
        raise BadInput(OTHER_FILE)
    return start


def write_raw_matte(path: Path, matte: np.ndarray, source: Path, width: int, height: int) -> None:
    """Store the raw matte of a picture as PNG.

    Args:
        path: where to.
        matte: `(h, w)` uint8.
        source: the picture.
        width: of the picture in pixels, upright.
        height: of the picture in pixels, upright.
    """
    tags = PngInfo()
    for name, value in source_tags(source, width, height).items():
        tags.add_text(name, value)
    Image.fromarray(matte).save(path, "PNG", compress_level=3, pnginfo=tags)


def read_raw_matte(path: Path, source: Path, width: int, height: int) -> np.ndarray:
    """The raw matte of a picture, as `write_raw_matte` stored it.

    Args:
        path: the stored matte, untrusted.
        source: the picture.
        width: of the picture in pixels, upright.
        height: of the picture in pixels, upright.

    Returns:
        `(h, w)` float32 in 0..1.

    Raises:
        BadInput: it is no such file, or it belongs to another picture.
    """
    try:
        with Image.open(path, formats=("PNG",)) as file:
            assert isinstance(file, PngImageFile)
            if file.mode != "L" or file.width * file.height > MAX_PICTURE_PIXELS:
                raise BadInput(NO_MATTE)
            file.load()
            _start_in_source({name: str(value) for name, value in file.text.items()}, source, width, height)
            return np.asarray(file).astype(np.float32) / 255
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(NO_MATTE) from error


def proxy_size(width: int, height: int, sar: Fraction = Fraction(1), side: int = PROXY_SIDE) -> tuple[int, int]:
    """(width, height) of one half of the proxy: with square pixels, at most `side` long, both even.

    Args:
        width: of the source in pixels.
        height: of the source in pixels.
        sar: width over height of one pixel of the source.
        side: the longest side of the result in pixels.

    >>> proxy_size(1920, 1080), proxy_size(720, 576, Fraction(64, 45))
    ((640, 360), (640, 360))
    """
    shown_width = float(width * sar)
    scale = min(1.0, side / max(shown_width, height))
    # Even sides, so that no block of subsampled colour lies across the border between the halves.
    return max(2, 2 * round(shown_width * scale / 2)), max(2, 2 * round(height * scale / 2))


def stack_source_and_matte(frame: np.ndarray, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The source above its finished matte in one picture, so that one video carries both to a browser.

    Args:
        frame: `(H, W, 3)` uint8.
        alpha: `(H, W)` float32.
        size: (w, h) of one half in pixels.

    Returns:
        `(2h, w, 3)` uint8.
    """
    width, height = size
    both = np.empty((2 * height, width, 3), np.uint8)
    cv2.resize(frame, size, dst=both[:height], interpolation=cv2.INTER_AREA)
    matte = to_uint8(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA))
    cv2.cvtColor(matte, cv2.COLOR_GRAY2RGB, dst=both[height:])
    return both


def write_proxy_picture(path: Path, frame: np.ndarray, alpha: np.ndarray) -> None:
    """The proxy of a picture as WebP: `frame` `(H, W, 3)` uint8 above `alpha` `(H, W)` float32."""
    size = proxy_size(frame.shape[1], frame.shape[0], side=PICTURE_PROXY_SIDE)
    Image.fromarray(stack_source_and_matte(frame, alpha, size)).save(path, "WEBP", quality=88, method=2)
