"""Options of every kind, for a form that is drawn from them."""

from __future__ import annotations

from backends.core.options import Options, Switch, WordList, option


class MixOptions(Options):
    overlap: float = option(0.25, title="Overlap", meaning="Shared with the next.", least=0, most=0.9, advanced=True)
    shifts: int = option(0, title="Shifts", meaning="Runs to average.", least=0, most=10, advanced=True)
    seed: int = option(0, title="Seed", meaning="Where chance begins.", least=0, most=2**32, advanced=True)
    smooth: Switch = option(True, title="Smooth", meaning="Less flicker.")
    head: str = option("a", title="Head", meaning="Who decides.", choices=("a", "b"))
    extras: WordList = option((), title="Extras", meaning="What to keep.", choices=("x", "y"))
    chunk: int | str = option("auto", title="Chunk", meaning="Rows at once.", least=1, choices=("auto", "off"))
    recycles: int | None = option(None, title="Recycles", meaning="Rounds.", least=0, most=24)
    softness: float = option(0.0, title="Softness", meaning="Of the edge.", least=0, most=20, unit="pixels")
    note: str = option("", title="Note", meaning="Anything.")
