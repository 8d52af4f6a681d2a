"""What lies beside pictures: labels of programs that find things, and masks and previews, which are no examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.pictures import files
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from tests.reports.pictures.test_layouts import BLUE, GREEN, RED, labels_of, zip_of
from tests.support import pictures

GRAY, WHITE = pictures.plain((90, 90, 90)), pictures.plain((250, 250, 250))


def voc(*names: str) -> bytes:
    things = "".join(f"<object>\n<name>{name}</name><bndbox/></object>" for name in names)
    return f"<annotation><filename>x.jpg</filename>{things}</annotation>".encode()


VOC = {
    "JPEGImages/1.png": RED,
    "JPEGImages/2.png": BLUE,
    "JPEGImages/3.png": GREEN,
    "Annotations/1.xml": voc("cat", "cat"),
    "Annotations/2.xml": voc("dog &amp; bone"),
    "Annotations/3.xml": voc("cat", "dog &amp; bone"),
}


def test_labels_of_pascal_voc_are_read_where_a_picture_shows_one_kind_of_thing(tmp_path: Path) -> None:
    labels, said = labels_of(zip_of(tmp_path, VOC))
    assert labels == {"JPEGImages/1.png": "cat", "JPEGImages/2.png": "dog & bone"}
    assert "Pascal VOC" in said and "1 picture with things of no class or several" in said and ".xml" not in said


@pytest.mark.parametrize("names", [("classes.txt", b"cat\ndog\n"), ("data.yaml", b"nc: 2\nnames: [cat, dog]\n")])
def test_labels_of_yolo_are_read_by_their_names(tmp_path: Path, names: tuple[str, bytes]) -> None:
    content = {
        "train/images/1.png": RED,
        "train/images/2.png": BLUE,
        "valid/images/3.png": GREEN,
        "train/labels/1.txt": b"0 0.5 0.5 0.2 0.3\n0 0.1 0.1 0.2 0.3\n",
        "train/labels/2.txt": b"1 0.5 0.5 0.2 0.3\n",
        "valid/labels/3.txt": b"1 0.5 0.5 0.2 0.3\n",
        names[0]: names[1],
    }
    labels, said = labels_of(zip_of(tmp_path, content))
    assert labels == {"train/images/1.png": "cat", "train/images/2.png": "dog"}
    assert "YOLO" in said and "The 1 picture of the other parts was left out" in said


@pytest.mark.parametrize(
    ("kind", "notes"),
    [
        (
            "LabelMe",
            {
                "1.json": b'{"shapes": [{"label": "cat"}, {"label": "cat"}]}',
                "2.json": b'{"shapes": [{"label": "dog"}]}',
            },
        ),
        (
            "CVAT",
            {
                "annotations.xml": b'<annotations><image id="0" name="1.png"><box label="cat"/></image>'
                b'<image id="1" name="2.png"><tag label="dog" source="x"/></image></annotations>'
            },
        ),
    ],
)
def test_labels_of_other_programs_are_read(tmp_path: Path, kind: str, notes: dict[str, bytes]) -> None:
    labels, said = labels_of(zip_of(tmp_path, {"images/1.png": RED, "images/2.png": BLUE, **notes}))
    assert labels == {"images/1.png": "cat", "images/2.png": "dog"} and f"({kind})" in said


def test_folders_that_are_classes_outrank_what_lies_beside_the_pictures(tmp_path: Path) -> None:
    content = {"frog/1.png": RED, "toad/2.png": BLUE, "frog/1.xml": voc("animal"), "toad/2.xml": voc("eye")}
    assert labels_of(zip_of(tmp_path, content))[0] == {"frog/1.png": "frog", "toad/2.png": "toad"}


@pytest.mark.parametrize(
    "companion",
    ["cat/masks/1.png", "cat/thumbs/1.png", "cat/.thumbnails/1.png", "cat/seg/1_seg.png", "cat/1_mask.png"],
)
def test_masks_and_previews_are_no_examples(tmp_path: Path, companion: str) -> None:
    labels, said = labels_of(zip_of(tmp_path, {"cat/1.png": RED, companion: GRAY, "dog/2.png": BLUE}))
    assert labels == {"cat/1.png": "cat", "dog/2.png": "dog"}
    assert "/." in companion or f"“{companion}” belongs to another picture" in said  # what is hidden is no file at all


def test_a_folder_of_masks_beside_one_of_pictures_is_no_class(tmp_path: Path) -> None:
    pairs = {f"{kind}/{name}.png": content for kind, name, content in [
        ("images", "cat/1", RED), ("images", "dog/2", BLUE), ("masks", "cat/1", GRAY), ("masks", "dog/2", WHITE),
    ]}  # fmt: skip
    labels, said = labels_of(zip_of(tmp_path, pairs))
    assert labels == {"images/cat/1.png": "cat", "images/dog/2.png": "dog"}
    assert "2 pictures such as “masks/cat/1.png” belong to other pictures" in said


@pytest.mark.parametrize("around", ["", "train/"])
def test_masks_and_thumbs_may_be_classes(tmp_path: Path, around: str) -> None:
    classes = {"with_mask": RED, "masks": BLUE, "thumbs": GREEN, "fist": GRAY}
    content = {f"{around}{name}/{number}.png": data for name, data in classes.items() for number in (1, 2)}
    labels, said = labels_of(zip_of(tmp_path, content))
    assert set(labels.values()) == set(classes) and len(labels) == 8 and "belong" not in said


def test_the_page_says_what_it_left_out(tmp_path: Path) -> None:
    project: Project = Projects(tmp_path / "projects").create()
    report = files.import_folders(
        project, zip_of(tmp_path, {"cat/1.png": RED, "cat/masks/1.png": GRAY, "dog/2.png": BLUE})
    )
    assert project.state.names == ("cat", "dog") and report.added == 2
    assert any("belongs to another picture" in notice for notice in report.notices)
