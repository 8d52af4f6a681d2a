"""Fixtures that several folders share: a real backend in this process, a studio of its own for each test."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from _pytest.nodeid import coerce_node_id
from xdist.scheduler import LoadScopeScheduling

from tests.support.clips import Small, small_clip
from tests.support.servers import ModelServer, serving
from tests.support.waiting import PATIENCE

_MACHINE_WEIGHTS = os.environ.get("FOURFOLD_WEIGHTS")
"""Where the person who runs the tests has weights; each test has a folder of its own instead."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Files as parameters go by their argument's name: what is in them may hold the time at which they were packed,
    and two workers that name a test differently cannot share the tests."""
    return argname if isinstance(val, bytes) else None


SHARED = ("studio", "harness", "model_server")
"""Fixtures that start a program for the whole run."""


class ModuleScheduling(LoadScopeScheduling):
    """Gives a worker whole modules, and one worker all tests that share a program: what they share is made once."""

    @staticmethod
    def scope_of(name: str) -> str:
        program = name.rpartition("@")[2]
        return program if program in SHARED else name.split("::", maxsplit=1)[0]

    def _split_scope(self, nodeid: str) -> str:
        return self.scope_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModuleScheduling:
    return ModuleScheduling(config, log)


@pytest.hookimpl(trylast=True)  # after the order was drawn
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share a program run first, for they take longest; otherwise the order stays as it is, drawn or not.

    Those that drive a browser may fail once, when a busy machine makes a page wait: the summary names each that did.
    """
    programs = {}
    for item in items:
        used = getattr(item, "fixturenames", ())
        programs[item] = next((name for name in SHARED if name in used), None)
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if programs[item] and hasattr(config, "workerinput"):
            # The scheduler, in another process, knows a test by its name only. (xdist's own groups do the same, but
            # write to an attribute that pytest 9.2 no longer has, and so are without effect.)
            item._id = coerce_node_id(f"{item.nodeid}@{programs[item]}")
    items.sort(key=lambda item: SHARED.index(programs[item]) if programs[item] else len(SHARED))


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of garbage need not walk through those libraries again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths of folders that do not exist yet; pytest's own numbered folders look through all earlier ones first."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own data and weights folders and no network; none reads those of the person who runs it."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("FOURFOLD_HOME", str(folder))
    monkeypatch.setenv("FOURFOLD_WEIGHTS", str(folder / "weights"))
    monkeypatch.setenv("FOURFOLD_DEVICE", "cpu")
    for name in ("FOURFOLD_BACKEND", "FOURFOLD_DATABASE_URL", "FOURFOLD_STORAGE", "FOURFOLD_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def packaged(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`packaged(card)` gives a test the weights that `make setup` fetched, and skips it where there are none.

    A card whose weights are not among those is none of its business.
    """
    from backends.weights.packaged import packaged_cards
    from backends.weights.store import WeightStore

    def provide(card_id: str) -> None:
        card = next((card for card in packaged_cards() if card.id == card_id), None)
        if card is None:
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("FOURFOLD_WEIGHTS")
            machine = WeightStore(Path(_MACHINE_WEIGHTS) if _MACHINE_WEIGHTS else None)
        if machine.state(card) != "present":
            pytest.skip(f"the weights of {card_id} are not on this machine: `make setup` fetches them")
        folder = own_home / "weights"
        folder.mkdir(exist_ok=True)
        (folder / card_id).symlink_to(machine.root / card_id, target_is_directory=True)

    return provide


@pytest.fixture(scope="module")
def ticking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real backend in a thread of this process that serves the counting task, and no other.

    One a module: while it lives, this process knows no other task.
    """
    from backends.core import task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "PACKAGES", ("tests.support.ticking",))
        yield from serving(tmp_path_factory.mktemp("ticking"))


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A real backend, a process of its own as the studio starts it, with the real tasks; one for all tests."""
    from studio.jobs.backend import EmbeddedBackend

    weights = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_HOME", str(tmp_path_factory.mktemp("server")))
        patch.setenv("FOURFOLD_WEIGHTS", str(weights))
        patch.setenv("FOURFOLD_DEVICE", "cpu")
        backend = EmbeddedBackend()
        backend.start()
        state = backend.wait_ready(1.5 * PATIENCE)
    assert state.ready, state.sentence
    yield ModelServer(state.address, weights)
    backend.stop()


@pytest.fixture
def server_address(model_server: ModelServer) -> str:
    return model_server.address


@pytest.fixture(scope="session")
def short_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the sample song with its voice, as a WAV file; true stems lie beside it."""
    from evaluation.synthetic.song import make_song, write_sample

    return write_sample(tmp_path_factory.mktemp("song"), make_song(8.0), ".wav")["mix"]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Five seconds of the sample clip in 20 small frames."""
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def esmfold_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete ESMFold of two small blocks: `config.json` and `model.safetensors`."""
    from tests.support.folding import save_esmfold

    return save_esmfold(tmp_path_factory.mktemp("weights") / "tiny-esmfold")
