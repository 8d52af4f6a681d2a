"""Lines of the log: plain text for a terminal, or with FOURFOLD_LOG=json one JSON object each for a collector.

A line belongs to a job where it was written in the job's thread. The token of a job opens its files, so that the log
has a digest of it; studio and backend write the same one. Of an exception, JSON has the kind and the places in the
code: its text may name files of a visitor.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

SETTING = "FOURFOLD_LOG"

PLAIN = "%(asctime)s %(name)s: %(message)s%(about)s"

_job: ContextVar[str] = ContextVar("job", default="")


def job_name(token: str) -> str:
    """What the log calls the job of a token.

    >>> job_name("a-token-that-nobody-guesses")
    '6ca0626e3405'
    """
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def begin_job(token: str) -> None:
    """All lines of this thread belong to the job of a token, until `end_job`."""
    _job.set(job_name(token))


def end_job() -> None:
    """The lines of this thread belong to no job any more."""
    _job.set("")


class _About(logging.Filter):
    """Adds the job and the facts of a line to its plain text."""

    def filter(self, record: logging.LogRecord) -> bool:
        about = {"job": _job.get(), **getattr(record, "facts", {})}
        words = " ".join(f"{name}={value}" for name, value in about.items() if value != "")
        record.about = f" {words}" if words else ""
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, job, facts, and the exception's kind and places."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "job": _job.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            places = traceback.extract_tb(record.exc_info[2])
            line["exception"] = type(record.exc_info[1]).__name__
            line["at"] = [f"{Path(place.filename).name}:{place.lineno}" for place in places]
        return json.dumps({name: value for name, value in line.items() if value != ""}, ensure_ascii=False)


def configure() -> None:
    """Write every line of this process to standard error, in the form that FOURFOLD_LOG names."""
    handler = logging.StreamHandler()
    handler.addFilter(_About())
    is_json = os.environ.get(SETTING, "").strip().lower() == "json"
    handler.setFormatter(JsonLines() if is_json else logging.Formatter(PLAIN))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
