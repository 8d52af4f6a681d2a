"""A few-shot job through the server: zips of pictures, one picture added later, and words for what is wrong."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import handle_file
from PIL import Image

from backends.fewshot import TASK
from backends.fewshot.prototypes import PrototypesEngine
from evaluation.synthetic.pictures import SENTENCES, queries, write_sample
from tests.support import http


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five examples of six drawn kinds, and questions."""
    folder = tmp_path_factory.mktemp("sample") / "pictures"
    write_sample(folder, 5)
    return folder


@pytest.fixture
def address(server_address: str) -> str:
    return server_address


def submitted(address: str, query: Path, options: dict[str, Any], **files: Path) -> list[dict[str, Any]]:
    client = http.client(address)
    sent = {name: handle_file(path) for name, path in files.items()}
    job = client.submit(query=handle_file(query), weights="prototypes", options=options, **sent, api_name="/classify")
    job.result(timeout=60)
    return job.outputs()


@pytest.mark.slow
def test_the_server_takes_zips_and_a_picture_added_later_is_quick(address: str, tmp_path: Path) -> None:
    sample = tmp_path / "pictures"
    write_sample(sample, 5, seed=4711)  # of pictures that no other test has the server look at
    questions = tmp_path / "questions.zip"
    with zipfile.ZipFile(questions, "w") as bundle:
        for path in sorted((sample / "questions").iterdir()):
            bundle.write(path, path.name)
    (tmp_path / "classes.txt").write_text("".join(f"{kind}: {text}\n" for kind, text in SENTENCES.items()))
    events = submitted(address, questions, {}, support=sample / "shots.zip", classes=tmp_path / "classes.txt")
    result = events[-1]
    assert result["type"] == "result" and result["facts"]["classes"] == list(SENTENCES)
    assert result["facts"]["looked"] == 30 + result["facts"]["pictures"]
    assert any("understands no words" in event.get("sentence", "") for event in events)
    found = {artifact["kind"]: artifact for artifact in result["artifacts"]}
    table = http.get(address + found["predictions"]["url"]).content.decode("utf-8-sig").splitlines()
    assert table[0] == "file,class,probability,abstained," + ",".join(SENTENCES)
    assert len(table) == 1 + result["facts"]["pictures"]
    added = tmp_path / "added.png"
    added.write_bytes(queries(seed=4712)[0].png())
    again = submitted(address, added, {"only": "features"})
    assert again[-1]["facts"]["looked"] == 1 and not any(event.get("stage") == "Loading the model" for event in again)
    seen = submitted(address, added, {"only": "features"}, support=sample / "shots.zip")
    assert seen[-1]["facts"]["looked"] == 0 and seen[-1]["facts"]["shots"] == [5] * 6


@pytest.mark.slow
def test_the_server_sends_the_map_that_a_page_asks_for(address: str, tmp_path: Path) -> None:
    engine = PrototypesEngine(next(card for card in TASK.cards if card.id == "prototypes"))
    engine.load("cpu")
    np.savez(tmp_path / "target.npz", direction=np.eye(engine.dimensions, dtype=np.float32)[0])
    question = queries(seed=11)[0].png()  # one that no other test has the server look at
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as bundle:
        bundle.writestr("one.png", question)
    asked = {"only": "features", "explain": "on"}
    result = submitted(address, tmp_path / "one.zip", asked, target=tmp_path / "target.npz")[-1]
    (found,) = [artifact for artifact in result["artifacts"] if artifact["kind"] == "relevance"]
    with np.load(io.BytesIO(http.get(address + found["url"]).content), allow_pickle=False) as file:
        assert file["box"].tolist() == [0, 0, 1, 1] and file["map"].shape == (8, 8) and np.ptp(file["map"]) > 0
        features = engine.embed([np.asarray(Image.open(io.BytesIO(question)).convert("RGB"))])
        assert float(file["score"]) == pytest.approx(float(features[0, 0]), abs=1e-4)


@pytest.mark.slow
def test_the_server_says_in_words_what_is_wrong(address: str, sample: Path) -> None:
    client = http.client(address)
    job = client.submit(query=handle_file(sample / "classes.txt"), weights="", options={}, api_name="/classify")
    with pytest.raises(Exception, match="no picture that can be read"):
        job.result(timeout=30)
    assert job.outputs()[-1]["code"] == "bad_input"


@pytest.mark.slow
def test_the_server_says_why_and_what_it_will_cost(address: str, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(queries(seed=12)[0].png())
    client = http.client(address)

    def explained(**options: Any) -> list[dict[str, Any]]:
        files = {"file": handle_file(tmp_path / "one.png"), "support": handle_file(sample / "shots.zip")}
        job = client.submit(**files, weights="prototypes", options=options, api_name="/explain")
        job.exception(timeout=60)
        return job.outputs()

    events = explained(task="fewshot", detail=3)
    cost = next(event for event in events if event["type"] == "metric" and event["name"] == "evaluations")
    result = events[-1]
    assert cost["value"] == 5 == result["facts"]["evaluations"] and result["facts"]["method"] == "occlusion"
    found = {artifact["kind"]: artifact for artifact in result["artifacts"]}
    with np.load(io.BytesIO(http.get(address + found["attribution"]["url"]).content)) as stored:
        assert set(stored.files) == {"values", "y", "x"} and stored["values"].shape == (3, 3)
    for options, words in ({"task": "poetry"}, "which task"), ({"task": "fewshot", "method": "gradcam"}, "cannot be"):
        refused = explained(**options)[-1]
        assert refused["type"] == "error" and words in refused["sentence"]
