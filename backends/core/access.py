"""The token that servers ask for where the operator has set one: a word that all who may use them know."""

from __future__ import annotations

import os

SETTING = "FOURFOLD_TOKEN"
HEADER = "x-fourfold-token"
"""Where programs send the token."""


def token() -> str:
    """The token of this process's servers, or "" where none is asked for."""
    return os.environ.get(SETTING, "").strip()


def headers() -> dict[str, str]:
    """What a client of a server of ours sends along."""
    return {HEADER: token()} if token() else {}
