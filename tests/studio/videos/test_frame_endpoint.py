"""Exact frames on request: they equal what the run itself makes, and what makes no sense is refused in a sentence."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.library.library import Library
from studio.videos import frame_source
from studio.videos.frame_endpoint import FrameEndpoint, checkerboard, frame_url
from studio.web.routes import routes
from tests.support.matting import CARD, RedEngine, finish, frames_of, pictures_of, scene, write_video

UNEVEN = [3, 6, 7, 12, 13, 17, 23, 24, 30, 31, 35, 36]
EDGE = {"edge": "1", "softness": "2", "despill": "0.5"}


def keep_run(library: Library, folder: Path, media: Path, options: dict[str, Any], **inputs: Path) -> SimpleNamespace:
    """A finished run of `media`, in the library as a job leaves it."""
    result, _ = finish(RedEngine(CARD).run({"media": media, **inputs}, options, folder))
    run = library.begin(task="matting", title="A clip", engine="red", options=options)
    for name, path in {"input": media, **inputs}.items():
        library.keep(run.id, "input", name, path)
    for item in result.artifacts:
        library.keep(run.id, item.kind, item.name, item.path)
    library.finish(run.id, "done", 1.0)
    return SimpleNamespace(id=run.id, folder=folder, media=media)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A library with a part of a video whose frame rate varies, with key frames far apart, and with a picture."""
    folder = tmp_path_factory.mktemp("frames")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_HOME", str(folder / "home"))
        library = Library()
        clip, still, behind = folder / "clip.mp4", folder / "still.png", folder / "behind.png"
        write_video(clip, [scene(i) for i in range(12)], pts=UNEVEN, time_base=Fraction(1, 30), options={"bf": "2"})
        Image.fromarray(scene(0)).save(still)
        Image.fromarray(np.full((40, 40, 3), (10, 20, 200), np.uint8)).save(behind)
        options = {"export": "luma,composite,png", "start": 0.15, **{key: float(EDGE[key]) for key in EDGE}}
        video = keep_run(library, folder / "video", clip, options, background=behind)
        picture = keep_run(library, folder / "picture", still, {"export": "prores4444", "edge": 1.0})
        yield SimpleNamespace(library=library, video=video, picture=picture)


@pytest.fixture
def client(runs: SimpleNamespace) -> Any:
    with TestClient(Starlette(routes=routes(runs.library))) as made:
        yield made


def ask(client: TestClient, run: SimpleNamespace, **query: Any) -> np.ndarray:
    answer = client.get(frame_url(run.id), params=query)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_any_frame_in_any_order_is_the_one_that_the_run_made(client: TestClient, runs: SimpleNamespace) -> None:
    mattes = pictures_of(runs.video.folder / "alpha.mkv", "gray")
    sources = frames_of(runs.video.media)[-len(mattes) :]
    assert len(mattes) == 11  # the part starts after one of them
    for index in (7, 2, 3, 9, 0, 8, 4):
        assert np.array_equal(ask(client, runs.video, n=index, view="alpha"), mattes[index])
        exact = ask(client, runs.video, n=index, view="source", side="0,0,96,64")
        assert np.array_equal(exact, sources[index])


@pytest.mark.slow
def test_a_cut_out_of_the_run_is_what_the_views_show(client: TestClient, runs: SimpleNamespace) -> None:
    import zipfile

    with zipfile.ZipFile(runs.video.folder / "png.zip") as archive:
        cutout = cv2.imdecode(np.frombuffer(archive.read("000005.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    colours, alpha = cv2.cvtColor(cutout, cv2.COLOR_BGRA2RGB), cutout[..., 3:] / 255
    whole = "0,0,96,64"
    assert np.array_equal(ask(client, runs.video, n=5, view="foreground", side=whole), colours)
    for view, behind in (("checker", checkerboard(64, 96)), ("composite", np.array([10, 20, 200]))):
        given = {"background": "own"} if view == "composite" else {}
        shown = ask(client, runs.video, n=5, view=view, side=whole, **given)
        assert np.abs(shown - (alpha * colours + (1 - alpha) * behind)).max() <= 2
    coded = ask(client, runs.video, n=5, view="composite", background="#0a14c8")
    assert np.abs(coded.astype(int) - ask(client, runs.video, n=5, view="composite", background="own")).mean() < 1
    small = ask(client, runs.video, n=5, view="checker", side=48)
    assert small.shape == (32, 48, 3)


def test_the_edge_can_be_tried_before_it_is_made(client: TestClient, runs: SimpleNamespace, tmp_path: Path) -> None:
    other = {"export": "luma", "start": 0.15, "edge": -3.0, "softness": 0.0}
    finish(RedEngine(CARD).run({"media": runs.video.media}, other, tmp_path / "out"))
    made = pictures_of(tmp_path / "out/alpha.mkv", "gray")
    shown = ask(client, runs.video, n=6, view="alpha", edge=-3, softness=0)
    assert np.array_equal(shown, made[6])
    assert shown.sum() < 0.8 * ask(client, runs.video, n=6, view="alpha", edge=3, softness=0).sum()
    part = ask(client, runs.video, n=6, view="alpha", edge=-3, softness=0, side="30,10,20,16")
    assert np.array_equal(part, made[6][10:26, 30:50])


def test_outside_of_a_part_all_is_see_through(client: TestClient, runs: SimpleNamespace, tmp_path: Path) -> None:
    """A rectangle by two corners, a polygon by its points; what is tried is what is made."""
    whole = ask(client, runs.video, n=6, view="alpha", edge=0, softness=0)
    for name, region in (("box", [[0.0, 0.0], [0.5, 1.0]]), ("polygon", [[0, 0], [0.5, 0], [0.5, 1], [0, 1]])):
        options = {"export": "luma", "start": 0.15, "region": region}
        finish(RedEngine(CARD).run({"media": runs.video.media}, options, tmp_path / name))
        made = pictures_of(tmp_path / name / "alpha.mkv", "gray")[6]
        shown = ask(client, runs.video, n=6, view="alpha", edge=0, softness=0, region=json.dumps(region))
        assert np.array_equal(shown, made)
        assert not made[:, 50:].any() and np.array_equal(made[:, :46], whole[:, :46]) and made[:, :46].any()
    assert whole[:, 50:].any()


def test_a_picture_has_one_exact_frame(client: TestClient, runs: SimpleNamespace) -> None:
    cutout = np.asarray(Image.open(runs.picture.folder / "cutout.png"))
    assert np.array_equal(ask(client, runs.picture, view="alpha"), cutout[..., 3])
    shown = ask(client, runs.picture, view="foreground", side="0,0,96,64")
    assert np.array_equal(shown, cutout[..., :3])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"n": "11"}, "no frame 11: this run has the frames 0 to 10"),
        ({"n": "-1"}, "no frame -1"),
        ({"n": "1e3"}, "no frame 1e3"),
        ({"view": "../alpha"}, "no view called"),
        ({"view": "alpha", "edge": "wide"}, "“edge” takes a number"),
        ({"view": "alpha", "edge": "nan"}, "“edge” takes a number"),
        ({"view": "alpha", "softness": "-1"}, "from 0 to 50"),
        ({"view": "checker", "despill": "2"}, "from 0 to 1"),
        ({"view": "composite", "background": "/etc/passwd"}, "is no background"),
        ({"view": "alpha", "region": "[[0, 0]]"}, "stay inside of cannot be read"),
        ({"view": "alpha", "region": "[[0, 0], [3, 1]]"}, "stay inside of cannot be read"),
        ({"side": "0"}, "from 16 up"),
        ({"side": "1,2,3"}, "x,y,width,height"),
        ({"side": "96,0,4,4"}, "outside the picture"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    client: TestClient, runs: SimpleNamespace, query: dict[str, str], words: str
) -> None:
    answer = client.get(frame_url(runs.video.id), params=query)
    assert answer.status_code == 400 and words in answer.text and "Traceback" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_run_without_matte_says_so(client: TestClient, runs: SimpleNamespace) -> None:
    run = runs.library.begin(task="matting", title="Still going", engine="red")
    answer = client.get(frame_url(run.id))
    assert answer.status_code == 409 and "when the run is finished" in answer.text
    runs.library.finish(run.id, "failed", 1.0, "no")
    assert client.get(frame_url("x" * 22)).status_code == 404
    own = client.get(frame_url(runs.picture.id), params={"view": "composite", "background": "own"})
    assert own.status_code == 400 and "without a background of its own" in own.text


def test_a_step_back_and_the_next_one_decode_once(runs: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[float] = []

    class Counted(frame_source.IsolatedReader):
        def __init__(self, path: Path, start: float = 0.0, *rest: Any) -> None:
            opened.append(start)
            super().__init__(path, start, *rest)

    monkeypatch.setattr(frame_source, "IsolatedReader", Counted)
    frames = FrameEndpoint(runs.library)
    for index in (9, 8, 7, 6, 5):
        frames.make(runs.video.id, {"n": str(index), "view": "alpha"})
    assert len(opened) <= 4  # to learn the size, to jump to 8, and to step back


def test_a_video_without_times_is_counted_from_its_start(runs: SimpleNamespace, tmp_path: Path) -> None:
    raw = tmp_path / "raw.h264"
    write_video(raw, [scene(i) for i in range(8)])
    run = keep_run(runs.library, tmp_path / "out", raw, {"export": "luma"})
    mattes = pictures_of(run.folder / "alpha.mkv", "gray")
    frames = FrameEndpoint(runs.library)
    for index in (6, 2):
        content, kind = frames.make(run.id, {"n": str(index), "view": "alpha"})
        assert kind == "image/png"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), mattes[index])
