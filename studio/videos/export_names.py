"""Titles of the files that a run makes, and which programs open them."""

from __future__ import annotations

from backends.matting.video.exports import CUTOUT, EXPORTS


def export_named(name: str) -> tuple[str, str]:
    """Title and "opens in" of a file that a run made, by its name: an export's kind, or a picture's content."""
    if name in EXPORTS and name != "composite":
        return EXPORTS[name].title, EXPORTS[name].opens_in
    return _FILES.get(name, (name, ""))


def composite_named(picture: bool) -> tuple[str, str]:
    """Title and "opens in" of a composite: a PNG for a picture, else a video."""
    if picture:
        return "Over a new background (PNG)", "Opens everywhere."
    return EXPORTS["composite"].title, EXPORTS["composite"].opens_in


_FILES = {
    CUTOUT: ("Cut-out with alpha (PNG)", "Opens in every picture editor, and in slides and web pages."),
    "alpha": ("The matte alone, without loss", "Opens in Fourfold, VLC and picture editors; made for measuring."),
}
