"""What workers on a cluster bring and cost: `python -m benchmarks.scale [--workers 1 2] [--users 32] [--seconds 120]`.

Throughput: songs separated in a minute by the built-in splitter with so many workers, all sent at once. Overhead: the
time of a short job over that of the same job on the plain server. Load: so many users at once, each of whom sends
songs, clips and proteins, one after another, and how long they waited for a worker; every refusal or failure has to
be a sentence. The servers are processes of their own on this machine, so it has to be idle, with a core a worker.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from backends.core.event_json import JOB_HEADER, VISITOR_HEADER

ROOT = Path(__file__).resolve().parents[1]
PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRV"

Request = tuple[str, Path, dict[str, object]]
"""A task's endpoint, its file, the options."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: seconds until a device was free for it, and until its end; what was said last."""

    waited: float
    took: float
    kind: str
    sentence: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs", type=int, default=12, help="jobs of a measurement of throughput, and of overhead")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=120, help="how long the users stay")
    asked = parser.parse_args()
    say(f"{os.cpu_count()} cores, load of the last minute {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        requests = samples(Path(folder))
        with server() as plain:
            alone = overhead(plain, requests[1], asked.jobs)
        say(f"a short job, plain server: median {statistics.median(alone):.3f} s (n={len(alone)})")
        first = 0.0
        for workers in asked.workers:
            with server("--ray", "--workers", str(workers)) as address:
                short = overhead(address, requests[1], asked.jobs)
                rate = throughput(address, requests[0], asked.jobs)
                first = first or rate / workers
                cost = statistics.median(short) - statistics.median(alone)
                say(f"{workers} workers: {rate:.1f} songs a minute, {rate / first:.2f} times one worker")
                say(f"{workers} workers: a short job takes {cost:+.3f} s more (median of {len(short)})")
                if workers == max(asked.workers):
                    load(address, requests, asked.users, asked.seconds)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def samples(folder: Path) -> list[Request]:
    """A song of ten seconds and one of a second, a clip of half a second, a protein."""
    from evaluation.synthetic.clip import make_clip, write_clip
    from evaluation.synthetic.song import make_song, write_sample

    songs = [write_sample(folder / str(seconds), make_song(seconds), ".wav")["mix"] for seconds in (10.0, 1.0)]
    (folder / "protein.fasta").write_text(f">protein\n{PROTEIN}\n")
    write_clip(make_clip(0.5, 160, 90, 10), folder / "clip.mp4")
    return [
        *(("separate", song, {}) for song in songs),
        ("matte", folder / "clip.mp4", {}),
        ("fold", folder / "protein.fasta", {}),
    ]


@contextmanager
def server(*words: str) -> Iterator[str]:
    """The address of a backend in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        settings = {**os.environ, "FOURFOLD_DEVICE": "cpu", "FOURFOLD_WEIGHTS": f"{home}/weights"}
        settings |= {"FOURFOLD_HOME": home}
        command = [sys.executable, "-m", "backends", "serve", "--port", "0", "--supervised", *words]
        with subprocess.Popen(
            command, env=settings, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            address = json.loads(process.stdout.readline())["address"]
            while not is_ready(address):
                time.sleep(0.2)
            yield address
            process.terminate()


def is_ready(address: str) -> bool:
    """Whether a server answers and has loaded its first model; its address is known a moment before it answers."""
    try:
        return httpx.get(f"{address}/readyz", timeout=60).is_success
    except httpx.TransportError:
        return False


class Visitor:
    """A user of a backend, who sends one job after another."""

    def __init__(self, address: str, name: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=120, headers={VISITOR_HEADER: name})
        config = self._http.get("/config").json()
        self._endpoints = {each["api_name"]: each for each in config["dependencies"]}

    def send(self, request: Request, weights: str = "") -> Outcome:
        """Send a job and read its events to the end."""
        verb, file, options = request
        begin = time.monotonic()
        with file.open("rb") as content:
            path = self._http.post("/gradio_api/upload", files={"files": (file.name, content)}).json()[0]
        endpoint, job = self._endpoints[verb], secrets.token_urlsafe(24)
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, weights, options]
        data += [None] * (len(endpoint["inputs"]) - len(data))
        body = {"fn_index": endpoint["id"], "session_hash": job, "data": data}
        answer = self._http.post("/gradio_api/queue/join", json=body, headers={JOB_HEADER: job})
        if answer.is_error:
            return Outcome(0, time.monotonic() - begin, "refused", answer.json().get("detail", ""))
        return self._follow(job, begin)

    def _follow(self, job: str, begin: float) -> Outcome:
        seen, waited = 0, 0.0
        while True:
            news = self._http.get(f"/jobs/{job}/events", params={"after": seen, "wait": 15})
            if news.status_code == httpx.codes.NOT_FOUND:  # between the queue and its folder
                time.sleep(0.01)
                continue
            events = news.json()["events"]
            seen += len(events)
            for event in events:
                if event["type"] == "started":
                    waited = time.monotonic() - begin
                if event["type"] in ("result", "error"):
                    return Outcome(waited, time.monotonic() - begin, event["type"], event.get("sentence", ""))
            if news.json()["ended"] and not events:
                return Outcome(waited, time.monotonic() - begin, "nothing")


def overhead(address: str, request: Request, jobs: int) -> list[float]:
    """Seconds of each of some short jobs, one after another; the first, which loads, is left out."""
    visitor = Visitor(address, "one")
    return [checked(visitor.send(request, "dsp")).took for _ in range(jobs + 1)][1:]


def throughput(address: str, request: Request, jobs: int) -> float:
    """Jobs a minute, where all are sent at once."""
    visitors = [Visitor(address, str(number)) for number in range(jobs)]
    begin = time.monotonic()
    with ThreadPoolExecutor(jobs) as threads:
        for outcome in threads.map(lambda visitor: visitor.send(request, "dsp"), visitors):
            checked(outcome)
    return 60 * jobs / (time.monotonic() - begin)


def checked(outcome: Outcome) -> Outcome:
    if outcome.kind != "result":
        raise SystemExit(f"A job of the measurement failed: {outcome}")
    return outcome


def load(address: str, requests: Sequence[Request], users: int, seconds: float) -> None:
    """Many users at once, and what they met."""
    end = time.monotonic() + seconds

    def stay(number: int) -> list[Outcome]:
        chance, visitor, outcomes = random.Random(number), Visitor(address, f"user {number}"), []
        while time.monotonic() < end:
            outcomes.append(visitor.send(chance.choice(requests[1:])))
            if outcomes[-1].kind == "refused":
                time.sleep(1)
        return outcomes

    with ThreadPoolExecutor(users) as threads:
        outcomes = [outcome for each in threads.map(stay, range(users)) for outcome in each]
    kinds = Counter(outcome.kind for outcome in outcomes)
    waits = sorted(outcome.waited for outcome in outcomes if outcome.kind == "result")
    silent = sum(not outcome.sentence for outcome in outcomes if outcome.kind != "result")
    say(f"{users} users for {seconds:.0f} s: {dict(kinds)}, {silent} of them without a sentence")
    say(f"waiting for a worker: p50 {waits[len(waits) // 2]:.1f} s, p95 {waits[int(len(waits) * 0.95)]:.1f} s")
    for sentence, count in Counter(outcome.sentence for outcome in outcomes if outcome.sentence).items():
        say(f"  {count} times: {sentence}")


if __name__ == "__main__":
    main()
