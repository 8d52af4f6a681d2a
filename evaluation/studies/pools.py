"""Where the parts of a study are computed: in processes of this machine, or as tasks of a Ray cluster.

Ray is optional (`requirements-cluster.txt`). Every machine of a cluster needs Fourfold, its weights and
the data at the same paths, as on a shared disk; rows come back to the machine that writes them.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
from collections.abc import Callable, Collection, Hashable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from backends.cluster.options import LOCAL, NO_RAY, NOT_STARTED
from backends.core.errors import BadInput, EngineFailed

Work = Callable[..., Any]


class Pool(Protocol):
    """`size` pieces of work at a time."""

    size: int

    def submit(self, *arguments: Any) -> Hashable:
        """Begin a piece of work; what is returned stands for it."""
        ...

    def finished(self, pending: Collection[Any]) -> Iterator[tuple[Any, Any]]:
        """Wait for one of `pending` or more; yields each with its result."""
        ...


class Processes:
    """Processes of this machine, each with one thread."""

    def __init__(self, pool: ProcessPoolExecutor, size: int, work: Work) -> None:
        self.pool, self.size, self.work = pool, size, work

    def submit(self, *arguments: Any) -> Future[Any]:
        return self.pool.submit(self.work, *arguments)

    def finished(self, pending: Collection[Future[Any]]) -> Iterator[tuple[Future[Any], Any]]:
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            yield future, future.result()


@contextmanager
def processes(size: int, work: Work) -> Iterator[Pool]:
    """Raises EngineFailed where a process was ended from outside."""
    context = multiprocessing.get_context("spawn")  # a fork of a process that has used torch may hang
    pool = ProcessPoolExecutor(size, context, initializer=_one_thread)
    try:
        yield Processes(pool, size, work)
    except BrokenProcessPool as error:
        raise EngineFailed(
            "A process that ran models was ended, for instance for want of memory: run the same command again with "
            "fewer workers; it goes on from here."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class RayTasks:
    """Tasks of a Ray cluster, one processor each."""

    def __init__(self, ray: Any, work: Work) -> None:
        self.ray, self.size = ray, max(1, int(ray.cluster_resources().get("CPU", 1)))
        self.task = ray.remote(num_cpus=1, max_retries=2)(work)

    def submit(self, *arguments: Any) -> Any:
        return self.task.remote(*arguments)

    def finished(self, pending: Collection[Any]) -> Iterator[tuple[Any, Any]]:
        done, _ = self.ray.wait(list(pending), num_returns=1)
        for reference in done:
            yield reference, self.ray.get(reference)


@contextmanager
def ray_cluster(address: str, work: Work) -> Iterator[Pool]:
    """The cluster at `address`, such as `ray://head:10001`; `local` starts one of this machine.

    Raises:
        BadInput: Ray is not installed, nothing answers there, or it does not start here.
        EngineFailed: the cluster lost a piece of work for good.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise BadInput(NO_RAY) from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises nothing narrower where its processes do not come up in time
        raise BadInput(NOT_STARTED if address == LOCAL else f"No Ray cluster answers at {address}.") from error
    try:
        yield RayTasks(ray, work)
    except ray.exceptions.RayError as error:
        raise EngineFailed("The cluster lost a part of the study: run the same command again.") from error
    finally:
        ray.shutdown()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
