"""What travels between a camera and the model over a WebSocket: one small picture there, one matte back.

Text messages are JSON objects with a `type`. The camera's side begins with
`{"type": "start", "card": ID, "calm": true}` and may later send `{"type": "options", "calm": false}`; other types, such
as the page's `got`, are passed over. The model's side says `ready` (with `card`, `title` and `sides`, the long sides
that it works well at), `loading` or `waiting` (with a `sentence`), and `error` (with `code`, `sentence` and `again`:
whether trying again later makes sense), after which it closes.

Binary messages begin with a header, numbers little-endian; rows run from the top:

    picture   0 u8 version  1 u8 kind = 1  2 u16 zero  4 u32 number             then a JPEG or WebP file
    matte     0 u8 version  1 u8 kind = 2  2 u16 zero  4 u32 number
              8 u16 width  10 u16 height  12 u32 µs of work  16 u32 µs of waiting
                                                       then alpha, one byte a pixel, zlib-compressed (RFC 1950)

A matte answers the picture of the same number; pictures that came before it and got no matte were passed over.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from backends.core.errors import BadInput, UserError

PATH = "/live"
VERSION = 1
PICTURE, MATTE = 1, 2
_HEAD = struct.Struct("<BBHI")
_MATTE = struct.Struct("<BBHIHHII")

MESSAGE_BYTES = 256 * 1024
"""The most that one message may weigh; a picture of 640 pixels weighs about 60 kB."""

TEXT_CHARACTERS = 2000
LONGEST, SHORTEST = 640, 32
"""The sides of a picture in pixels, at most and at least."""

AGAIN = ("busy", "idle", "down", "stopped")
"""Codes of errors that pass by themselves."""

LATEST = 0xFFFFFFFF


class Busy(UserError):
    """There is no room for one more live picture now."""

    code = "busy"


class Idle(UserError):
    """No picture came for a while, so the place was given free."""

    code = "idle"


class Stopped(UserError):
    """The server is ending."""

    code = "stopped"


@dataclass(frozen=True)
class Answer:
    """A matte `(h, w)` uint8 for picture `number`; `work` and `waited` in seconds."""

    number: int
    alpha: np.ndarray
    work: float = 0.0
    waited: float = 0.0


def pack_picture(number: int, file: bytes) -> bytes:
    return _HEAD.pack(VERSION, PICTURE, 0, number) + file


def unpack_picture(message: bytes) -> tuple[int, bytes]:
    """The number and the file of a picture message.

    Raises:
        BadInput: it is something else, or too large.
    """
    if len(message) > MESSAGE_BYTES:
        raise BadInput(f"A live picture may weigh {MESSAGE_BYTES // 1024} kB; this one weighs more.")
    if len(message) <= _HEAD.size:
        raise BadInput("The live picture arrived incomplete.")
    version, kind, _, number = _HEAD.unpack_from(message)
    if (version, kind) != (VERSION, PICTURE):
        raise BadInput("This page and the model server speak different versions of Fourfold; reload the page.")
    return number, message[_HEAD.size :]


def pack_matte(answer: Answer) -> bytes:
    height, width = answer.alpha.shape
    times = (min(LATEST, max(0, round(1e6 * seconds))) for seconds in (answer.work, answer.waited))
    head = _MATTE.pack(VERSION, MATTE, 0, answer.number, width, height, *times)
    return head + zlib.compress(answer.alpha.tobytes(), level=1)


def unpack_matte(message: bytes) -> Answer:
    """The reverse, for programs that use the socket, and for tests. Raises BadInput."""
    try:
        version, kind, _, number, width, height, work, waited = _MATTE.unpack_from(message)
        inflate = zlib.decompressobj()
        alpha = inflate.decompress(message[_MATTE.size :], width * height + 1)
    except (struct.error, zlib.error) as error:
        raise BadInput("This is not a matte.") from error
    if (version, kind) != (VERSION, MATTE) or len(alpha) != width * height:
        raise BadInput("This is not a matte.")
    return Answer(number, np.frombuffer(alpha, np.uint8).reshape(height, width), work / 1e6, waited / 1e6)


def decode_picture(file: bytes) -> np.ndarray:
    """`(h, w, 3)` uint8 RGB of a JPEG or WebP file; its size is checked before a pixel is decoded.

    Raises:
        BadInput: no such file, a damaged one, or a picture outside LONGEST and SHORTEST.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged EXIF block, which is not looked at
            with Image.open(BytesIO(file), formats=("JPEG", "WEBP")) as image:
                if max(image.size) > LONGEST or min(image.size) < SHORTEST:
                    sides = f"{image.width} × {image.height}"
                    raise BadInput(f"A live picture has sides of {SHORTEST} to {LONGEST} pixels; this has {sides}.")
                return np.asarray(image.convert("RGB"))
    except UserError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise BadInput("The live picture could not be read as JPEG or WebP.") from error
