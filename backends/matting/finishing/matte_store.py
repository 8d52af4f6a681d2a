"""What a run leaves behind for later: its mattes as they were found, and a small picture of everything for a browser.

The mattes are kept as bytes at the size the engine looked at, before any smoothing and finishing; the run itself goes
on from these very bytes, so that another export made from them equals a fresh run.
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
from backends.matting.video.source import moving_pictures, open_container
from backends.shared.images import MAX_PICTURE_PIXELS

START, SIZE, SOURCE = "FOURFOLD_START", "FOURFOLD_SIZE", "FOURFOLD_SOURCE"
MOMENT = re.compile(r"[0-9]{1,15}/[0-9]{1,15}")
PIECE = 1 << 20
TOLERANCE = Fraction(1, 500)  # Matroska counts in milliseconds, so a time may be off by half of one at both ends
PROXY_SIDE, PICTURE_PROXY_SIDE = 640, 1280

NO_MATTE = "The matte sent along is none that was kept from an earlier run: leave it out to find it anew."
OTHER_FILE = "The matte sent along belongs to another file: leave it out to find it anew."
OTHER_PART = "The matte sent along does not cover this part of the video: leave it out to find it anew."


def as_kept(alpha: np.ndarray) -> np.ndarray:
    """`alpha` float32 in 0..1, rounded to what a byte can hold."""
    return np.rint(np.clip(alpha, 0, 1) * 255).astype(np.float32) / 255


def to_bytes(alpha: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(alpha, alpha=255)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's length and of a piece of its beginning, middle and end: quick for any length."""
    length = path.stat().st_size
    found = hashlib.sha256(str(length).encode())
    with path.open("rb") as file:
        for begin in (0, length // 2, max(0, length - PIECE)):
            file.seek(begin)
            found.update(file.read(PIECE))
    return found.hexdigest()


def tags(path: Path, width: int, height: int, start: Fraction = Fraction(0)) -> dict[str, str]:
    """What a file of mattes says of its source: which file it is, how large, and where its part starts in seconds."""
    return {START: f"{start.numerator}/{start.denominator}", SIZE: f"{width}x{height}", SOURCE: fingerprint(path)}


class StoredMattes:
    """The mattes of an earlier run of the same video, read in order.

    Args:
        path: a `matte.mkv`, untrusted. source: the video. width, height: of it, upright. most: pixels of a matte.

    Raises:
        BadInput: it is no such file, or it was made from another one.
    """

    def __init__(self, path: Path, source: Path, width: int, height: int, *, most: int) -> None:
        self._container = open_container(path)
        try:
            found = {name.upper(): value for name, value in self._container.metadata.items()}
            self.start = _checked(found, source, width, height)
            stream = moving_pictures(self._container)
            codec = stream.codec_context
            if codec.codec.canonical_name != "ffv1" or codec.pix_fmt != "gray":
                raise BadInput(NO_MATTE)
            if not 0 < codec.width * codec.height <= most:
                raise BadInput(OTHER_FILE)
            codec.thread_type, codec.thread_count = "AUTO", 2
            self.size = (codec.height, codec.width)
            self._stream = stream
            self._mattes = self._read()
        except BaseException:
            self._container.close()
            raise

    def _read(self) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Seconds of the source and matte `(h, w)` uint8."""
        base = Fraction(self._stream.time_base or Fraction(1, 1000))
        try:
            for frame in self._container.decode(self._stream):
                yield self.start + (frame.pts or 0) * base, frame.to_ndarray(format="gray")
        except av.error.FFmpegError as error:
            raise BadInput(NO_MATTE) from error

    def seek(self, seconds: float) -> None:
        """Go on reading at the source's `seconds`, or a little before."""
        base = Fraction(self._stream.time_base or Fraction(1, 1000))
        ticks = max(0, int((Fraction(seconds) - self.start) / base) - 1)
        self._container.seek(ticks, stream=self._stream, backward=True)
        self._mattes = self._read()

    def at(self, times: Sequence[Fraction]) -> np.ndarray:
        """The mattes `(B, h, w)` float32 of frames at those seconds of the source, which only ever grow.

        Raises:
            BadInput: there is none for one of them.
        """
        return np.stack([self._one(seconds) for seconds in times])

    def _one(self, seconds: Fraction) -> np.ndarray:
        for known, matte in self._mattes:
            if known > seconds + TOLERANCE:
                break
            if known >= seconds - TOLERANCE:
                if matte.shape != self.size:
                    raise BadInput(NO_MATTE)
                return matte.astype(np.float32) / 255
        raise BadInput(OTHER_PART)

    def close(self) -> None:
        self._container.close()


def _checked(found: Mapping[str, str], source: Path, width: int, height: int) -> Fraction:
    """The start that the tags name, once they are known to speak of this source."""
    try:
        if not MOMENT.fullmatch(found[START]):  # “1e999999999” is a fraction too, and takes all memory there is
            raise BadInput(NO_MATTE)
        start = Fraction(found[START])
        size = tuple(int(side) for side in found[SIZE].split("x"))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise BadInput(NO_MATTE) from error
    # Runs made before files were told apart by their bytes say nothing of them.
    if size != (width, height) or found.get(SOURCE) not in (None, fingerprint(source)):
        raise BadInput(OTHER_FILE)
    return start


def write_matte(path: Path, matte: np.ndarray, source: Path, width: int, height: int) -> None:
    """The matte `(h, w)` uint8 of the picture `source` of `width` × `height`, as PNG."""
    told = PngInfo()
    for name, value in tags(source, width, height).items():
        told.add_text(name, value)
    Image.fromarray(matte).save(path, "PNG", compress_level=3, pnginfo=told)


def read_matte(path: Path, source: Path, width: int, height: int) -> np.ndarray:
    """The matte `(h, w)` float32 that `write_matte` kept. Raises BadInput for any other file."""
    try:
        with Image.open(path, formats=("PNG",)) as file:
            assert isinstance(file, PngImageFile)
            if file.mode != "L" or file.width * file.height > MAX_PICTURE_PIXELS:
                raise BadInput(NO_MATTE)
            file.load()
            _checked({name: str(value) for name, value in file.text.items()}, source, width, height)
            return np.asarray(file).astype(np.float32) / 255
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(NO_MATTE) from error


def proxy_size(width: int, height: int, sar: Fraction = Fraction(1), side: int = PROXY_SIDE) -> tuple[int, int]:
    """(width, height) of one half of the proxy: as watched, at most `side` long, both even so that no colour spills."""
    seen = float(width * sar)
    scale = min(1.0, side / max(seen, height))
    return max(2, 2 * round(seen * scale / 2)), max(2, 2 * round(height * scale / 2))


def stacked(frame: np.ndarray, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The source above its finished matte, `(2h, w, 3)` uint8 for `size` (w, h): one video carries both for a browser.

    Args:
        frame: `(H, W, 3)` uint8. alpha: `(H, W)` float32.
    """
    width, height = size
    both = np.empty((2 * height, width, 3), np.uint8)
    cv2.resize(frame, size, dst=both[:height], interpolation=cv2.INTER_AREA)
    matte = to_bytes(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA))
    cv2.cvtColor(matte, cv2.COLOR_GRAY2RGB, dst=both[height:])
    return both


def write_proxy_picture(path: Path, frame: np.ndarray, alpha: np.ndarray) -> None:
    size = proxy_size(frame.shape[1], frame.shape[0], side=PICTURE_PROXY_SIDE)
    Image.fromarray(stacked(frame, alpha, size)).save(path, "WEBP", quality=88, method=2)
