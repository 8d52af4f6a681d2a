"""Real model servers for tests, in a thread of this process or in one of their own."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import PATIENCE, answers, wait_for


@dataclass(frozen=True)
class ModelServer:
    """A running model server and the folder of its weights."""

    address: str
    weights: Path

    @contextmanager
    def with_weights(self, task: str, *writers: Callable[[Path], object]) -> Iterator[Path]:
        """The folder `yours/TASK` while it holds what `writers` write there; it is taken away afterwards."""
        folder = self.weights / "yours" / task
        folder.mkdir(parents=True)
        try:
            for write in writers:
                write(folder)
            yield folder
        finally:
            shutil.rmtree(folder)


def serving(root: Path) -> Iterator[str]:
    """Serve the tasks of `backends.core.task` on a free port until the generator is closed."""
    import uvicorn

    from backends.serving.gradio_app import build
    from backends.serving.host import Host
    from backends.weights.store import WeightStore

    app = build(Host(WeightStore(root / "weights"), "cpu"), root)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    wait_for(lambda: answers(f"{address}/readyz"), PATIENCE)
    yield address
    server.should_exit = True
    thread.join(10)
