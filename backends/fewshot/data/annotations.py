"""Labels as programs for finding things write them: Pascal VOC, YOLO and LabelMe beside each picture, CVAT for all.

They name the things in a picture. One that shows things of one class is an example of it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import ImageFile

MAX_NOTE_BYTES = 1 << 20
MAX_LIST_BYTES = 8 << 20
MAX_NAMES_BYTES = 100_000

_OBJECT = re.compile(r"<object>(.*?)</object>", re.DOTALL)
_NAME = re.compile(r"<name>\s*(.*?)\s*</name>", re.DOTALL)
_YOLO_ROW = re.compile(r"(\d+)((\s+-?\d*\.?\d+(e-?\d+)?){4,})\s*")
_CVAT_IMAGE = re.compile(r"<image\b([^>]*)>(.*?)</image>", re.DOTALL)
_CVAT_LABEL = re.compile(r'<\w+\b[^>]*?\blabel="([^"]*)"')
NAME_LISTS = ("classes.txt", "obj.names", "labels.txt", "names.txt", "predefined_classes.txt", "_darknet.labels")


@dataclass(frozen=True)
class Annotations:
    """The classes of the things in each picture, the format in words, and the names of all files that were read."""

    labels: Mapping[ImageFile, frozenset[str]] = field(default_factory=dict)
    kind: str = ""
    read: tuple[str, ...] = ()


def read_annotations(notes: Sequence[ImageFile], items: Sequence[ImageFile]) -> Annotations:
    """What the files beside the pictures say; nothing where they are no such labels.

    Raises:
        BadInput: they number the classes, and the list of their names is not there.
    """
    by_stem: dict[str, list[ImageFile]] = {}
    for item in items:
        by_stem.setdefault(PurePosixPath(item.name).stem.casefold(), []).append(item)
    return (
        _voc(notes, by_stem)
        or _labelme(notes, by_stem)
        or _cvat(notes, by_stem)
        or _yolo(notes, by_stem)
        or Annotations()
    )


def _voc(notes: Sequence[ImageFile], by_stem: Mapping[str, list[ImageFile]]) -> Annotations | None:
    labels: dict[ImageFile, frozenset[str]] = {}
    read = []
    for note in notes:
        if not note.name.lower().endswith(".xml") or (item := _partner(note, by_stem)) is None:
            continue
        text = _text(note, MAX_NOTE_BYTES)
        if "<annotation" in text:
            names = [name for part in _OBJECT.findall(text) for name in _NAME.findall(part)[:1]]
            labels[item] = frozenset(html.unescape(name).strip() for name in names)
            read.append(note.name)
    return Annotations(labels, "Pascal VOC", tuple(read)) if labels else None


def _labelme(notes: Sequence[ImageFile], by_stem: Mapping[str, list[ImageFile]]) -> Annotations | None:
    labels: dict[ImageFile, frozenset[str]] = {}
    read = []
    for note in notes:
        if not note.name.lower().endswith(".json") or (item := _partner(note, by_stem)) is None:
            continue
        try:
            content = json.loads(_text(note, MAX_NOTE_BYTES) or "null")
        except (ValueError, RecursionError):
            continue
        if isinstance(content, dict) and isinstance(shapes := content.get("shapes"), list):
            labels[item] = frozenset(
                str(shape["label"]) for shape in shapes if isinstance(shape, dict) and "label" in shape
            )
            read.append(note.name)
    return Annotations(labels, "LabelMe", tuple(read)) if labels else None


def _cvat(notes: Sequence[ImageFile], by_stem: Mapping[str, list[ImageFile]]) -> Annotations | None:
    for note in notes:
        if not note.name.lower().endswith(".xml") or "<annotations" not in (text := _text(note, MAX_LIST_BYTES)):
            continue
        labels = {}
        for attributes, inside in _CVAT_IMAGE.findall(text):
            name = re.search(r'\bname="([^"]*)"', attributes)
            item = _partner(replace(note, name=html.unescape(name[1])), by_stem) if name else None
            if item is not None:
                labels[item] = frozenset(html.unescape(label) for label in _CVAT_LABEL.findall(inside))
        if labels:
            return Annotations(labels, "CVAT", (note.name,))
    return None


def _yolo(notes: Sequence[ImageFile], by_stem: Mapping[str, list[ImageFile]]) -> Annotations | None:
    numbers: dict[ImageFile, frozenset[int]] = {}
    read = []
    for note in notes:
        if not note.name.lower().endswith(".txt") or (item := _partner(note, by_stem)) is None:
            continue
        rows = [_YOLO_ROW.fullmatch(line) for line in _text(note, MAX_NOTE_BYTES).splitlines() if line.strip()]
        if all(rows):
            numbers[item] = frozenset(int(row[1]) for row in rows if row)
            read.append(note.name)
    if not any(numbers.values()):
        return None
    source, names = _names(notes)
    if not names:
        raise BadInput(
            "The labels beside the pictures are numbers (YOLO), and the list of their names is not there: pack "
            "classes.txt or data.yaml with them."
        )
    labels = {item: frozenset(names.get(one, f"class {one}") for one in mine) for item, mine in numbers.items()}
    return Annotations(labels, "YOLO", (*read, source))


def _partner(note: ImageFile, by_stem: Mapping[str, list[ImageFile]]) -> ImageFile | None:
    """The picture that a note is called like; of several the one whose path is most like its own."""
    path = PurePosixPath(note.name)
    found = by_stem.get(path.stem.casefold(), [])
    if len(found) < 2:
        return found[0] if found else None
    folders = set(path.parts[:-1])
    alike = [len(folders & set(PurePosixPath(item.name).parts[:-1])) for item in found]
    best = max(alike)
    return found[alike.index(best)] if alike.count(best) == 1 else None


def _names(notes: Sequence[ImageFile]) -> tuple[str, dict[int, str]]:
    """The file that names the classes, and their names by number."""
    for note in notes:
        name = PurePosixPath(note.name).name.lower()
        if name in NAME_LISTS or name.endswith(".names"):
            lines = [line.strip() for line in _text(note, MAX_NAMES_BYTES).splitlines()]
            return note.name, {number: line for number, line in enumerate(lines) if line}
        if name.endswith((".yaml", ".yml")) and (found := _yaml_names(_text(note, MAX_NAMES_BYTES))):
            return note.name, found
    return "", {}


def _yaml_names(text: str) -> dict[int, str]:
    try:
        content: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return {}
    names = content.get("names") if isinstance(content, dict) else None
    pairs = (
        list(enumerate(names)) if isinstance(names, list) else list(names.items()) if isinstance(names, dict) else []
    )
    return {int(number): str(name) for number, name in pairs if str(number).isdecimal()}


def _text(note: ImageFile, most: int) -> str:
    data = note.reader(most + 1)
    return data.decode("utf-8-sig", "replace") if len(data) <= most else ""
