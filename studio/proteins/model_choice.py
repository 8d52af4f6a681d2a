"""What the models of the server can do, as `/info` says it, and which of them suits a protein.

Nothing here knows an engine by name: a server of another version, with other engines, is asked and not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.core.info import CardInfo
from backends.core.options import OptionInfo
from backends.folding.capabilities import FoldingCapabilities
from studio.proteins.probe import Probe

NEEDED = {
    "alignment": "needs an alignment of related sequences (A3M, Stockholm or aligned FASTA)",
    "structure": "needs a structure file (PDB or mmCIF)",
}


def capabilities(card: CardInfo) -> FoldingCapabilities:
    """What this model takes and gives. A server that does not say is taken to want a sequence."""
    return FoldingCapabilities.model_validate(card.capabilities)


def options(card: CardInfo) -> dict[str, OptionInfo]:
    """The options of this model by name, none where the server does not say."""
    return {info.name: info for info in card.options}


def mismatch(card: CardInfo, probe: Probe) -> str:
    """Why this model cannot work on this protein, one sentence; "" where it can, or nothing was brought."""
    wanted = capabilities(card).takes
    if not probe.query or wanted in ("sequence", probe.kind):
        return ""
    return f"“{card.title}” {NEEDED[wanted]}, but this is {probe.query.kind_name}. Choose another model."


def default_model(cards: Sequence[CardInfo], kind: str) -> str:
    """The model to begin with: the best that is here and takes what was brought, else the best that would."""
    fitting = [card for card in cards if capabilities(card).takes in ("sequence", kind)]
    if kind == "structure":  # somebody who brings a structure wants to see it, not to fold it anew
        fitting = [card for card in fitting if capabilities(card).takes == "structure"] or fitting
    ranked = sorted(fitting, key=lambda card: (card.here, card.preference), reverse=True)
    return ranked[0].id if ranked else ""
