"""Everything of Gradio that this server uses and Gradio does not promise to keep, in one place.

Written for gradio 6.31. `missing` names what a version of Gradio lacks; a test calls it, so that a new version that
changed something is found by name and not by a job that hangs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from backends.core import access
from backends.core.errors import BadInput, UserError
from backends.core.event_json import VISITOR_HEADER
from backends.serving.guard import is_loopback
from backends.serving.quick_gradio import gr
from backends.serving.uploads import named_files, refuse_addresses

LocalContext = gr.context.LocalContext
Event = gr.queueing.Event

Item = TypeVar("Item")

log = logging.getLogger(__name__)

UNREADABLE = "This request names no file that was uploaded here, or is not of the form that /gradio_api/info describes."

FREE_SECONDS = 0.02
"""Between two looks at the queue. Gradio's own millisecond keeps a tenth of a processor at work for nothing."""

MAX_VISITOR_LETTERS = 64

RESERVED = 4
"""Places in the queue that no client can take alone."""

WAITING_SETTING = "FOURFOLD_MAX_WAITING"

CANCEL_PATH = "/gradio_api/cancel"
"""Where a client says that it wants a job no more; the body names the event."""

UPLOAD_PATH = "/gradio_api/upload"

API_PREFIX = "/gradio_api/"
API_ROUTES = (
    "app_id", "call", "cancel", "heartbeat", "info", "login_check", "openapi.json", "queue", "reset", "theme.css",
    "token", "upload", "upload_progress", "user",
)  # fmt: skip
"""What the page and Gradio's clients need under API_PREFIX. All else is hidden: files, proxies, a second start of the
queue (startup-events), which would leave jobs waiting for ever, and what only Gradio's own editors use."""

HIDDEN_PAGES = ("/monitoring", "/runs", "/login", "/svelte")

CLASSES: dict[str, Any] = {"gradio.context.LocalContext": LocalContext, "gradio.Blocks": gr.Blocks}
ATTRIBUTES = {
    "gradio.context.LocalContext": ("event_id", "request"),
    "gradio.Blocks": ("preprocess_data",),
    "gradio.Blocks()": ("has_launched", "upload_file_set", "_queue"),
    "gradio.Blocks()._queue": (
        "event_queue_per_concurrency_id",
        "event_ids_to_events",
        "push",
        "max_size",
        "broadcast_estimations",
        "sleep_when_free",
        "progress_update_sleep_when_free",
    ),
}
EVENT_ATTRIBUTES = ("alive", "data", "request")


class Page(gr.Blocks):
    """Gradio's page, which tells the server of its uploads and takes no file from elsewhere."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *rest: Any, **named: Any) -> Any:
        """Every way into an endpoint leads through here, before Gradio moves a file or fetches one."""
        try:
            refuse_addresses(inputs)
        except UserError as error:
            raise gr.Error(error.sentence, print_exception=False) from error
        try:
            return await super().preprocess_data(block_fn, inputs, *rest, **named)
        except Exception as error:  # whose text is for programmers, and may name folders of this machine
            log.info("a request could not be read: %r", error)
            raise gr.Error(UNREADABLE, print_exception=False) from error

    def waiting(self) -> list[str]:
        """The files of the jobs in the queue."""
        return [file["path"] for event in self._queued() if event.data for file in named_files(event.data.data)]

    def _share_fairly(self) -> None:
        """Let clients take turns in the queue, and none fill it: one that asks for ten jobs is not ten times as old."""
        queue: Any = self._queue
        push, most = queue.push, max_waiting()

        async def push_in_turn(body: Any, request: Any, username: str | None) -> Any:
            mine = sum(_client(event.request) == _client(request) for event in self._queued())
            if mine >= min(queue.max_size - RESERVED, most):
                return (
                    False,
                    f"Queue is full. Jobs of one client may take {mine} of its {queue.max_size}.",
                    "queue_full",
                )
            answer = await push(body, request, username)
            for name, waiting in queue.event_queue_per_concurrency_id.items():
                waiting.queue[:] = in_turn(waiting.queue, lambda event: _client(event.request))
                queue.broadcast_estimations(name)
            return answer

        queue.push = push_in_turn

    def is_queued(self, header: str, value: str) -> bool:
        """Whether a job waits in the queue that was asked for with this header."""
        return any(event.request.headers.get(header) == value for event in self._queued())

    def queue_length(self) -> int:
        """How many jobs wait."""
        return len(self._queued())

    def _queued(self) -> list[Event]:
        queues = list(self._queue.event_queue_per_concurrency_id.values())
        return [event for queue in queues for event in list(queue.queue)]

    def mount(self, uploads: Any) -> None:
        """Settle what Gradio only settles for pages that it launches itself.

        Gradio checks that an input file was really uploaded only on pages that were launched; a mounted page never is,
        and would read any file of this machine that a client names.
        """
        self._share_fairly()
        self._queue.sleep_when_free = self._queue.progress_update_sleep_when_free = FREE_SECONDS
        self.upload_file_set = uploads
        uploads.waiting = self.waiting
        self.has_launched = True

    def current_event(self) -> tuple[str, Callable[[], bool]]:
        """The id of the event that an endpoint answers right now, and whether its client is still there."""
        event_id = LocalContext.event_id.get(None) or ""

        def followed() -> bool:
            event = self._queue.event_ids_to_events.get(event_id)
            return event is not None and event.alive

        return event_id, followed if event_id else lambda: True


def max_waiting() -> int:
    """How many jobs of one client may wait, where the operator says so. Raises BadInput."""
    text = os.environ.get(WAITING_SETTING, "").strip()
    if text and not (text.isdecimal() and int(text) > 0):
        raise BadInput("FOURFOLD_MAX_WAITING is a number of jobs, such as 4.")
    return int(text) if text else sys.maxsize


def _client(request: Any) -> str:
    """Who sent a request, as far as turns go: an address; of a studio that is trusted so far, one of its visitors.

    A stranger who could name visitors would take a turn for each, so names count only on this machine, or where all
    who ask know the token.
    """
    host = request.client.host if request.client is not None else ""
    if not access.token() and not is_loopback(host):
        return host
    return f"{host} {request.headers.get(VISITOR_HEADER, '')[:MAX_VISITOR_LETTERS]}"


def in_turn(items: Sequence[Item], owner: Callable[[Item], str]) -> list[Item]:
    """The items in rounds, one of each owner a round; those of one owner keep their order.

    >>> in_turn(["a1", "a2", "a3", "b1", "b2", "c1"], lambda item: item[0])
    ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']
    """
    counts: Counter[str] = Counter()
    rounds = []
    for item in items:
        rounds.append(counts[owner(item)])
        counts[owner(item)] += 1
    order = sorted(range(len(items)), key=lambda index: rounds[index])
    return [items[index] for index in order]


def request_header(name: str) -> str:
    """A header of the request that an endpoint answers right now, or ""."""
    request = LocalContext.request.get(None)
    return str(request.headers.get(name) or "") if request is not None else ""


def is_hidden(path: str) -> bool:
    """Whether a path of Gradio's is not for anybody."""
    if path.startswith(API_PREFIX):
        return not _below(path.removeprefix(API_PREFIX).strip("/"), API_ROUTES)
    return _below(path, HIDDEN_PAGES)


def _below(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in names)


def missing() -> list[str]:
    """The names of the attributes above that this version of Gradio lacks."""
    with gr.Blocks() as page:
        pass
    page.queue()
    things = {**CLASSES, "gradio.Blocks()": page, "gradio.Blocks()._queue": getattr(page, "_queue", None)}
    names = [(name, each) for name, wanted in ATTRIBUTES.items() for each in wanted]
    lacking = [f"{name}.{each}" for name, each in names if not hasattr(things[name], each)]
    assigned = Event.__init__.__code__.co_names  # an event is made with a request, which there is none of here
    return lacking + [f"gradio.queueing.Event().{each}" for each in EVENT_ATTRIBUTES if each not in assigned]
