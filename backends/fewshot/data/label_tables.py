"""Rows of the tables that name the class of pictures: CSV and its kin, text with blanks, JSON and JSON lines, COCO."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from backends.fewshot.data.image_collection import JSON_LINES, ImageFile

MAX_TABLE_BYTES = 8 << 20
SEPARATORS = ",;\t|"
FILE, LABEL = "file", "label"
"""Titles of the columns where the table has none."""

Rows = list[list[str]]


def read_rows(table: ImageFile) -> Rows:
    """The cells of a table, rows first, with forward slashes; none where it is no table."""
    data = table.reader(MAX_TABLE_BYTES + 1)
    if len(data) > MAX_TABLE_BYTES:
        return []
    encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    name = table.name.lower()
    if name.endswith((".json", *JSON_LINES)):
        return [[cell.strip() for cell in row] for row in _json_rows(text, name.endswith(JSON_LINES))]
    if name.endswith(".txt") and text.partition("\n")[0].count("\t") != 1:
        rows = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
        rows = rows if all(len(row) == 2 and "." in row[0] for row in rows) else []  # names of files, not numbers
    else:
        first = text.partition("\n")[0]
        separator = max(SEPARATORS, key=first.count)
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True))
        except csv.Error:
            return []
    cells = [[cell.strip().replace("\\", "/").removeprefix("./") for cell in row] for row in rows]
    return [row for row in cells if any(row)]


def _json_rows(text: str, lines: bool) -> Rows:
    """The rows of JSON, below the names of their fields; none where it is no such file."""
    try:
        content = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(content, dict):
        content = list(_records(content))
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        return []
    return _from_records(content)


def _records(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A record a picture: of COCO, of the labels by the names of files, or of the files by their labels."""
    if {"images", "annotations", "categories"} <= content.keys():
        yield from _coco(content)
        return
    for name, value in content.items():
        if isinstance(value, str | int | float):
            yield {FILE: name, LABEL: value}
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield from ({FILE: item, LABEL: name} for item in value)


def _coco(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        files = {image["id"]: image["file_name"] for image in content["images"]}
        labels = {category["id"]: category["name"] for category in content["categories"]}
        for note in content["annotations"]:
            yield {FILE: files[note["image_id"]], LABEL: labels[note["category_id"]]}
    except (KeyError, TypeError):
        return


def _from_records(records: Sequence[dict[str, Any]]) -> Rows:
    titles = list(dict.fromkeys(title for record in records for title in record))
    cells = [[record.get(title) for title in titles] for record in records]
    return [titles, *[["" if isinstance(one, (dict, list, type(None))) else str(one) for one in row] for row in cells]]
