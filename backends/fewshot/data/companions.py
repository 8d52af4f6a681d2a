"""Pictures that belong to other pictures and are no examples: masks, previews, depth maps."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from backends.fewshot.data.image_collection import ImageFile

CONTAINERS = frozenset({"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "data", "labels"})
"""What a folder is called that says nothing of what its pictures show."""

KIND = (
    r"(masks?|segmentations?|segm?|annotations?|ground[-_ ]?truth|gt|thumbs?|thumbnails?|previews?|depth(maps?)?"
    r"|heatmaps?|overlays?|mattes?|trimaps?|alpha|contours?)"
)
_FOLDER = re.compile(rf"\.?(\w+[-_ ])?{KIND}|segmentation(class|object)|@eaDir", re.IGNORECASE)
_ENDING = re.compile(rf"[-_ .]{KIND}$", re.IGNORECASE)
MIN_PAIRED = 0.5
"""Share of a folder's pictures that must have a partner before the folder is one of companions."""


def companions(items: Sequence[ImageFile]) -> frozenset[ImageFile]:
    """Those that are called like another picture, in a folder called after what they are or with such an ending.

    A first folder is a class, whatever its name, unless the others only hold pictures, as in `images/` and `masks/`.
    """
    tops = {item.folder.casefold() for item in items if item.folder}
    no_class = all(top in CONTAINERS or _FOLDER.fullmatch(top) for top in tops) and bool(tops & CONTAINERS)
    by_folder: defaultdict[str, list[ImageFile]] = defaultdict(list)
    stems: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        if folder := _companion_folder(item, no_class):
            by_folder[folder].append(item)
        else:
            stems["" if no_class else item.folder].add(PurePosixPath(item.name).stem.casefold())
    found = [item for item in items if _ends_like(item, stems["" if no_class else item.folder])]
    for mine in by_folder.values():
        paired = sum(_own_stem(item) in stems["" if no_class else item.folder] for item in mine)
        if paired >= MIN_PAIRED * len(mine):
            found += mine
    return frozenset(found)


def _companion_folder(item: ImageFile, no_class: bool) -> str:
    """The path down to the folder of companions that a picture lies in, "" where it lies in none."""
    parts = item.name.split("/")[:-1]
    for place, part in enumerate(parts):
        if (place or no_class) and _FOLDER.fullmatch(part):
            return "/".join(parts[: place + 1])
    return ""


def _own_stem(item: ImageFile) -> str:
    stem = PurePosixPath(item.name).stem.casefold()
    return _ENDING.sub("", stem)


def _ends_like(item: ImageFile, stems: set[str]) -> bool:
    """Whether a picture is called `NAME_mask` or alike, and there is a picture NAME."""
    stem = PurePosixPath(item.name).stem.casefold()
    return stem in stems and _ENDING.search(stem) is not None and _own_stem(item) in stems


def companions_notice(found: frozenset[ImageFile]) -> str:
    """One sentence on what was left out, or ""."""
    if not found:
        return ""
    first = min(item.name for item in found)
    if len(found) == 1:
        return f"“{first}” belongs to another picture, as a mask or a preview does, and is no example: left out."
    return (
        f"{len(found)} pictures such as “{first}” belong to other pictures, as masks and previews do, and are no "
        "examples: left out."
    )
