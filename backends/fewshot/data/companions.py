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

    The other picture of `cat/masks/1.png` is `cat/1.png` or `cat/images/1.png`, whatever its format. One in the folder
    of another class is none: a class may be called `masks`, and pictures are often numbered.
    """
    names = {_stem(item.name) for item in items}
    by_folder: defaultdict[str, list[tuple[ImageFile, bool]]] = defaultdict(list)
    found = []
    for item in items:
        path = PurePosixPath(_stem(item.name))
        if _ENDING.search(path.name) and str(path.with_name(_ENDING.sub("", path.name))) in names:
            found.append(item)
            continue
        for place, part in enumerate(path.parts[:-1]):
            if _FOLDER.fullmatch(part):
                is_paired = not names.isdisjoint(_partners(path, place))
                by_folder["/".join(path.parts[: place + 1])].append((item, is_paired))
                break
    for mine in by_folder.values():
        if sum(is_paired for _, is_paired in mine) >= MIN_PAIRED * len(mine):
            found += [item for item, _ in mine]
    return frozenset(found)


def _stem(name: str) -> str:
    return str(PurePosixPath(name.casefold()).with_suffix(""))


def _partners(path: PurePosixPath, place: int) -> set[str]:
    """What the other picture can be called, if the folder at `place` is one of companions."""
    before, after = path.parts[:place], path.parts[place + 1 :]
    plain = (*after[:-1], _ENDING.sub("", after[-1]))
    return {"/".join((*before, *inside, *plain)) for inside in ((), *((name,) for name in CONTAINERS))}


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
