"""The exhibits of the page "How they work", in the order in which they are offered.

An exhibit is one file in this folder that holds `EXHIBIT: Exhibit`; its module is one line in `MODULES`. The query
parameter `exhibit` holds the id of the one on show; what else stands in the address belongs to that exhibit, and is
removed when another one is chosen unless its name is in `SHARED_PARAMETERS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

MODULES = (
    "studio.how.attention",
    "studio.how.vae_live",
    "studio.how.vae_pictures",
    "studio.how.gan_live",
    "studio.how.gan_film",
    "studio.how.diffusion_live",
    "studio.how.diffusion_pictures",
    "studio.how.side_by_side",
    "studio.how.elsewhere",
)
"""In the order of the page; the first one is shown where the address names none."""

SHARED_PARAMETERS = ("exhibit", "lab", "from")
"""Query parameters that stay when another exhibit is chosen."""


@dataclass(frozen=True)
class Exhibit:
    """One thing to see and turn.

    Attributes:
        id: its name in the address.
        title: on its button, two or three plain words; within its family where it has one.
        sentence: what a visitor sees and can do there.
        show: draws it below title and sentence.
        icon: as Streamlit writes icons.
        family: what it shows, where several exhibits show the same.
    """

    id: str
    title: str
    sentence: str
    show: Callable[[], None]
    icon: str = ""
    family: str = ""

    @property
    def heading(self) -> str:
        """What is chosen first: its family, or itself."""
        return self.family or self.title


@cache
def all_exhibits() -> Mapping[str, Exhibit]:
    """Every exhibit by its id."""
    exhibits: list[Exhibit] = [importlib.import_module(module).EXHIBIT for module in MODULES]
    return {exhibit.id: exhibit for exhibit in exhibits}


def families() -> Mapping[str, Sequence[Exhibit]]:
    """The exhibits by their headings, both in the order of the page."""
    found: dict[str, list[Exhibit]] = {}
    for exhibit in all_exhibits().values():
        found.setdefault(exhibit.heading, []).append(exhibit)
    return found
