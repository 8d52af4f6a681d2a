"""The token that servers ask for where the operator has set one: a word that all who may use them know."""

from __future__ import annotations

import os
import secrets

SETTING = "FOURFOLD_TOKEN"
OPEN_SETTING = "FOURFOLD_OPEN"
"""1 lets everybody in who can reach a server, without a token."""

HEADER = "x-fourfold-token"
"""Where programs send the token."""


def token() -> str:
    """The token of this process's servers, or "" where none is asked for."""
    return os.environ.get(SETTING, "").strip()


def is_open() -> bool:
    """Whether the operator said that no token is needed, on whatever address."""
    return os.environ.get(OPEN_SETTING, "").strip().lower() in ("1", "true", "yes")


def generate() -> str:
    """A new token for this process and those that it starts."""
    os.environ[SETTING] = secrets.token_urlsafe(18)
    return token()


def headers() -> dict[str, str]:
    """What a client of a server of ours sends along."""
    return {HEADER: token()} if token() else {}
