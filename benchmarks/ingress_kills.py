"""What a killed ingress costs: `python -m benchmarks.ingress_kills [--kills 5] [--jobs 6] [--seed 1]`.

A studio's jobs run on a cluster of this machine, several visitors at once. At a random moment the ingress is killed as
by the system (SIGKILL), and started anew at the same address. Told is how each job ended, whether its result is the
one of an undisturbed run to the sample, whether those that ended with a sentence come right when they are run again,
and which processes and files of the dead ingress are left once the new one has begun.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
import soundfile
from filelock import FileLock, Timeout

from backends.serving.job_folders import KEEP_SECONDS
from backends.serving.workdir import LOCK
from evaluation.synthetic.song import make_song, write_sample
from studio.jobs.backend import Backend
from studio.jobs.jobs import Jobs
from studio.library.library import Library

ROOT = Path(__file__).resolve().parents[1]
SECONDS = (1.0, 4.0, 10.0)
"""Lengths of the songs: some jobs have ended when the ingress dies, some run, some wait."""

PATIENCE = 300.0
RAY_PREFIX = "fourfold-ray-"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=6, help="at once, of as many visitors")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    say(f"{os.cpu_count()} cores, load of the last minute {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        os.environ |= {"FOURFOLD_HOME": folder, "FOURFOLD_WEIGHTS": f"{folder}/weights"}
        lab = Lab(Path(folder), asked.workers)
        try:
            lab.measure(asked.kills, asked.jobs, random.Random(asked.seed))
        finally:
            lab.close()


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


@dataclass
class Ingress:
    """A running backend, with every process that it has started."""

    process: subprocess.Popen[bytes]
    family: list[psutil.Process]

    def kill(self) -> None:
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()

    @property
    def orphans(self) -> list[psutil.Process]:
        return [one for one in self.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


class Lab:
    """A studio's library and jobs, and a cluster at an address that stays."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.workers = folder, workers
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.songs = [write_sample(folder / f"song-{s:g}", make_song(s), ".wav")["mix"] for s in SECONDS]
        self.ingress = self._start()
        self.library, self.backend = Library(), Backend(f"http://127.0.0.1:{self.port}")
        self.backend.start()
        visitor = count()
        self.jobs = Jobs(self.library, self.backend, visitor=lambda: f"visitor {next(visitor)}")
        self.right = [self._sounds(self._ended(self._submit(song))) for song in self.songs]

    def close(self) -> None:
        self.jobs.stop()
        self.backend.stop()
        self.ingress.process.terminate()
        self.ingress.process.wait(60)

    def measure(self, kills: int, jobs: int, chance: random.Random) -> None:
        """Kill so often, and tell of each time and of all."""
        kinds: Counter[str] = Counter()
        for number in range(kills):
            songs = [chance.randrange(len(self.songs)) for _ in range(jobs)]
            runs = [self._submit(self.songs[song]) for song in songs]
            ended = chance.randrange(jobs)
            until(lambda: sum(self._is_ended(run) for run in runs) >= ended)  # noqa: B023
            time.sleep(chance.random())
            dead = self.ingress
            dead.kill()
            self.ingress = self._start()
            outcomes = [self._outcome(run, song) for run, song in zip(runs, songs, strict=True)]
            kinds.update(outcomes)
            begin = time.monotonic()
            until(lambda: not dead.orphans)  # noqa: B023
            say(
                f"kill {number + 1}, after {ended} of {jobs} jobs: {dict(Counter(outcomes))}; {len(dead.family)} "
                f"processes of it were gone within {time.monotonic() - begin:.0f} s more; left are {self._left()}"
            )
        say(f"{kills} kills, {sum(kinds.values())} jobs:")
        for kind, times in kinds.most_common():
            say(f"  {times} times: {kind}")
        self._age()
        begin = time.monotonic()
        until(lambda: not any(self._left().values()))
        say(f"  nothing is left {time.monotonic() - begin:.0f} s after what was left is an hour old")

    def _outcome(self, run: str, song: int) -> str:
        """How a job ended; one that ended with a sentence is run again, as its page offers."""
        ended = self._ended(run)
        record = self.library.get(ended)
        assert record is not None
        if record.status == "done":
            return "right" if self._sounds(ended) == self.right[song] else "WRONG"
        again = self._sounds(self._ended(self.jobs.again(run)))
        return f"{record.error or 'NO SENTENCE'} Again: {'right' if again == self.right[song] else 'WRONG'}"

    def _submit(self, song: Path) -> str:
        return self.jobs.submit("separation", song.name, song, "dsp", {})

    def _is_ended(self, run: str) -> bool:
        view = self.jobs.get(run)
        return view is None or view.ended

    def _ended(self, run: str) -> str:
        until(lambda: self._is_ended(run))
        return run

    def _sounds(self, run: str) -> dict[str, str]:
        """The digest of the samples of each stem; the header of a file says when it was written."""
        stems = {stem.name: self.library.local(run, stem) for stem in self.library.artifacts(run, "stem")}
        return {name: hashlib.sha256(soundfile.read(path)[0].tobytes()).hexdigest() for name, path in stems.items()}

    def _left(self) -> dict[str, int]:
        """How much is there that no job needs: folders of jobs, uploads, folders of a dead Ray, parts of files."""
        root = self.folder / "jobs"
        return {
            "folders of jobs": len(list(root.glob("jobs/*"))),
            "uploads": sum(path.is_file() for path in root.glob("uploads/**/*")),
            "folders of Ray": sum(map(is_stale, Path(tempfile.gettempdir()).glob(f"{RAY_PREFIX}*"))),
            "parts of files": len(list((self.folder / "runs").rglob(".*.part"))),
        }

    def _age(self) -> None:
        """Let everything that is left be as old as the sweep waits for."""
        for path in (self.folder / "jobs").rglob("*"):
            os.utime(path, times=(time.time() - 2 * KEEP_SECONDS,) * 2)

    def _start(self) -> Ingress:
        words = ["--ray", "--workers", str(self.workers), "--port", str(self.port), "--root", str(self.folder / "jobs")]
        process = subprocess.Popen(
            [sys.executable, "-m", "backends", "serve", "--supervised", *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "server.log").open("ab"),
        )
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit((self.folder / "server.log").read_text()[-2000:])
        return Ingress(process, [])


def is_stale(folder: Path) -> bool:
    """Whether nobody holds the lock of a folder any more."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return (folder / LOCK).exists()
    except Timeout:
        return False


def until(condition: Callable[[], object]) -> None:
    """Wait for what has to happen. Raises SystemExit where it does not."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"still not so after {PATIENCE:.0f} s")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
