"""Everything of Streamlit that the studio uses and Streamlit does not promise to keep, in one place.

Written for streamlit 1.67. `missing` names what a version of Streamlit lacks; a test calls it, so that a new version
that changed something is found by name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit import auth_util
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.starlette import starlette_app_utils, starlette_server, starlette_websocket

from backends.serving.connections import uvicorn_options

EXPIRE_SECONDS = 30.0
"""Between two looks for sessions that were closed too long ago to be taken up again (two minutes, says Streamlit)."""

SENDING_FAILED = "Error sending websocket payload"

_streamlit_options = getattr(starlette_server, "_get_uvicorn_config_kwargs", None)


def apply() -> None:
    """Before the server starts: end habits that Streamlit has when its own command did not start it."""
    # Streamlit takes a folder called pages/ for its older kind of navigation until app.py has run once; whoever opens
    # the address of a page first would then see that page without its frame.
    PagesManager.uses_pages_directory = False
    # It also takes the address that it is given for an edit of its configuration file and asks for a restart.
    logging.getLogger("streamlit.config").addFilter(lambda record: "[server]" not in record.getMessage())
    # It gives no way to say how many connections may be open, nor for how long idle ones stay.
    starlette_server._get_uvicorn_config_kwargs = _server_options
    # A page that was closed while it was drawn is no fault of anybody's.
    logging.getLogger(starlette_websocket.__name__).addFilter(lambda record: not is_disconnection(record))


def is_disconnection(record: logging.LogRecord) -> bool:
    """Whether a record of Streamlit's log, with its traceback, says only that a browser was gone before its page."""
    kind = record.exc_info[0] if record.exc_info else None
    gone = kind is not None and issubclass(kind, (RuntimeError, OSError))  # as Starlette and uvicorn say it
    return gone and record.getMessage() == SENDING_FAILED


def _server_options() -> dict[str, Any]:
    return {**(_streamlit_options() if _streamlit_options else {}), **uvicorn_options()}


async def free_closed_sessions(every: float = EXPIRE_SECONDS) -> None:
    """For ever: end the sessions of tabs that were closed a while ago, whose uploads are in memory.

    Streamlit does so only when somebody opens or closes the next page, which at night is nobody.
    """
    while True:
        await asyncio.sleep(every)
        expire_sessions(Runtime.instance())


def expire_sessions(runtime: Any) -> int:
    """End the stored sessions whose time is over; how many there were."""
    expired = runtime._session_mgr._session_storage._cache.expire()
    for _, info in expired:
        info.session.shutdown()
    return len(expired)


def bytes_of_uploads() -> int:
    """How much memory the uploads of all open pages take."""
    return Runtime.instance()._uploaded_file_mgr._total_bytes if Runtime.exists() else 0  # type: ignore[attr-defined]


def browser() -> str:
    """Tells the browser that the page of this thread is shown in from others; "" where no page is.

    It is the token that Streamlit gives each browser against forged requests, under another mask at each time. Whoever
    takes no cookies has only the session of this tab.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return ""
    token, _ = starlette_app_utils.decode_xsrf_token_string(st.context.cookies.get("_streamlit_xsrf", ""))
    return token.hex() if token else context.session_id


def auth_settings() -> Mapping[str, Any]:
    """The section `[auth]` of the secrets; empty where there is none, so that nobody has to log in."""
    return auth_util.get_secrets_auth_section().to_dict()


def page_claims() -> Mapping[str, Any] | None:
    """What a provider said of the visitor whose page this thread draws; None where it draws no page."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.user_info or {}


def login_cookie(cookies: Mapping[str, str]) -> bytes | None:
    """What the cookie of a log-in holds; None where there is none, or it was not signed here, or is too old."""
    return starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), starlette_websocket.USER_COOKIE_NAME)


def missing() -> list[str]:
    """The names of the attributes above that this version of Streamlit lacks."""
    storage, uploads = MemorySessionStorage(), MemoryUploadedFileManager("")
    things: dict[str, tuple[Any, str]] = {
        "PagesManager.uses_pages_directory": (PagesManager, "uses_pages_directory"),
        "starlette_server._get_uvicorn_config_kwargs": (starlette_server, "_get_uvicorn_config_kwargs"),
        "MemorySessionStorage()._cache": (storage, "_cache"),
        "TTLCache.expire": (TTLCache, "expire"),
        "AppSession.shutdown": (AppSession, "shutdown"),
        "starlette_app_utils.decode_xsrf_token_string": (starlette_app_utils, "decode_xsrf_token_string"),
        "MemoryUploadedFileManager()._total_bytes": (uploads, "_total_bytes"),
        "auth_util.get_secrets_auth_section": (auth_util, "get_secrets_auth_section"),
        "starlette_websocket._get_signed_cookie_with_chunks": (starlette_websocket, "_get_signed_cookie_with_chunks"),
        "starlette_websocket.USER_COOKIE_NAME": (starlette_websocket, "USER_COOKIE_NAME"),
    }
    lacking = [name for name, (thing, attribute) in things.items() if not hasattr(thing, attribute)]
    # Both are made with more than a test has; their constructors name what they assign.
    if SENDING_FAILED not in starlette_websocket.StarletteSessionClient._sender.__code__.co_consts:
        lacking.append("starlette_websocket.StarletteSessionClient._sender")
    if "_session_mgr" not in Runtime.__init__.__code__.co_names:
        lacking.append("Runtime()._session_mgr")
    if "_uploaded_file_mgr" not in Runtime.__init__.__code__.co_names:
        lacking.append("Runtime()._uploaded_file_mgr")
    return lacking
