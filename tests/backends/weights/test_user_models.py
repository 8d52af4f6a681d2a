"""Weights of one's own: a file in the right folder is a card, is judged when it is loaded, and no path is taken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import gradio
import numpy as np
import pytest
from PIL import Image

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.core.task import Task, task_named
from backends.serving.gradio_app import Server
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from backends.weights import user_models
from backends.weights.store import WeightStore
from tests.support.matting_networks import HALVES, network


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(WeightStore(tmp_path / "weights"), "cpu")


@pytest.fixture
def task() -> Task:
    return task_named("matting")


def put(host: Host, task: str, name: str, content: bytes = b"no weights") -> Path:
    path = host.store.root / "yours" / task / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def red_net(path: Path) -> Path:
    """A network that takes what is red for the person."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return network(path, "NHWC")


def told(host: Host, task: str) -> dict[str, dict]:
    return {card["id"]: card for card in host.info().model_dump()["tasks"][task]["cards"] if card["tier"] == "yours"}


def test_a_file_in_the_folder_is_a_card_until_it_is_gone(host: Host) -> None:
    assert told(host, "matting") == {}
    path = put(host, "matting", "my net.onnx")
    card = told(host, "matting")["yours/my net.onnx"]
    assert (card["title"], card["engine"], card["here"], card["lacks"]) == ("my net.onnx", "onnx", True, "")
    assert card["limits"]["megapixels"] == 35.6 and card["outputs"] == ("alpha",) and card["download_bytes"] == 0
    # Nobody has measured it: it is chosen, not taken.
    assert host.info().tasks["matting"].default == "classical"
    path.unlink()
    assert told(host, "matting") == {}
    with pytest.raises(WeightsMissing, match="no model called “yours"):
        host.choose(task_named("matting"), weights="yours/my net.onnx")


@pytest.mark.parametrize(
    ("task_name", "name", "engine"),
    [
        ("separation", "band.th", "demucs"),
        ("separation", "band.SAFETENSORS", "demucs"),
        ("matting", "hair.ckpt", "modnet"),
        ("folding", "params_model_1_ptm.npz", "alphafold2"),
        ("folding", "esm.safetensors", "esmfold"),
    ],
)
def test_the_ending_tells_the_engine(host: Host, task_name: str, name: str, engine: str) -> None:
    put(host, task_name, name)
    assert told(host, task_name)[f"yours/{name}"]["engine"] == engine


@pytest.mark.parametrize(("model_type", "engine"), [("esm", "esmfold"), ("esmfold2", "esmfold2"), (7, "esmfold")])
def test_a_folder_says_itself_what_it_holds(host: Host, model_type: object, engine: str) -> None:
    put(host, "folding", "mine/config.json", json.dumps({"model_type": model_type}).encode())
    put(host, "folding", "mine/model.safetensors", bytes(4_000))
    card = told(host, "folding")["yours/mine"]
    assert (card["engine"], card["here"]) == (engine, True) and 1_000 <= card["parameters"] < 1_100


def test_an_empty_folder_holds_no_weights(host: Host) -> None:
    put(host, "folding", "later/sub/model.safetensors")
    assert told(host, "folding") == {} and host.info().tasks["folding"].own.strange == ("later",)


def test_stems_are_not_promised_before_the_weights_are_read(host: Host) -> None:
    put(host, "separation", "six.th")
    assert told(host, "separation")["yours/six.th"]["outputs"] == ()


def test_what_no_engine_takes_is_named_and_what_is_hidden_is_not(host: Host, task: Task) -> None:
    for name in ("net.gguf", ".secret.onnx", "net.onnx", "net.json", "bad\nname.onnx"):
        put(host, "matting", name)
    put(host, "matting", os.fsdecode(b"\xff.onnx"))  # no text at all, so no message could carry it
    assert list(told(host, "matting")) == ["yours/net.onnx"]
    assert host.info().tasks["matting"].own.strange == ("net.gguf",)
    host.info().model_dump_json().encode()


def test_a_picture_is_cut_out_by_a_network_of_ones_own(host: Host, task: Task, tmp_path: Path) -> None:
    red_net(put(host, "matting", "red.onnx"))
    Image.fromarray(HALVES[0]).save(tmp_path / "halves.png")
    card, paths = host.choose(task, weights="yours/red.onnx")
    (out := tmp_path / "out").mkdir()
    list(run_job(host, JobRequest(task, card, paths, {"media": tmp_path / "halves.png"}, {}, out)))
    alpha = np.asarray(Image.open(out / "alpha.png"))
    assert alpha[:, :24].max() < 30 and alpha[:, 40:].min() > 225
    assert told(host, "matting")["yours/red.onnx"]["state"] == "ready"


def test_a_broken_file_is_refused_with_a_sentence_that_stays_on_its_card(host: Host, task: Task) -> None:
    path = put(host, "matting", "net.onnx")
    card, paths = host.choose(task, weights="yours/net.onnx")
    with pytest.raises(WeightsBroken, match="is not a network in ONNX format"):
        list(host.engine(task, card, paths))
    about = told(host, "matting")["yours/net.onnx"]
    assert about["state"] == "failed" and "is not a network in ONNX format" in about["reason"]
    red_net(path)
    list(host.engine(task, card, paths))
    assert told(host, "matting")["yours/net.onnx"]["reason"] == ""


def test_a_file_that_was_replaced_is_read_again(host: Host, task: Task) -> None:
    path = red_net(put(host, "matting", "net.onnx"))
    *_, first = host.engine(task, *host.choose(task, weights="yours/net.onnx"))
    *_, same = host.engine(task, *host.choose(task, weights="yours/net.onnx"))
    path.with_suffix(".json").write_text('{"channels": "BGR"}')
    *_, other = host.engine(task, *host.choose(task, weights="yours/net.onnx"))
    assert same is first and other is not first and other.recipe.channels == "BGR"


@pytest.mark.parametrize("name", ["yours/../secret.onnx", "yours//etc/passwd", "../secret.onnx", "yours/none.onnx"])
def test_a_client_cannot_name_a_path(host: Host, task: Task, tmp_path: Path, name: str) -> None:
    red_net(put(host, "matting", "net.onnx"))
    red_net(host.store.root / "yours" / "secret.onnx")
    with pytest.raises(gradio.Error, match="There is no model called"):
        list(Server(host, tmp_path / "server").work(task, {}, name, {}))


def test_a_card_whose_file_goes_while_it_waits_is_missed_in_words(host: Host, task: Task) -> None:
    path = red_net(put(host, "matting", "net.onnx"))
    card, paths = host.choose(task, weights="yours/net.onnx")
    path.unlink()
    with pytest.raises(WeightsMissing, match="is not there"):
        list(host.engine(task, card, paths))
    assert user_models.discover(task, host.store.root) == ()


def test_on_the_terminal_the_ending_of_a_path_tells_the_engine_too(host: Host, task: Task, tmp_path: Path) -> None:
    red_net(tmp_path / "net.onnx")
    card, paths = host.choose(task, weights=str(tmp_path / "net.onnx"))
    assert (card.engine, card.id, paths) == ("onnx", "net", (tmp_path / "net.onnx",))
