"""What a model sees in a project's pictures: asked once, kept, asked anew where it must be; failures in words."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.event_json import ProgressMessage
from backends.core.info import CardInfo
from studio.jobs.client import LOST, CallFailed
from studio.pictures import feature_loader, files, inference_client
from studio.pictures.feature_loader import FeatureLoader, FeatureStore, line
from studio.pictures.project import Project
from studio.pictures.project_archive import sent_name
from studio.pictures.projects import Projects
from tests.support import pictures
from tests.support.waiting import wait_for

CARD = CardInfo(id="model", outputs=("pictures", "words"))


def npz(shas: list[str], words: int = 0, space: str = "one", dimensions: int = 4) -> bytes:
    """As the server answers: of each picture a row that its sha256 gives."""
    rows = np.array([[int(sha[k], 16) for k in range(dimensions)] for sha in shas], np.float32).reshape(-1, dimensions)
    told: dict[str, Any] = {
        "images": rows,
        "sha256": np.array(shas, str),
        "logit_scale": 50.0,
        "space": space,
    }
    if words:
        told["words"] = np.arange(words * dimensions, dtype=np.float32).reshape(words, dimensions)
    file = io.BytesIO()
    np.savez(file, **told)
    return file.getvalue()


class Server:
    """Stands in for the call to a model server: remembers what it was sent and answers by `answer`."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], list[str]]] = []
        self.failure: Exception | None = None
        self.blind: set[str] = set()
        self.space = "one"

    def __call__(self, backend: Any, card: str, visitor: str) -> Server:
        return self

    def cancel(self) -> None:
        """Nothing to end."""

    def results(self, sent: Mapping[str, Path], options: Mapping[str, Any], tell: Any) -> dict[str, bytes]:
        import zipfile

        assert options == {"only": "features", "templates": "photo"}
        with zipfile.ZipFile(sent["query"]) as bundle:
            shas = [Path(name).stem for name in bundle.namelist()]
        lines = sent["classes"].read_text().splitlines() if "classes" in sent else []
        self.calls.append((shas, lines))
        if self.failure:
            raise self.failure
        tell(ProgressMessage(stage="Looking", done=len(shas), total=len(shas), unit="pictures"))
        return {"features": npz([sha for sha in shas if sha not in self.blind], len(lines), self.space)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(feature_loader, "InferenceCall", made)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Projects(tmp_path).create()
    for name, colour in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
        give(made, made.add_class(name, f"all {name}").id, colour)
    yield made


def give(project: Project, class_id: str | None, colour: tuple[int, int, int]) -> None:
    files.import_files(project, [("a.png", lambda: pictures.plain(colour))], class_id)


def loaded(loader: FeatureLoader) -> FeatureLoader:
    wait_for(lambda: loader.ensure_loaded() or loader.state.sentence, 10)
    return loader


def test_each_picture_and_each_sentence_is_asked_once_and_kept_for_the_next_start(
    project: Project, server: Server
) -> None:
    loader = loaded(FeatureLoader(project, CARD, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    shots = project.state.shots
    assert server.calls == [(shots, ["red: all red", "blue: all blue"])]
    assert loader.store.matrix(shots).tolist() == [[int(sha[k], 16) for k in range(4)] for sha in shots]
    assert loader.store.logit_scale == 50 and loader.store.words["photo", "blue", "all blue"].tolist() == [4, 5, 6, 7]
    again = FeatureLoader(project, CARD, None, feature_loader.load_tasks())  # type: ignore[arg-type]
    assert again.ensure_loaded() and len(server.calls) == 1
    give(project, project.state.classes[0].id, (90, 90, 0))
    project.set_sentence(project.state.classes[1].id, "like the sea")
    loaded(again)
    assert server.calls[1] == ([project.state.classes[0].shots[1]], ["blue: like the sea"])


def test_a_model_that_knows_no_words_is_asked_for_none(project: Project, server: Server) -> None:
    loaded(FeatureLoader(project, CardInfo(id="model", outputs=("pictures",)), None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    assert server.calls[0][1] == []


def test_many_pictures_go_in_batches_and_what_arrived_is_kept_when_a_later_one_fails(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_loader, "MOST_AT_ONCE", 2)
    for shade in range(3):
        give(project, project.state.classes[0].id, (shade * 40, 99, 99))
    loader = FeatureLoader(project, CARD, None, feature_loader.load_tasks())  # type: ignore[arg-type]
    real, count = server.results, []

    def second_fails(*arguments: Any) -> dict[str, bytes]:
        count.append(1)
        if len(count) == 2:
            raise CallFailed("backend_lost", LOST)
        return real(*arguments)

    monkeypatch.setattr(server, "results", second_fails)
    wait_for(lambda: loader.ensure_loaded() or loader.state.sentence, 10)
    assert loader.state.sentence == LOST and len(loader.store.images) == 2
    assert not loader.ensure_loaded() and len(count) == 2  # a failure is not tried again by itself
    loader.retry()
    loaded(loader)
    assert len(loader.store.images) == 5 and len(count) == 4


def test_what_the_server_cannot_read_is_named_and_not_asked_for_ever(project: Project, server: Server) -> None:
    lost = project.state.shots[0]
    server.blind = {lost}
    loader = loaded(FeatureLoader(project, CARD, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    assert loader.state.refused == {lost} and len(server.calls) == 1


def test_another_model_under_the_same_name_makes_all_be_looked_at_anew(project: Project, server: Server) -> None:
    loader = loaded(FeatureLoader(project, CARD, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    server.space = "two"
    give(project, project.state.classes[0].id, (5, 5, 5))
    loaded(loader)
    assert loader.store.space == "two" and len(loader.store.images) == 3
    assert sum(len(shas) for shas, _ in server.calls) == 2 + 1 + 2


def test_damaged_features_are_worked_out_anew(project: Project, server: Server) -> None:
    loader = loaded(FeatureLoader(project, CARD, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    (path,) = loader.store.folder.glob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    assert FeatureStore(loader.store.folder).images == {} and not path.exists()
    path.write_bytes(b"\x93NUMPY" + b"\0" * 90)
    assert FeatureStore(loader.store.folder).images == {}


def test_names_travel_without_the_signs_that_mean_something_in_paths_and_files() -> None:
    from backends.fewshot.data.class_list import parse_classes
    from backends.fewshot.data.image_collection import plain_name

    for name in ("a: b", "#1", "x/y", "..", ".hidden", "C:", "a\\b", "🐘", "two words"):
        sent = sent_name(name)
        assert parse_classes(line(name, "a: sentence # with signs")) == {sent: "a: sentence # with signs"}
        assert plain_name(f"{sent}/x.png") == f"{sent}/x.png"
    assert len({sent_name(name) for name in ("a:b", "a/b", "a\\b")}) == 3


def test_answers_are_worked_out_once_and_their_failures_told_until_forgotten() -> None:
    cache, ran, asked = inference_client.background_cache(), [], threading.Event()

    def make() -> int:
        ran.append(1)
        if len(ran) == 1:
            asked.wait()
            raise CallFailed("crash", "It did not work.")
        return 7

    assert cache.get("a", make) is None
    asked.set()
    wait_for(lambda: not cache.is_pending("a"))
    with pytest.raises(Exception, match="It did not work"):
        cache.get("a", make)
    assert len(ran) == 1
    cache.forget("a")
    assert not cache.is_pending("a")
    wait_for(lambda: cache.get("a", make) == 7)
    cache.stop()
    assert cache.get("b", make) is None and len(ran) == 2


def test_what_an_earlier_starter_of_the_same_name_saw_is_looked_at_anew_and_said(
    project: Project, server: Server
) -> None:
    earlier = loaded(FeatureLoader(project, CARD, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
    for revision in ("first", "second"):
        server.space, card = revision, CARD.model_copy(update={"revision": revision, "title": "Starter"})
        loader = loaded(FeatureLoader(project, card, None, feature_loader.load_tasks()))  # type: ignore[arg-type]
        assert server.calls[-1] == (project.state.shots, ["red: all red", "blue: all blue"])
        assert loader.store.space == revision and not earlier.store.folder.exists()
        assert any("“Starter”" in said and "looked at anew" in said for said in loader.notices())
        earlier = loader
    again = FeatureLoader(project, card, None, feature_loader.load_tasks())  # type: ignore[arg-type]
    assert again.ensure_loaded() and not again.notices() and len(server.calls) == 3
