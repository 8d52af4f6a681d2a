"""What a matting engine can do beside cutting people out of files."""

from __future__ import annotations

from backends.core.task import Capabilities


class MattingCapabilities(Capabilities):
    """`live_sides`: the long sides, in pixels and smallest first, at which the engine can follow a camera.

    Empty for an engine that cannot. The first and the last bound what is tried; in between, the live page moves with
    the time that the mattes take.
    """

    live_sides: tuple[int, ...] = ()
