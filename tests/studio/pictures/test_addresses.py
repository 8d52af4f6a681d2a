"""The addresses of a project's pictures: what is handed out, how, and that nothing else is."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.pictures import addresses, files
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from tests.support import pictures

TURNED = pictures.sideways()
SHA = hashlib.sha256(TURNED).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Projects(tmp_path / "projects").create()
    with made.change() as state:
        state.name = "Zoo: 🐘"
    files.import_files(made, [("a.jpg", lambda: TURNED)], made.add_class("cat").id)
    return made


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    projects = Projects(project.folder.parent)
    with TestClient(Starlette(routes=addresses.routes(lambda: projects, "/base"))) as made:
        yield made


def test_pictures_come_upright_small_and_large_and_may_be_kept(client: TestClient, project: Project) -> None:
    for make, side in ((addresses.thumb_url, 80), (addresses.shown_url, 80)):
        answer = client.get(make(project, SHA, "/base"))
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
        assert "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"
        pixels = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
        assert pixels.shape == (side, side // 2, 3) and pixels[5].mean(axis=0)[0] > 220 > pixels[-5].max()


@pytest.mark.parametrize(
    "address",
    [
        "/base/projects/{token}/thumbs/" + "0" * 64,
        "/base/projects/{token}/thumbs/..%2fproject.json",
        "/base/projects/{token}/pictures/project.json",
        "/base/projects/" + "x" * 32 + "/thumbs/" + SHA,
        "/base/projects/..%2f{token}/project.zip",
    ],
)
def test_nothing_else_is_handed_out(client: TestClient, project: Project, address: str) -> None:
    answer = client.get(address.format(token=project.token))
    assert answer.status_code == 404 and b"fourfold-pictures" not in answer.content


def test_the_saved_project_has_a_readable_name_and_leaves_no_file_behind(
    client: TestClient, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answer = client.get(addresses.saved_url(project, "/base"))
    assert answer.status_code == 200 and "Zoo%20%F0%9F%90%98.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert bundle.read("pictures/cat/a.jpg") == TURNED
    assert not list(tmp_path.glob("fourfold-project-*"))
