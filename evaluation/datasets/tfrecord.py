"""TFRecord files and the SequenceExample messages in them, written and read without TensorFlow.

A record is its length (uint64), a checksum of that, the bytes, and a checksum of them, all little-endian. Checksums are
CRC-32C, masked. The messages are protocol buffers: a SequenceExample has a context (field 1) of features by name and
feature lists (field 2) by name; a feature is a list of bytes (1), floats (2) or integers (3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import IO

import numpy as np

from backends.core.errors import BadInput

MAX_RECORD = 1 << 28
_CASTAGNOLI = 0x82F63B78

Values = list[bytes] | np.ndarray
"""Of a feature: bytes, or floats or integers as an array."""


def read_records(file: IO[bytes]) -> Iterator[bytes]:
    """The records of a file in their order. Raises BadInput where it is damaged."""
    while head := file.read(12):
        if len(head) < 12:
            raise BadInput("The TFRecord file ends in the middle of a record.")
        length, check = struct.unpack("<QI", head)
        if check != masked_crc(head[:8]) or length > MAX_RECORD:
            raise BadInput("This is no TFRecord file, or it is damaged: a checksum is wrong.")
        data, tail = file.read(length), file.read(4)
        if len(data) < length or len(tail) < 4:
            raise BadInput("The TFRecord file ends in the middle of a record.")
        if struct.unpack("<I", tail)[0] != masked_crc(data):
            raise BadInput("A record of the TFRecord file is damaged: its checksum is wrong.")
        yield data


def write_record(file: IO[bytes], data: bytes) -> None:
    length = struct.pack("<Q", len(data))
    file.write(length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data)))


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated by 15 bits, plus a constant: so that a checksum of data with checksums is none of theirs."""
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ _CASTAGNOLI if value & 1 else value >> 1  # noqa: PLW2901
        table.append(value)
    return table


def read_example(data: bytes) -> tuple[dict[str, Values], dict[str, list[Values]]]:
    """The context and the feature lists of a SequenceExample, by name. Raises BadInput where it is none."""
    context: dict[str, Values] = {}
    lists: dict[str, list[Values]] = {}
    try:
        for number, part in _fields(data):
            for _, entry in _fields(part):
                pair = dict(_fields(entry))
                name = pair[1].decode()
                if number == 1:
                    context[name] = _feature(pair[2])
                else:
                    lists[name] = [_feature(feature) for _, feature in _fields(pair[2])]
    except (IndexError, KeyError, ValueError, struct.error) as error:
        raise BadInput("A record of the TFRecord file is no SequenceExample.") from error
    return context, lists


def write_example(context: Mapping[str, Values], lists: Mapping[str, Sequence[Values]]) -> bytes:
    """The bytes of a SequenceExample."""
    first = b"".join(_field(1, _entry(name, _pack(values))) for name, values in context.items())
    second = b"".join(
        _field(1, _entry(name, b"".join(_field(1, _pack(values)) for values in rows))) for name, rows in lists.items()
    )
    return _field(1, first) + _field(2, second)


def _feature(data: bytes) -> Values:
    values: list[bytes] = []
    for number, part in _fields(data):
        inner = [content for _, content in _fields(part)]
        if number == 1:
            values += inner
        elif number == 2:
            return np.frombuffer(b"".join(inner), "<f4")
        else:
            return np.array([value for content in inner for value in _integers(content)], np.int64)
    return values


def _pack(values: Values) -> bytes:
    if isinstance(values, list):
        return _field(1, b"".join(_field(1, value) for value in values))
    if values.dtype.kind == "f":
        return _field(2, _field(1, values.astype("<f4").tobytes()))
    return _field(3, _field(1, b"".join(_varint(int(value)) for value in values)))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field. A bare integer comes as the bytes of its varint."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 2:
            length, place = _read_varint(data, place)
        elif kind == 5:
            length = 4
        elif kind == 0:
            length = _read_varint(data, place)[1] - place
        else:
            raise ValueError("a field of a kind that these messages do not have")
        if place + length > len(data):
            raise ValueError("a field that is longer than its message")
        yield number, data[place : place + length]
        place += length


def _integers(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _read_varint(data, place)
        yield value - (1 << 64) if value >> 63 else value


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise ValueError("a number that has no end")


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _entry(name: str, content: bytes) -> bytes:
    return _field(1, name.encode()) + _field(2, content)
