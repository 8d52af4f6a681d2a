"""Estimates before a job: how long it takes, how large its files get, and whether the video is too large."""

from __future__ import annotations

from collections.abc import Sequence

from backends.core.info import CardInfo
from backends.matting.types import MediaInfo
from backends.matting.video.exports import EXPORTS
from studio.ui import formatting
from studio.ui.source import Source
from studio.videos.probe import Probe


def too_large(card: CardInfo, info: MediaInfo) -> str:
    """One sentence where the video's frames are over the card's limit, else ""."""
    limit = card.limits.megapixels
    if limit and info.kind == "video" and info.megapixels > limit:
        return (
            f"This video has {info.megapixels:.0f} megapixels; {card.title} takes up to {limit:.0f} here. "
            "Make it smaller first."
        )
    return ""


def work_seconds(card: CardInfo, info: MediaInfo, seconds: float) -> float:
    """How long the card takes for `seconds` of a video; 0 where nobody has measured.

    Each frame costs its own megapixels and, for the model itself, the card's `overhead`:
    t = speed · frames · (overhead + megapixels).
    """
    if not card.speed:
        return 0.0
    frames = max(1.0, seconds * float(info.rate))
    return card.speed * frames * (card.overhead + info.megapixels)


def estimate(card: CardInfo, info: MediaInfo | None, seconds: float) -> str:
    """`work_seconds` in words; "" where nobody has measured, or for a picture."""
    if info is None or info.kind == "picture" or not seconds:
        return ""
    lasts = work_seconds(card, info, seconds)
    source = "measured here" if card.speed_measured_here else "on two processor cores"
    return f"takes {formatting.about(lasts)} ({source})" if lasts else ""


def seconds_of(source: Source[Probe]) -> float:
    """How long the videos of a source last together."""
    return sum(each.probe.seconds for each in source.all)


def size_text(kinds: Sequence[str], info: MediaInfo, seconds: float) -> str:
    """How large the exports will be together, in words."""
    return f"about {formatting.size(sum(EXPORTS[kind].estimate(info, seconds) for kind in kinds))}"
