"""Connects to a Ray cluster, or starts one of this machine, and makes the pool of its workers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import ray

from backends.cluster.exchange import Exchange
from backends.cluster.host import ClusterHost
from backends.cluster.messages import WorkerSpec
from backends.cluster.options import LOCAL, NOT_STARTED, ClusterOptions
from backends.cluster.pool import Pool
from backends.cluster.remote import RemoteWorker
from backends.core import access, task
from backends.core.errors import BadInput, EngineFailed
from backends.serving.workdir import WorkDir

log = logging.getLogger(__name__)

RAY_PREFIX = "fourfold-ray-"
STORE_BYTES = 80 * 1024**2
"""Memory for Ray's own store, which only events pass through; it takes no less."""

STARTS = 3
"""Ray gives its processes thirty seconds to come up, which a busy machine may not do at first."""

SETTINGS = ("FOURFOLD_", "OMP_", "MKL_")
"""Of the environment, what workers on this machine share."""


class ClusterSite:
    """A cluster that this process has joined, as `serving.process` uses it: its host, and its place for work.

    Args:
        options: how it is used.
        root: folder of uploads and results.

    Raises:
        BadInput: nothing answers at the address, or files cannot be exchanged there.
        EngineFailed: Ray does not start on this machine.
    """

    def __init__(self, options: ClusterOptions, root: Path) -> None:
        exchange = Exchange(options.exchange)
        self._leave = connect(options)
        least, most, gpus = resources(options)
        self.host = ClusterHost(device="cuda" if gpus else "cpu")
        spec = _spec(options, root, self.host.device)
        self.place = Pool(self.host, lambda: RemoteWorker(spec, options.cpus, gpus), exchange, least, most)

    def close(self) -> None:
        """End the workers, and the cluster if it was started here."""
        self.place.close()
        self._leave()


def connect(options: ClusterOptions) -> Callable[[], None]:
    """Join the cluster; what is returned leaves it, and ends it if it was started here. Raises BadInput."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if options.address != LOCAL:
        try:
            ray.init(address=options.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise BadInput(f"No Ray cluster answers at {options.address}.") from error
        return ray.shutdown
    folder = WorkDir(RAY_PREFIX)
    folder.make()
    for left in reversed(range(STARTS)):
        try:
            _start_here(options, folder)
            break
        except Exception as error:  # Ray raises nothing narrower
            log.warning("Ray did not start", exc_info=error)
            ray.shutdown()
            if not left:
                folder.remove()
                raise EngineFailed(f"{NOT_STARTED} The log says more.") from error

    def leave() -> None:
        ray.shutdown()
        folder.remove()

    return leave


def _start_here(options: ClusterOptions, folder: WorkDir) -> None:
    ray.init(
        num_cpus=max(os.cpu_count() or 1, round(options.workers[1] * options.cpus)),
        include_dashboard=False,
        object_store_memory=STORE_BYTES,
        _temp_dir=str(folder.path),
        log_to_driver=False,
        logging_level=logging.ERROR,
    )


def resources(options: ClusterOptions) -> tuple[int, int, float]:
    """The least and the most workers, and the graphics cards of each."""
    cards = ray.cluster_resources().get("GPU", 0)
    gpus = options.gpus if options.gpus is not None else float(cards > 0)
    least, most = options.workers
    if not most:
        machines = sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes())
        least = most = max(1, int(cards / gpus) if gpus else machines)
    return least, most, gpus


def _spec(options: ClusterOptions, root: Path, device: str) -> WorkerSpec:
    shared = {name: value for name, value in os.environ.items() if name.startswith(SETTINGS) and name != access.SETTING}
    return WorkerSpec(
        task.PACKAGES,
        device,
        options.models,
        root.resolve(),
        options.exchange,
        shared if options.address == LOCAL else {},
    )
