"""How a backend uses a cluster, and whether it can; Ray is not imported for this."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backends.core.errors import BadInput

LOCAL = "local"

NO_RAY = "This needs Ray, which is not installed: run `pip install -r requirements-cluster.txt -c constraints.txt`."
NOT_STARTED = "Ray did not start on this machine, which may be too busy: try again."
NOT_SHARED = (
    "The machines of a cluster need a place for files that all of them see: name a shared folder with --root, or a "
    "store such as s3://bucket/jobs with --exchange."
)


@dataclass(frozen=True)
class ClusterOptions:
    """What `serve --ray` was told.

    Attributes:
        address: of the cluster; "local" starts one of this machine, "auto" finds the one that this machine is part of.
        workers: the least and the most of them; (0, 0) for one a graphics card, or else one a machine.
        cpus: processors for each.
        gpus: graphics cards for each, which may be a fraction of one; None for one, where there are any.
        models: that each keeps loaded.
        exchange: URL of a store for files, or "" where `--root` is shared.
    """

    address: str = LOCAL
    workers: tuple[int, int] = (0, 0)
    cpus: float = 1
    gpus: float | None = None
    models: int = 2
    exchange: str = ""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `serve` about clusters."""
    group = command.add_argument_group("a cluster (docs/server.md)")
    group.add_argument(
        "--ray", nargs="?", const=LOCAL, metavar="ADDRESS", help="let workers of this Ray cluster do the jobs; without "
        "an address one is started here, “auto” is the one that this machine is part of",
    )  # fmt: skip
    group.add_argument(
        "--workers", type=_workers, default=(0, 0), metavar="N|LEAST:MOST", help="how many; by default one for each "
        "graphics card, or else one a machine",
    )  # fmt: skip
    group.add_argument("--worker-cpus", type=float, default=1, metavar="N", help="processors for each worker")
    group.add_argument("--worker-gpus", type=float, metavar="N", help="graphics cards for each worker")
    group.add_argument("--models", type=int, default=2, metavar="N", help="models that each worker keeps loaded")
    group.add_argument("--exchange", default="", metavar="URL", help="store for files, if --root is not shared")


def read(arguments: argparse.Namespace) -> ClusterOptions | None:
    """The options, or None without `--ray`. Raises BadInput where they cannot be followed."""
    if arguments.ray is None:
        return None
    options = ClusterOptions(
        arguments.ray, arguments.workers, arguments.worker_cpus, arguments.worker_gpus, arguments.models,
        arguments.exchange,
    )  # fmt: skip
    check(options, arguments.root)
    return options


def check(options: ClusterOptions, root: Path | None) -> None:
    """Raises BadInput where something is missing, before anything is started."""
    if find_spec("ray") is None:
        raise BadInput(NO_RAY)
    if options.cpus < 0 or options.models < 1 or (options.gpus is not None and options.gpus < 0):
        raise BadInput("A worker has at least one model, and no negative number of processors or graphics cards.")
    if options.address != LOCAL and root is None and not options.exchange:
        raise BadInput(NOT_SHARED)


def _workers(text: str) -> tuple[int, int]:
    """
    >>> _workers("2"), _workers("1:4")
    ((2, 2), (1, 4))
    """
    least, colon, most = text.partition(":")
    low, high = int(least), int(most if colon else least)
    if not 0 <= low <= high or high < 1:
        raise ValueError("the least number of workers is over the most")
    return low, high
