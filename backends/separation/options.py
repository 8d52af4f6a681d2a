"""The options of every separation engine."""

from __future__ import annotations

from backends.core.options import Options, option


class SeparationOptions(Options):
    """What a separation can be told, whatever its engine."""

    stems: str = option(
        "",
        title="Stems",
        meaning="Which stems to take out, such as “vocals” or “bass,drums”; empty for all of them.",
    )
