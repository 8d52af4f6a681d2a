"""Proteins in the registry of tasks."""

from __future__ import annotations

import io
from typing import NoReturn

from studio.tasks import StudioTask


def start_sample() -> NoReturn:
    """Open the first measured structure; it needs no weights."""
    from studio import launch
    from studio.proteins.samples import samples

    sample = samples()[0]
    launch.start("folding", sample.file, io.BytesIO(sample.text.encode()), TASK.fallback, {})


TASK = StudioTask(
    task="folding",
    page="pages/proteins.py",
    title="Proteins",
    icon=":material/deployed_code:",
    noun="protein",
    fallback="structure",
    offer="**Proteins**: the structure of a sequence in 3D, and how far to trust it, residue by residue.",
    sample_label="Try the sample structure",
    own_label="Use a protein of your own",
    start_sample=start_sample,
    exhibit="studio.proteins.exhibit",
    side_by_side="studio.proteins.side_by_side",
    results=("structure", "confidence", "sanity", "interfaces", "ranked"),
)
