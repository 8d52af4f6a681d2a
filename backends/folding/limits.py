"""The largest proteins that can be folded and opened."""

from __future__ import annotations

MAX_FOLDED_RESIDUES = 4_000
"""The longest sequence that any engine is given: its pair representation alone would take 8 GB."""

MAX_STRUCTURE_RESIDUES = 5_000
"""The largest structure that is opened: beyond it maps of residue pairs no longer fit a page."""

MAX_TOKENS = 8_000
"""The largest PAE that is read: residues, and the atoms of ligands and modified residues, which count one by one."""

MAX_LISTED_RESIDUES = 200_000
"""The largest structure whose chains are listed, to choose one of them."""
