"""Measure every attention layer of the models at hand, over sound, pixels, residues and words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for atlas.json, atlas.npz and heads.json"
    )
    parser.add_argument("--starters", action="store_true", help="leave out published weights that are present")


def run(chosen: argparse.Namespace) -> int:
    from evaluation.atlas import files, heads, models

    kept = heads.Collector()
    atlas = files.make(kept.through(models.layers_at_hand(published=not chosen.starters)))
    files.save(atlas, chosen.out)
    heads.save(kept.views.values(), chosen.out)
    for row in atlas.rows:
        reach = "–" if row["reach"] is None else f"{row['reach']:.2f}"
        sys.stdout.write(f"{row['model']} · {row['layer']}: entropy {row['entropy']:.2f}, reach {reach}\n")
    sys.stdout.write("\n".join(atlas.sentences) + f"\nFiles: {chosen.out}\n")
    return 0
