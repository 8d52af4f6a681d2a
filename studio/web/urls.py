"""The studio's own addresses as a browser sees them: runs and their files."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from studio.library.models import StoredArtifact


def base_path() -> str:
    """What comes before the addresses here where Streamlit is told to live under a path of a larger site."""
    from streamlit import config

    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def run_url(run_id: str) -> str:
    """What the addresses of a run's files and exports begin with."""
    return f"{base_path()}/runs/{run_id}"


def zip_url(run_ids: Sequence[str]) -> str:
    """Where a browser finds the results of several runs in one zip."""
    return f"{base_path()}/runs.zip?ids={','.join(run_ids)}"


def file_url(run_id: str, stored: StoredArtifact, *, download: bool = False) -> str:
    """Where a browser finds a file of a run; with `download`, under a readable name in its downloads."""
    return f"{run_url(run_id)}/files/{stored.file}{'?download=1' if download else ''}"


def data_url(kind: str, data: bytes) -> str:
    """A file as text that stands for its address; `kind` is its media type, such as "image/webp"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
