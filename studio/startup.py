"""What the studio checks and says before it serves: its address, who can reach it, and what earlier ones left."""

from __future__ import annotations

import errno
import os
import socket
import tempfile

from backends.core import access
from backends.core.errors import BadInput
from backends.serving.guard import is_loopback
from backends.serving.workdir import WorkDir
from studio import login

PREFIX = "fourfold-studio-"

OPEN_TO_ALL = (
    "  WARNING: anyone who can reach this computer over the network can see, change and delete everything here:\n"
    "  there is no log-in. Leave out --open (or OPEN=1) and it asks for a token.\n"
)


def address() -> tuple[str, int]:
    """HOST and PORT. Raises BadInput where nobody can listen there."""
    host, text = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8501"
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise BadInput(f"PORT must be a number between 1 and 65535, not {text!r}.")
    _check_free(host, int(text))
    return host, int(text)


def _check_free(host: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise BadInput(f"Port {port} on {host} is taken. Choose another: make app PORT={port + 1}") from error
        if number in (errno.EACCES, errno.EPERM):
            raise BadInput(f"Port {port} is kept for the system. Choose one above 1023: make app PORT=8501") from error
        raise BadInput(f"HOST={host} is no address of this computer: set it to 127.0.0.1, or leave it out.") from error


def admit(host: str) -> str:
    """See to it that strangers need a token where they can reach the studio, unless they log in, or all may come in.

    Returns:
        The token that was made for this start, to be shown once; "" where the operator set one, or none is needed.
    """
    free = is_loopback(host) or access.token() or access.is_open() or login.is_asked()
    return "" if free else access.generate()


def greeting(host: str, port: int, made_token: str = "") -> str:
    """Where the studio is, and who can reach it; a token that was made for this start is in its addresses."""
    query = f"/?token={made_token}" if made_token else ""
    everywhere = host in ("0.0.0.0", "::")
    shown = "localhost" if everywhere or host == "127.0.0.1" else f"[{host}]" if ":" in host else host
    lines = f"\n  Fourfold is at http://{shown}:{port}{query}\n"
    if everywhere:
        lines += f"  From other computers: http://{socket.gethostname()}:{port}{query}\n"
    if made_token:
        lines += "  Its token is new at every start: set FOURFOLD_TOKEN to keep one, or --open (OPEN=1) for none.\n"
    elif login.is_asked():
        lines += "  Visitors log in, and each has a library of their own.\n"
    elif access.token():
        lines += "  It asks for your FOURFOLD_TOKEN: add ?token=… to the address, once in each browser.\n"
    elif not is_loopback(host):
        lines += OPEN_TO_ALL
    return f"{lines}  Press Ctrl-C to stop it.\n"


def own_temporary_folder() -> WorkDir:
    """Make a folder for all temporary files of this process, once those of studios that were killed are gone.

    Raises BadInput where there is no room for temporary files.
    """
    folder = WorkDir(PREFIX)
    try:
        folder.make()
    except OSError as error:
        place = folder.path.parent
        raise BadInput(f"Fourfold cannot make temporary files in {place} ({error.strerror}): set TMPDIR.") from error
    tempfile.tempdir = str(folder.path)
    return folder
