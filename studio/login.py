"""Logging in by OpenID Connect: Streamlit's own `st.login`, where `.streamlit/secrets.toml` has a section `[auth]`.

A visitor is known by issuer and subject together, the only claims that stay and are never given to somebody else
(OpenID Connect Core 1.0, section 5.7); names and addresses are only shown.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from backends.core.errors import BadInput
from studio import streamlit_patches, visitors

PROVIDER_KEYS = ("client_id", "server_metadata_url")
"""What a section of a provider has; `[auth]` itself is one where it has them."""

STREAMLIT_PATH = "/_stcore/"
"""Addresses of Streamlit's own: its pages ask who it is by themselves."""

NO_AUTHLIB = (
    "The secrets ask visitors to log in, which needs one more library: pip install -r requirements-login.txt "
    "-c constraints.txt"
)
NO_PROVIDER = (
    "The section [auth] of .streamlit/secrets.toml names no provider: it needs client_id, client_secret, "
    "server_metadata_url, redirect_uri and cookie_secret."
)
LOG_IN_FIRST = "Log in to this studio first: open its first page.\n"


def is_asked() -> bool:
    """Whether visitors have to log in."""
    return bool(streamlit_patches.auth_settings())


def check() -> None:
    """Raises BadInput where a log-in is asked for and could not work."""
    if not is_asked():
        return
    if not has_authlib():
        raise BadInput(NO_AUTHLIB)
    settings = streamlit_patches.auth_settings()
    if not providers() or not settings.get("redirect_uri") or not settings.get("cookie_secret"):
        raise BadInput(NO_PROVIDER)


def has_authlib() -> bool:
    """Whether the library is there that `st.login` needs."""
    return importlib.util.find_spec("authlib") is not None


def providers() -> tuple[str, ...]:
    """The names of the providers to choose from; "" for the one of `[auth]` itself."""
    settings = streamlit_patches.auth_settings()
    named = [name for name, value in settings.items() if isinstance(value, Mapping) and _is_provider(value)]
    return (*([""] if _is_provider(settings) else []), *named)


def _is_provider(section: Mapping[str, Any]) -> bool:
    return all(section.get(key) for key in PROVIDER_KEYS)


def of_page() -> str | None:
    """The visitor whose page this thread draws; EVERYBODY where it draws none, or nobody logs in."""
    claims = streamlit_patches.page_claims()
    if claims is None or not is_asked():
        return visitors.EVERYBODY
    return identity(claims)


def identity(claims: Mapping[str, Any]) -> str:
    """Who it is that these claims of a provider speak of; NOBODY where they do not say so."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    whole = isinstance(issuer, str) and isinstance(subject, str) and issuer and subject
    return f"{issuer}|{subject}" if claims.get("is_logged_in") is True and whole else visitors.NOBODY


def name_of(claims: Mapping[str, Any]) -> str:
    """What to call a visitor on the page."""
    return next((str(claims[key]) for key in ("email", "name", "preferred_username", "sub") if claims.get(key)), "")


class Visitors:
    """ASGI middleware: addresses of the studio answer for the visitor whose cookie comes along, and nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or STREAMLIT_PATH in scope["path"] or not is_asked():
            await self.app(scope, receive, send)
            return
        visitor = identity(_claims(HTTPConnection(scope).cookies))
        if scope["type"] == "websocket" and visitor == visitors.NOBODY:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": LOG_IN_FIRST.strip()})
            return
        with visitors.acting(visitor):
            await self.app(scope, receive, send)


def _claims(cookies: Mapping[str, str]) -> Mapping[str, Any]:
    """What the signed cookie of a log-in says; nothing where there is none, or its signature is not ours."""
    text = streamlit_patches.login_cookie(cookies)
    try:
        claims = json.loads(text) if text else {}
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
