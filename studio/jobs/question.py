"""A call of the model server that is no run of its own, such as a question about a finished run, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import httpx

from backends.core import access
from backends.core.event_json import (
    ArtifactMessage,
    NoticeMessage,
    PartialMessage,
    ProgressMessage,
    ResultMessage,
    StartedMessage,
)
from backends.core.info import Info
from studio.jobs.client import LOST, CallFailed, RemoteCall
from studio.jobs.receiver import Update, fetch_bytes

QUESTION = "question"
"""The task of the job that asks."""

PREVIEW = "preview"
"""The kind of the files of a first, coarse answer."""

MakeCall = Callable[[Info], tuple[str, list[Any]]]
"""From the server's /info to an endpoint and its arguments."""

Ask = Callable[[MakeCall], RemoteCall]
"""Begins a call once the server is there."""


@dataclass(frozen=True)
class AnswerFile:
    """A file of an answer; `suffix` is the ending of its name, such as ".npz"."""

    kind: str
    name: str
    suffix: str
    content: bytes


Preview = Callable[[AnswerFile], None]
"""Is given each file of a first, coarse answer while the whole one is being worked on."""


@dataclass(frozen=True)
class Answer:
    """What a call answered: files, sentences, and the facts of its result."""

    files: Sequence[AnswerFile]
    notices: Sequence[str]
    facts: Mapping[str, Any]


def receive(
    call: RemoteCall,
    update: Update,
    wanted: Callable[[str, str], bool] = lambda kind, name: True,
    preview: Preview = lambda file: None,
) -> Answer:
    """Follow a call to its end; the server's files are deleted then.

    Args:
        call: which has begun.
        update: called with what changes of the job's view.
        wanted: whether a file of this kind and name is to be fetched.
        preview: called with the files of a first answer, which are no part of the whole one.

    Raises:
        CallFailed: it ended without a result.
        httpx.HTTPError: a file did not arrive.
    """
    token = ""
    notices: list[str] = []
    parts: list[ArtifactMessage] = []
    try:
        for event in call:
            match event:
                case StartedMessage(job=token):
                    update(state="running", stage="Starting")
                case ProgressMessage(stage=stage, done=done, total=total, unit=unit):
                    update(state="running", stage=stage, done=done, total=total, unit=unit)
                case NoticeMessage(sentence=sentence):
                    notices.append(sentence)
                case PartialMessage(artifact=artifact) if artifact.kind == PREVIEW:
                    with suppress(httpx.HTTPError):  # the whole answer follows anyway
                        preview(_fetched(call, artifact))
                case PartialMessage(artifact=artifact):
                    parts.append(artifact)
                case ResultMessage(artifacts=artifacts, facts=facts):
                    files = [_fetched(call, item) for item in (*parts, *artifacts) if wanted(item.kind, item.name)]
                    return Answer(files, notices, facts)
    finally:
        if token:
            with suppress(httpx.HTTPError):  # a server that is gone has no files to delete
                httpx.delete(f"{call.address}/jobs/{token}", timeout=5, headers=access.headers())
    raise CallFailed("backend_lost", LOST)


def _fetched(call: RemoteCall, item: ArtifactMessage) -> AnswerFile:
    content = fetch_bytes(f"{call.address}{item.url}")
    return AnswerFile(item.kind, item.name, PurePosixPath(item.url).suffix, content)
