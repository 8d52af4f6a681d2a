"""Scripts by others that the studio ships, so that it works without a network."""

from __future__ import annotations

from pathlib import Path

THREEDMOL = Path(__file__).parent / "components" / "structure_workbench" / "vendor" / "3Dmol-min.js"
"""3Dmol.js, which draws molecules; see `VENDOR.md` beside it."""

THREEDMOL_VERSION = "2.5.5"
THREEDMOL_SHA256 = "f7cc78921ae72e7623e89cdd111434f58c2efddd2ffda1cd212644b406fb8016"
THREEDMOL_ADDRESS = f"/assets/3Dmol-{THREEDMOL_VERSION}-min.js"
"""Where the studio serves it, below its base path: the version in the name lets browsers keep it for good."""
