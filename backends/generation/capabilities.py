"""What a network of generation makes."""

from __future__ import annotations

from backends.core.task import Capabilities


class GenerationCapabilities(Capabilities):
    """`world` is "pictures", "sounds" or "words"; `code` how many numbers a code has, 0 where there is none."""

    world: str = "pictures"
    code: int = 0
