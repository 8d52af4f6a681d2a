"""The options of a folding job: what each means, and reading them from words or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backends.core.errors import BadInput

EXTRAS = ("contacts", "distogram", "attention", "mutations")

OPTIONS: dict[str, str] = {
    "recycles": "How often the network looks at its own result again, 0 to 24; empty for what it was trained with.",
    "chunk": "How many rows are worked on at once: “auto” fits them to the free memory, “off” takes all, or a number.",
    "extras": f"What else to keep, one or several of {', '.join(EXTRAS)}; empty for contacts alone.",
    "models": "How many results to make, the best first: ColabFold's five networks, or drawn by ESMFold2 (1 to 5).",
    "chain": "Which chain to work on where the file has several: its name, or its number from 1.",
    "language": "“on” has Coevolution ask a small language model for helices and strands; its folds were no better.",
    "seed": "A whole number that the random choices start from; the same one repeats a result.",
}


def extras(options: Mapping[str, Any], offered: tuple[str, ...]) -> frozenset[str]:
    """Which extras to keep, of those an engine offers; contacts where nothing is said. Raises BadInput."""
    given = str(options.get("extras") or "").replace(",", " ").split()
    unknown = [name for name in given if name not in offered]
    if unknown:
        known = ", ".join(offered) or "none"
        raise BadInput(f"This model does not give “{unknown[0]}”; it gives: {known}.")
    return frozenset(given or ({"contacts"} & set(offered)))
