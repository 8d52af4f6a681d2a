"""Stand-ins for decoders that a file makes crash; they run in a process that reads files."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

from backends.matting.video import reader, sound_blocks
from backends.shared import images


def read_frames(**arguments: Any) -> Iterator[dict[str, Any]]:
    """As a reader of frames that crashes after the second one."""
    for count, item in enumerate(reader.read_frames(**arguments)):
        yield item
        if count == 2:
            os.kill(os.getpid(), signal.SIGSEGV)


def decode_blocks(**arguments: Any) -> Iterator[dict[str, Any]]:
    """As a decoder of sound that crashes after the first block."""
    yield next(iter(sound_blocks.decode_blocks(**arguments)))
    os.kill(os.getpid(), signal.SIGSEGV)


DEADLY = b"deadly"
"""What ends a picture that `decode_image` cannot survive."""


def decode_image(source: str | bytes, **arguments: Any) -> Iterator[dict[str, Any]]:
    """As a decoder of pictures that only some of them crash."""
    if isinstance(source, bytes) and source.endswith(DEADLY):
        os.kill(os.getpid(), signal.SIGSEGV)
    yield from images.decode(source, **arguments)


def decode_picture(**arguments: Any) -> Iterator[dict[str, Any]]:
    """As a decoder of pictures that crashes at once."""
    os.kill(os.getpid(), signal.SIGSEGV)
    yield {}
