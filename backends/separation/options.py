"""The options of every separation engine."""

from __future__ import annotations

from backends.core.options import Options, Switch, option


class SeparationOptions(Options):
    """What a separation can be told, whatever its engine."""

    stems: str = option(
        "",
        title="Stems",
        meaning="Which stems to take out, such as “vocals” or “bass,drums”; empty for all of them.",
    )
    track: str = option(
        "",
        title="Sound track",
        meaning="Which sound track of a file with several: its number, language or title; empty for its default one.",
    )
    adds_up: Switch = option(
        False,
        title="Stems add up",
        meaning="Put what no stem holds into “other”, so that the stems add up to the song sample by sample.",
    )
