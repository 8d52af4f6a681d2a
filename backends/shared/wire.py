"""Values between two processes: JSON, with numpy arrays and bytes sent beside it as they lie in memory.

Not pickle, which would let the process that reads a hostile file run code in the one that asked.

>>> from multiprocessing import Pipe
>>> here, there = Pipe()
>>> send(here, {"name": "block", "samples": np.arange(3, dtype=np.float32)})
>>> receive(there)
{'name': 'block', 'samples': array([0., 1., 2.], dtype=float32)}
"""

from __future__ import annotations

import json
import math
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

ARRAY, BYTES = "__array__", "__bytes__"
"""Keys of the JSON objects that stand for an array, with its type and shape, and for bytes."""


def send(connection: Connection, value: Any) -> None:
    """Write one value. `receive` gives it back, with tuples as lists and paths as strings, absolute ones."""
    buffers: list[Any] = []
    text = json.dumps(_pack(value, buffers))
    connection.send_bytes(text.encode())
    for buffer in buffers:
        if isinstance(buffer, np.ndarray):
            _write(connection, buffer)
        else:
            connection.send_bytes(buffer)


def receive(connection: Connection) -> Any:
    """Read one value. Raises EOFError where the other end has closed."""
    return _unpack(json.loads(connection.recv_bytes()), connection)


def _pack(value: Any, buffers: list[Any]) -> Any:
    match value:
        case np.ndarray():
            array = np.ascontiguousarray(value)
            buffers.append(array.reshape(-1).view(np.uint8))
            return {ARRAY: [array.dtype.str, list(value.shape)]}
        case bytes() | bytearray() | memoryview():
            buffers.append(value)
            return {BYTES: True}
        case dict():
            return {key: _pack(item, buffers) for key, item in value.items()}
        case list() | tuple():
            return [_pack(item, buffers) for item in value]
        case Path():
            return str(value.absolute())  # the other process may work in another folder
        case np.generic():
            return value.item()
        case _:
            return value


def _unpack(value: Any, connection: Connection) -> Any:
    match value:
        case {"__array__": [kind, shape]}:
            dtype = np.dtype(kind)
            memory = np.empty(math.prod(shape) * dtype.itemsize, np.uint8)
            _read(connection, memory)
            return np.frombuffer(memory, dtype).reshape(shape)
        case {"__bytes__": _}:
            return connection.recv_bytes()
        case dict():
            return {key: _unpack(item, connection) for key, item in value.items()}
        case list():
            return [_unpack(item, connection) for item in value]
        case _:
            return value


def _write(connection: Connection, memory: np.ndarray) -> None:
    """Write all of `memory` `(N,)` uint8, whose length the other end knows."""
    rest = memory.data
    while rest:
        rest = rest[os.write(connection.fileno(), rest) :]


def _read(connection: Connection, memory: np.ndarray) -> None:
    """Fill `memory` `(N,)` uint8 with what `_write` sent; a connection's own way copies it three times over."""
    rest = memory.data
    while rest:
        count = os.readv(connection.fileno(), [rest])
        if not count:
            raise EOFError
        rest = rest[count:]
