"""A generator in a process of its own: its items, its errors, and its death."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.errors import BadInput, EngineFailed, TooLarge, UndecodableFile
from backends.shared import isolation
from backends.shared.isolation import isolated, isolated_call
from backends.shared.wire import receive, send
from tests.support.waiting import wait_for

HERE = __name__


def items(count: int) -> Iterator[Any]:
    yield {"pid": os.getpid(), "tuple": (1, None), "none": np.zeros((2, 0), np.float32)}
    for number in range(count):
        yield np.full((2, 3), number, np.int16), b"\0bytes", np.float32(0.5)


def fails(kind: str) -> Iterator[int]:
    yield 1
    if kind == "user":
        raise TooLarge("This is too long.")
    if kind == "disk":
        raise OSError(28, "No space left on device")
    if kind == "memory":
        raise MemoryError
    raise ValueError("a fault of ours")


def dies(how: int, first: bool) -> Iterator[int]:
    if not first:
        yield 1
    os.kill(os.getpid(), how)


def dies_in(pid: int) -> Iterator[int]:
    """Crashes as a process would whose memory an earlier file has damaged."""
    if os.getpid() == pid:
        os.kill(pid, signal.SIGSEGV)
    yield 1


def endless() -> Iterator[int]:
    while True:
        yield os.getpid()


def stuck(begun: str = os.devnull) -> Iterator[int]:
    yield os.getpid()
    Path(begun).write_text("deaf from here on")
    while True:
        pass


def prints() -> Iterator[str]:
    os.write(1, b"a library speaks\n")
    yield "unharmed"


def reads(path: str) -> Iterator[str]:
    yield Path(path).read_text()


@pytest.mark.slow
def test_a_relative_path_is_of_the_callers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(isolated(f"{HERE}:prints"))  # its process waits, in the folder that was the caller's then
    (tmp_path / "song.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert list(isolated(f"{HERE}:reads", path=Path("song.txt"))) == ["mine"]


@pytest.mark.slow
def test_items_arrive_as_they_were() -> None:
    first, second, third = isolated(f"{HERE}:items", count=2)
    assert first["pid"] != os.getpid() and first["tuple"] == [1, None]
    assert first["none"].shape == (2, 0) and first["none"].dtype == np.float32
    assert second[0].dtype == np.int16 and second[0].tolist() == [[0, 0, 0]] * 2 and second[1:] == [b"\0bytes", 0.5]
    assert third[0].tolist() == [[1, 1, 1]] * 2
    assert isolated_call(f"{HERE}:prints") == "unharmed"


def test_arrays_larger_than_a_pipe_arrive_whole_and_may_be_written_into() -> None:
    here, there = Pipe(duplex=False)
    sent = [np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8), np.zeros(0), np.arange(6)[::2]]
    sender = threading.Thread(target=send, args=(there, {"arrays": sent, "bytes": b"end"}))
    sender.start()
    arrived = receive(here)
    sender.join()
    assert arrived["bytes"] == b"end"
    for one, other in zip(arrived["arrays"], sent, strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
        one.fill(1)


def test_an_array_that_breaks_off_is_an_end_and_one_of_objects_is_refused() -> None:
    here, there = Pipe(duplex=False)
    there.send_bytes(b'{"__array__": ["|u1", [8]]}')
    os.write(there.fileno(), b"half")
    there.close()
    with pytest.raises(EOFError):
        receive(here)
    here, there = Pipe(duplex=False)
    there.send_bytes(b'{"__array__": ["|O", [1]]}')  # whose bytes would be taken for addresses
    os.write(there.fileno(), bytes(8))
    with pytest.raises(ValueError, match="OBJECT"):
        receive(here)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("user", TooLarge, "This is too long."),
        ("disk", OSError, "No space left"),
        ("memory", MemoryError, None),
        ("fault", RuntimeError, "ValueError: a fault of ours"),
    ],
)
def test_what_it_raises_is_raised_here_and_its_process_goes_on(
    kind: str, error: type[Exception], words: str | None
) -> None:
    before = isolated_call(f"{HERE}:items", count=0)["pid"]
    with pytest.raises(error, match=words):
        list(isolated(f"{HERE}:fails", kind=kind))
    assert isolated_call(f"{HERE}:items", count=0)["pid"] == before


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_a_crash_is_a_sentence_about_the_file(first: bool) -> None:
    with pytest.raises(UndecodableFile, match="makes the decoder crash") as caught:
        list(isolated(f"{HERE}:dies", how=int(signal.SIGSEGV), first=first))
    assert isinstance(caught.value, BadInput) and caught.value.code == "undecodable_file"
    with pytest.raises(EngineFailed, match="not enough memory"):
        list(isolated(f"{HERE}:dies", how=int(signal.SIGKILL), first=first))
    assert isolated_call(f"{HERE}:prints") == "unharmed"


@pytest.mark.slow
def test_a_file_is_not_blamed_for_what_an_earlier_one_did_to_the_process() -> None:
    pid = isolated_call(f"{HERE}:items", count=0)["pid"]
    assert list(isolated(f"{HERE}:dies_in", pid=pid)) == [1]


def test_closing_ends_a_call_that_would_never_end_and_its_process_goes_on() -> None:
    with closing(isolated(f"{HERE}:endless")) as numbers:  # type: ignore[type-var]
        pid = next(numbers)
    assert isolated_call(f"{HERE}:items", count=0)["pid"] == pid


def test_closing_kills_a_process_that_does_not_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(isolation, "STOP_SECONDS", 0.01)
    with closing(isolated(f"{HERE}:stuck", begun=tmp_path / "begun")) as numbers:  # type: ignore[type-var]
        pid = next(numbers)
        wait_for((tmp_path / "begun").exists)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_decoder_that_goes_round_in_circles_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "STALL_SECONDS", 0.01)
    numbers = isolated(f"{HERE}:stuck")
    with pytest.raises(UndecodableFile, match="busy without end"):
        list(numbers)


def test_calls_of_several_threads_do_not_meet() -> None:
    answers: list[list[Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(list(isolated(f"{HERE}:items", count=50)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[int(item[0][0, 0]) for item in answer[1:]] for answer in answers] == [list(range(50))] * 3
