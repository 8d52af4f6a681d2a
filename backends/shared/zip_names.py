"""The names of files in a zip. Most programs outside Europe write them in the alphabet of their own system, unsaid."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from zlib import crc32

UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP writes a name in UTF-8, with the CRC-32 of the name that it stands for."""

KANA = re.compile(r"[\u3040-\u30ff]{2}")
HAN = re.compile(r"[\u4e00-\u9fff]+")
HANGUL = re.compile(r"[\uac00-\ud7a3]+")
CYRILLIC = re.compile(r"[\u0400-\u045f]+")
SYMBOLS = re.compile(r"[\u2500-\u259f\u0370-\u03ff\u2200-\u22ff]")
"""Lines, blocks and mathematics that old DOS has where other systems have letters."""


def names_of(archive: zipfile.ZipFile) -> dict[int, str]:
    """The name of each entry, by its place in the zip.

    A name that is marked as UTF-8 is what it says. Of all others together it is tried whether they are UTF-8, which
    many programs write without the mark, and then what their letters would be in the usual alphabets of systems.
    """
    entries = archive.infolist()
    names = {place: _stated(entry) for place, entry in enumerate(entries)}
    raw = {place: entries[place].filename.encode("cp437") for place, name in names.items() if name is None}
    read = _reader([name for name in raw.values() if not name.isascii()])
    return {place: name if name is not None else read(raw[place]) for place, name in names.items()}


def _stated(entry: zipfile.ZipInfo) -> str | None:
    """The name where the zip says how it is written."""
    if entry.flag_bits & UTF8_FLAG:
        return entry.filename
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        written = crc32(entry.filename.encode("cp437")).to_bytes(4, "little")
        if kind == UNICODE_PATH and field.startswith(b"\1" + written):
            return field[5:].decode("utf-8", errors="replace")
    return None


def _reader(names: Sequence[bytes]) -> Callable[[bytes], str]:
    """How these names, none of them in plain ASCII, are read."""
    for encoding, is_likely in ALPHABETS:
        try:
            text = "\n".join(name.decode(encoding) for name in names)
        except UnicodeDecodeError:
            continue
        if is_likely(text):
            return lambda name: name.decode(encoding, errors="replace")
    return lambda name: name.decode("cp437")


def _mostly(letters: re.Pattern[str], least: float, run: float = 1.0) -> Callable[[str], bool]:
    """Whether at least this share of the letters beyond ASCII are of one script, in runs that are long enough, and no
    single one of them stands within a word in plain ASCII, where it is an accented letter."""

    def is_likely(text: str) -> bool:
        found = letters.findall(text)
        other = sum(not letter.isascii() for letter in text)
        count = sum(map(len, found))
        alone = any(len(one) == 1 for one in found) and re.search(rf"[a-zA-Z]{letters.pattern[:-1]}", text)
        return bool(found) and count >= least * other and count >= run * len(found) and not alone

    return is_likely


def _is_japanese(text: str) -> bool:
    return KANA.search(text) is not None and not SYMBOLS.search(text)


ALPHABETS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("utf-8", lambda text: True),
    ("shift_jis", _is_japanese),
    ("euc_kr", _mostly(HANGUL, 1.0, 1.5)),
    ("gb2312", _mostly(HAN, 0.8)),
    ("shift_jis", _mostly(HAN, 1.0)),
    ("big5", _mostly(HAN, 0.9)),
    ("gbk", _mostly(HAN, 0.9)),
    ("cp866", _mostly(CYRILLIC, 1.0, 3.0)),
    ("cp1251", _mostly(CYRILLIC, 1.0, 3.0)),
    ("cp437", lambda text: not SYMBOLS.search(text)),
    ("cp1252", lambda text: True),
)
"""The alphabets in the order in which they are tried, and whether a text that was read so looks like one."""
