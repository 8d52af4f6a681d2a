"""Background tasks: done once, kept in the library or in memory, failures in a sentence, the newest asked first."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import pytest

from backends.core.errors import BadInput, UserError
from studio.jobs.background import Analysis, BackgroundTasks, LibraryStore, MemoryStore
from studio.library.library import Library
from studio.ui.formatting import about, count, duration, escape, size
from tests.support.waiting import wait_for


def analysing(library: Library) -> BackgroundTasks[Analysis, bytes]:
    """As the studio's services make it."""
    return BackgroundTasks(LibraryStore(library), group=lambda key: key.kind, name="analysis")


@pytest.fixture
def run_id(library: Library) -> str:
    run = library.begin(task="separation", title="song", engine="dsp")
    library.finish(run.id, "done")
    return run.id


def test_an_answer_is_made_once_and_found_again_after_a_restart(library: Library, run_id: str) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"answer"

    first = analysing(library)
    assert wait_for(lambda: first.get(Analysis(run_id, "quality"), make)) == b"answer"
    assert analysing(library).get(Analysis(run_id, "quality"), make) == b"answer"
    assert len(made) == 1


def test_asking_while_it_works_does_not_start_it_again(library: Library, run_id: str) -> None:
    gate, made = threading.Event(), []

    def make() -> bytes:
        made.append(1)
        gate.wait(10)
        return b"x"

    analyses = analysing(library)
    assert [analyses.get(Analysis(run_id, "quality"), make) for _ in range(5)] == [None] * 5
    gate.set()
    wait_for(lambda: analyses.get(Analysis(run_id, "quality"), make))
    assert len(made) == 1


@pytest.mark.parametrize(
    ("error", "said"), [(BadInput("Too short."), "Too short."), (ValueError("x"), "a fault of ours")]
)
def test_a_failure_is_a_sentence_until_it_is_tried_again(
    library: Library, run_id: str, error: Exception, said: str
) -> None:
    def fail() -> bytes:
        raise error

    analyses = analysing(library)
    analyses.get(Analysis(run_id, "scores"), fail)
    with pytest.raises(UserError, match=said):
        wait_for(lambda: analyses.get(Analysis(run_id, "scores"), fail))
    analyses.forget(Analysis(run_id, "scores"))
    assert wait_for(lambda: analyses.get(Analysis(run_id, "scores"), lambda: b"good")) == b"good"


@pytest.mark.slow
def test_a_long_analysis_does_not_hold_up_the_end_of_the_program() -> None:
    program = (
        "import time\n"
        "from studio.jobs.background import Analysis, BackgroundTasks, LibraryStore\n"
        "from studio.library.library import Library\n"
        "library, begun = Library(), []\n"
        "run = library.begin(task='separation', title='song', engine='dsp')\n"
        "tasks = BackgroundTasks(LibraryStore(library))\n"
        "tasks.get(Analysis(run.id, 'scores'), lambda: begun.append(1) or time.sleep(600) or b'')\n"
        "while not begun:\n"
        "    time.sleep(0.01)\n"
        "print('over')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout == "over\n" and not ended.stderr


def test_a_kept_answer_is_not_held_in_memory_too(library: Library, run_id: str) -> None:
    gone = []

    class Answer(bytes):
        """Bytes that tell when they are let go; nothing refers to plain ones weakly."""

        def __del__(self) -> None:
            gone.append(1)

    analyses = analysing(library)
    assert wait_for(lambda: analyses.get(Analysis(run_id, "quality"), lambda: Answer(b"long answer"))) == b"long answer"
    wait_for(lambda: gc.collect() is not None and gone)


@pytest.mark.slow
def test_a_failure_does_not_keep_alive_what_it_worked_on(library: Library, run_id: str) -> None:
    class Sound:
        """Stands for the arrays of an analysis."""

    watched = []

    def make() -> bytes:
        sound = Sound()
        watched.append(weakref.ref(sound))
        try:
            raise ValueError("x")
        except ValueError as error:
            raise BadInput("Too short.") from error

    analyses = analysing(library)
    analyses.get(Analysis(run_id, "quality"), make)
    wait_for(lambda: watched and gc.collect() is not None and watched[0]() is None)
    with pytest.raises(BadInput, match="Too short"):
        analyses.get(Analysis(run_id, "quality"), make)


def test_an_answer_to_a_question_that_changed_is_never_stored(library: Library, run_id: str) -> None:
    analyses, (stale, gate) = analysing(library), gated(b"old")
    analyses.get(Analysis(run_id, "scores"), stale)
    wait_for(stale.begun.is_set)
    analyses.forget(Analysis(run_id, "scores"))
    # The new one does not wait for the old one to end, and its answer is not overwritten by it.
    assert wait_for(lambda: analyses.get(Analysis(run_id, "scores"), lambda: b"new")) == b"new"
    gate.set()
    wait_for(lambda: not workers())
    assert analyses.get(Analysis(run_id, "scores"), lambda: b"third") == b"new"


def test_an_answer_stored_just_before_it_is_forgotten_goes_too(library: Library, run_id: str) -> None:
    analyses = analysing(library)
    assert wait_for(lambda: analyses.get(Analysis(run_id, "scores"), lambda: b"old")) == b"old"
    analyses.forget(Analysis(run_id, "scores"))
    assert wait_for(lambda: analyses.get(Analysis(run_id, "scores"), lambda: b"new")) == b"new"


def test_after_stop_nothing_is_started_or_stored(library: Library, run_id: str) -> None:
    analyses, (late, gate) = analysing(library), gated(b"late")
    analyses.get(Analysis(run_id, "scores"), late)
    wait_for(late.begun.is_set)
    analyses.stop()
    assert analyses.get(Analysis(run_id, "quality"), lambda: b"x") is None
    gate.set()
    wait_for(lambda: not workers())
    assert library.artifacts(run_id) == ()


def test_what_was_asked_for_last_comes_first_and_past_a_long_one(library: Library, run_id: str) -> None:
    analyses, (long, gate) = analysing(library), gated(b"long")
    analyses.get(Analysis(run_id, "scores"), long)
    wait_for(long.begun.is_set)
    assert wait_for(lambda: analyses.get(Analysis(run_id, "quality"), lambda: b"quick")) == b"quick"
    order, others = [], [library.begin(task="separation", title=f"{i}", engine="dsp").id for i in range(3)]

    def asked(other: str) -> bytes | None:
        return analyses.get(Analysis(other, "scores"), lambda: order.append(other) or b"x")

    # The same kind waits, for two would take twice the memory; a page that asks again comes before the newer ones.
    assert [asked(other) for other in (*others, others[0])] == [None] * 4
    assert not order
    gate.set()
    wait_for(lambda: len(order) == 3)
    assert order == [others[0], others[2], others[1]]


def test_what_is_kept_in_memory_is_made_once_and_the_oldest_goes_first() -> None:
    tasks: BackgroundTasks[str, int] = BackgroundTasks(MemoryStore(2))
    made: list[str] = []

    def ask(key: str) -> int | None:
        return tasks.get(key, lambda: made.append(key) or len(made))

    for key in ("a", "b", "c"):
        wait_for(lambda key=key: ask(key))
    assert ask("b") == 2 and ask("c") == 3
    assert wait_for(lambda: ask("a")) == 4
    assert made == ["a", "b", "c", "a"]


def test_two_tasks_run_at_once_and_no_more() -> None:
    tasks: BackgroundTasks[int, bytes] = BackgroundTasks(MemoryStore(9))
    works = [gated(b"x") for _ in range(3)]
    for key, (make, _) in enumerate(works):
        tasks.get(key, make)
    wait_for(lambda: sum(make.begun.is_set() for make, _ in works) == 2)
    assert all(tasks.is_pending(key) for key in range(3)) and not tasks.is_pending(9)
    for _, gate in works:
        gate.set()
    wait_for(lambda: not any(tasks.is_pending(key) for key in range(3)))


def gated(content: bytes):
    """An analysis that waits for the event beside it; its own `begun` is set when it starts."""
    gate = threading.Event()

    def make() -> bytes:
        make.begun.set()
        assert gate.wait(20)
        return content

    make.begun = threading.Event()
    return make, gate


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "analysis"]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (duration(0.2), "1 s"),
        (duration(90), "1 min 30 s"),
        (duration(4000), "1 h 7 min"),
        (about(3), "a few seconds"),
        (about(47), "about 45 s"),
        (about(200), "about 3 min 30 s"),
        (size(84141911), "84.1 MB"),
        (count(1, "job"), "1 job"),
        (count(2, "job"), "2 jobs"),
        (escape("![a](http://x)"), "\\!\\[a\\]\\(http\\::small[]//x\\)"),  # parted, so that nothing becomes a link
    ],
)
def test_numbers_as_people_say_them(shown: str, expected: str) -> None:
    assert shown == expected
