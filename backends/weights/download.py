"""Bring one file over HTTP, carrying on where an earlier try stopped."""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from backends.core.errors import DownloadFailed

log = logging.getLogger(__name__)

Counts = Generator[tuple[int, int], None, None]
"""Yields (bytes here, bytes in all); bytes in all is 0 where nobody has said."""

REPORT_SECONDS = 0.1
"""Seconds between two reports at most, so that a caller can cancel, and at least, so that it is not drowned."""

_WORTH_TRYING_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_REAL_GAIN = 1 << 20
_CEILING = 64 << 30


@dataclass(frozen=True)
class Origin:
    """Where a file is, and what is known of it. `bytes` is 0 where its size is not known.

    `identity` tells this file from others (its digest): a partial file of another identity is never continued.
    """

    url: str
    bytes: int = 0
    identity: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    gated: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


@dataclass(frozen=True)
class Patience:
    """How long a server may keep silent, in seconds, and how often a cut is tried again.

    The pause doubles after each try that gained less than a mebibyte.
    """

    connect: float = 10.0
    read: float = 15.0
    tries: int = 4
    pause: float = 0.5


class _Cut(Exception):
    """This try ended early; another one may do better. The text is what to say if none does."""


class _Offer:
    """What the server said about the file at the moment the partial copy was begun."""

    def __init__(self, part: Path, identity: str) -> None:
        self.part = part
        self.path = part.with_name(f".{part.name}.json")
        self.identity = identity

    def read(self) -> dict[str, str]:
        """The validators of the partial copy, or {} when it belongs to another file or to nobody."""
        try:
            known = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):  # a note torn by a power cut is worth no more than none
            return {}
        return known if isinstance(known, dict) and known.get("identity") == self.identity else {}

    def write(self, response: httpx.Response) -> None:
        self.path.write_text(json.dumps({"identity": self.identity, **_validators(response)}))

    def partial_bytes(self) -> int:
        """Bytes of the partial copy that can be continued; 0 where there is nothing to go on."""
        if not self.part.exists():
            return 0
        if not self.read():
            self.discard()
            return 0
        return self.part.stat().st_size

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def discard(part: Path) -> None:
    """Forget a partial copy and what is noted about it."""
    _Offer(part, "").discard()


def download(origin: Origin, part: Path, patience: Patience | None = None) -> Counts:
    """Make `part` the whole of the file at `origin`; closing the generator keeps what has arrived.

    A later call goes on from there with a range request, on the condition (RFC 9110, If-Range) that the file is
    still the same; a server that ignores ranges, or holds another file by now, restarts it. The content is not
    checked here, only its size where that is known.

    Raises:
        DownloadFailed: with one sentence; `part` stays, unless the server sent more than the file holds.
        OSError: the disk refused.
    """
    patience = patience or Patience()
    offer = _Offer(part, origin.identity)
    timeout = httpx.Timeout(patience.read, connect=patience.connect)
    best, failed = offer.partial_bytes(), 0
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        while True:
            try:
                yield from _attempt(client, origin, offer)
                return
            except _Cut as cut:
                log.info("download of %s cut at %d bytes: %s", origin.url, offer.partial_bytes(), cut)
                # A server that starts over and cuts at the same place each time must not be asked for ever.
                failed = 1 if offer.partial_bytes() >= best + _REAL_GAIN else failed + 1
                best = max(best, offer.partial_bytes())
                if failed >= patience.tries:
                    raise DownloadFailed(str(cut)) from cut
            for _ in _pause(patience.pause * 2 ** (failed - 1)):
                yield offer.partial_bytes(), origin.bytes


def _attempt(client: httpx.Client, origin: Origin, offer: _Offer) -> Counts:
    have = offer.partial_bytes()
    if origin.bytes and have == origin.bytes:
        yield have, origin.bytes
        return
    try:
        with client.stream("GET", origin.url, headers=_request_headers(origin, offer, have)) as response:
            start, total = _accept(response, origin, offer, have)
            yield from _receive(response, origin, offer, start, total)
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise DownloadFailed(f"The address at {origin.host} does not lead to a file; please report this.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise _unreachable(error, origin) from error
    except httpx.TransportError as error:
        raise _Cut(
            f"The download from {origin.host} was cut off; what has arrived is kept, "
            "so try again and it goes on from there."
        ) from error


def _request_headers(origin: Origin, offer: _Offer, have: int) -> dict[str, str]:
    # A compressed transfer would make byte ranges count something else than the file's own bytes.
    headers = {"User-Agent": "fourfold", **origin.headers, "Accept-Encoding": "identity"}
    if have:
        known = offer.read()
        headers["Range"] = f"bytes={have}-"
        if condition := known.get("etag") or known.get("modified"):
            headers["If-Range"] = condition
    return headers


def _accept(response: httpx.Response, origin: Origin, offer: _Offer, have: int) -> tuple[int, int]:
    """Where to write from and the size in all, from the answer's head; 0 for a size nobody said."""
    if response.status_code == 206 and have:
        start, total = _content_range(response)
        if start != have or _another_file(response, offer):
            offer.discard()
            raise _Cut(f"{origin.host} sent another part of the file than the one asked for; please try again later.")
    elif response.status_code == 200:
        start, total = 0, int(response.headers.get("Content-Length") or 0)
    elif response.status_code == 416:
        offer.discard()
        raise _Cut(f"{origin.host} would not go on with a download that had begun; please try again.")
    else:
        raise _refusal(response.status_code, origin)
    if origin.bytes and total and total != origin.bytes:
        raise DownloadFailed(
            f"{origin.host} offers a file of {total:,} bytes where one of {origin.bytes:,} bytes was published, "
            "so nothing was taken; if this is a public network, open its sign-in page first."
        )
    return start, origin.bytes or total


def _receive(response: httpx.Response, origin: Origin, offer: _Offer, start: int, total: int) -> Counts:
    if not start:
        offer.discard()
        offer.write(response)
    done, reported = start, time.monotonic()
    yield done, total
    with offer.part.open("ab") as sink:
        for chunk in response.iter_raw():
            if done + len(chunk) > (total or _CEILING):
                offer.discard()
                raise DownloadFailed(f"{origin.host} sent more than the file it promised, so it was thrown away.")
            sink.write(chunk)
            done += len(chunk)
            if time.monotonic() - reported >= REPORT_SECONDS:
                sink.flush()
                yield done, total
                reported = time.monotonic()
    if done < total:
        raise _Cut(f"{origin.host} stopped sending before the file was whole; please try again later.")
    yield done, total


def _validators(response: httpx.Response) -> dict[str, str]:
    """What may stand in If-Range: a strong entity tag, else the date (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    found = {
        "etag": "" if etag.startswith("W/") else etag,
        "modified": response.headers.get("Last-Modified", ""),
    }
    return {name: value for name, value in found.items() if value}


def _another_file(response: httpx.Response, offer: _Offer) -> bool:
    """Whether a range comes from a file that changed meanwhile, for servers that know ranges but not If-Range."""
    known, now = offer.read(), _validators(response)
    return any(known[name] != now[name] for name in ("etag", "modified") if name in known and name in now)


def _content_range(response: httpx.Response) -> tuple[int, int]:
    """`bytes 100-199/200` as (100, 200); a total of `*` as 0, nonsense as (-1, 0)."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes" or not start.isdecimal():
        return -1, 0
    return int(start), int(total) if total.isdecimal() else 0


def _refusal(status: int, origin: Origin) -> Exception:
    if status in _WORTH_TRYING_AGAIN:
        return _Cut(f"{origin.host} is busy or out of order at the moment (answer {status}); please try again later.")
    if status in {401, 403}:
        if origin.gated:
            return DownloadFailed(
                f"{origin.host} asks who you are: accept the model's terms on its page there, "
                "then start Fourfold with your access token in HF_TOKEN."
            )
        return DownloadFailed(f"{origin.host} does not let this file be downloaded (answer {status}).")
    if status in {404, 410}:
        return DownloadFailed(f"{origin.host} does not have this file any more; get it elsewhere and import it.")
    return DownloadFailed(f"{origin.host} gave an answer that is no file (answer {status}); please try again later.")


def _unreachable(error: Exception, origin: Origin) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return DownloadFailed(
                f"The secure connection to {origin.host} could not be verified; "
                "check this computer's clock, or ask whoever runs your network."
            )
        cause = cause.__cause__ or cause.__context__
    return _Cut(f"{origin.host} cannot be reached; check the network connection, or import the file by hand.")


def _pause(seconds: float) -> Iterator[None]:
    """Wait in small steps, so that a caller can leave meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield
        time.sleep(min(left, REPORT_SECONDS))


def size_text(count: int) -> str:
    """A number of bytes as people read it: 84 MB, 2.6 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            value = count / scale
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count} bytes"
