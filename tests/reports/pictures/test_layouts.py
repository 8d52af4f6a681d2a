"""Layouts of folders, zips and tables: recognised, or refused in a sentence; never guessed in silence."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.core.errors import BadInput
from backends.fewshot.data.class_list import parse_classes
from backends.fewshot.data.examples import read_examples, twice_notices
from backends.fewshot.data.image_collection import open_image_collection
from backends.shared import images
from studio.pictures import files
from studio.pictures.project import Project
from studio.pictures.projects import Projects
from tests.support import pictures

RED, BLUE, GREEN = (pictures.plain(colour) for colour in ((200, 20, 20), (20, 20, 200), (20, 180, 20)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Projects(tmp_path / "projects").create()


def zip_of(tmp_path: Path, content: Mapping[str, bytes]) -> Path:
    path = tmp_path / "set.zip"
    path.write_bytes(pictures.zipped(content))
    return path


def labels_of(path: Path) -> tuple[dict[str, str], str]:
    """The class of each picture as the command line and the model server read it, and all that they say."""
    with open_image_collection(path) as collection:
        found = read_examples(collection, None)
    return {item.name: name for item, name in found.labels.items()}, " ".join(found.notices)


SPLIT = {
    "train/cat/1.png": RED,
    "train/dog/2.png": BLUE,
    "valid/cat/3.png": GREEN,
    "test/dog/4.png": pictures.plain((9, 9, 9)),
}


def test_the_parts_of_a_data_set_are_no_classes(tmp_path: Path, project: Project) -> None:
    path = zip_of(tmp_path, SPLIT)
    labels, said = labels_of(path)
    assert labels == {"train/cat/1.png": "cat", "train/dog/2.png": "dog"}
    assert "parts of a data set" in said and "The 2 pictures of the other parts were left out" in said
    report = files.import_folders(project, path)
    assert project.state.names == ("cat", "dog") and report.added == 2
    assert any("parts of a data set" in notice for notice in report.notices)


def test_parts_without_class_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="parts of a data set and not like classes"):
        labels_of(zip_of(tmp_path, {"train/1.png": RED, "test/2.png": BLUE}))


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    labels, _ = labels_of(zip_of(tmp_path, {"train/1.png": RED, "car/2.png": BLUE}))
    assert labels == {"train/1.png": "train", "car/2.png": "car"}


@pytest.mark.parametrize(
    "table",
    [
        b"image,label\na.png,cat\nb.png,dog\nc.png,cat\n",
        b"\xef\xbb\xbffile;width;class\r\na.png;40;cat\r\nb.png;40;dog\r\nc.png;40;cat\r\n",
        b"id\tbreed\na\tcat\nb\tdog\nc\tcat\n",
        b"./images/a.png,cat\n./images/b.png,dog\n./images/c.png,cat\n",
    ],
    ids=["comma", "semicolon", "without endings", "no heading"],
)
def test_a_table_of_labels_beside_the_pictures_is_read(tmp_path: Path, project: Project, table: bytes) -> None:
    content = {"images/a.png": RED, "images/b.png": BLUE, "images/c.png": GREEN, "labels.csv": table}
    if b"\t" in table:
        content["labels.tsv"] = content.pop("labels.csv")
    path = zip_of(tmp_path, content)
    labels, said = labels_of(path)
    assert sorted(labels.values()) == ["cat", "cat", "dog"] and "was read from “labels." in said
    assert files.import_folders(project, path).added == 3 and project.state.names == ("cat", "dog")


def test_a_table_without_its_pictures_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,label\nfrog_0325.jpg,frog\n")
    with pytest.raises(BadInput, match="into one zip together with them"), open_image_collection(table):
        pass


@pytest.mark.parametrize("text", ["image,label\nfrog_1.jpg,frog\n", "a.png;cat\nb.png;dog", '{"classes": ["cat"]}'])
def test_what_is_no_list_of_classes_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no list of classes"):
        parse_classes(text)


def test_names_that_only_look_like_rows_are_classes() -> None:
    assert list(parse_classes("<b>cat</b>\n[red]\nold.png, mine: x.png, y\n{x}")) == [
        "<b>cat</b>", "[red]", "old.png, mine", "{x}",
    ]  # fmt: skip


def test_folders_whose_long_names_begin_alike_do_not_become_one_class(tmp_path: Path, project: Project) -> None:
    long = "leaf of a tree that grows near the old mill by the river where the road bends north "
    path = zip_of(tmp_path, {f"{long}one/a.png": RED, f"{long}two/b.png": BLUE, "short/c.png": GREEN})
    report = files.import_folders(project, path)
    assert project.state.names == ("short",) and report.added == 1
    assert len(report.problems) == 2 and all("longer than 80 letters" in one for one in report.problems)
    with pytest.raises(BadInput.__base__, match="longer than 80 letters"):
        labels_of(path)


def test_a_zip_of_class_folders_dropped_on_one_class_adds_nothing(tmp_path: Path, project: Project) -> None:
    path = zip_of(tmp_path, {"frog/a.png": RED, "horse/b.png": BLUE})
    frog = project.add_class("frog")
    with pytest.raises(BadInput, match="Folders at once"):
        files.import_zip(project, path, frog.id)
    assert not frog.shots
    assert files.import_zip(project, path, None).added == 2  # as questions they are welcome


def test_pictures_keep_the_folder_in_their_names(tmp_path: Path, project: Project) -> None:
    path = zip_of(tmp_path, {"set_1/image_1.png": RED, "set_2/image_1.png": BLUE})
    files.import_zip(project, path, None)
    names = {picture.name for picture in project.state.pictures.values()}
    assert names == {"set_1/image_1.png", "set_2/image_1.png"}


def test_the_same_picture_in_two_classes_is_said(tmp_path: Path) -> None:
    with open_image_collection(zip_of(tmp_path, {"cat/a.png": RED, "dog/b.png": RED, "dog/c.png": BLUE})) as collection:
        (said,) = twice_notices(read_examples(collection, None).labels)
    assert "“cat/a.png” and “dog/b.png” are the same picture" in said


def test_heic_and_jfif_are_read_and_heic_is_turned_as_it_was_held(project: Project) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (80, 40), "blue")
    wide.paste("red", (0, 0, 40, 40))
    heic = pictures.encoded(wide, "HEIF", exif=exif.tobytes())
    read = images.read(heic)
    assert (read.width, read.height) == (40, 80) and read.rgb[5].mean(axis=0)[0] > 200 > read.rgb[-5].mean(axis=0)[0]
    listed = [("phone.heic", lambda: heic), ("old.jfif", lambda: pictures.plain(kind="JPEG"))]
    report = files.import_files(project, listed, project.add_class("cat").id)
    assert report.added == 2 and not report.problems
    assert {"heic", "jfif"} <= set(images.ENDINGS)


def test_an_animated_avif_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    moving = pictures.encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert images.looks_like_picture(moving[:16]) and images.read(moving).moving


def test_every_file_of_a_mixed_choice_is_added_or_named(project: Project) -> None:
    listed = [
        ("a.jpg", lambda: RED),
        ("b.ppm", lambda: b"P6 1 1 255 abc"),
        ("c", lambda: BLUE),
        ("d.heic", lambda: b""),
    ]
    report = files.import_files(project, listed, project.add_class("cat").id)
    assert report.added == 2 and [one.split("”")[0] for one in report.problems] == ["“b.ppm", "“d.heic"]


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (Image.new("RGB", (1, 1), "white"), "only 1 × 1 pixels"),
        (Image.effect_noise((2000, 20), 60), "100 times as long as wide"),
        (Image.new("RGBA", (40, 40), (9, 9, 9, 0)), "one even colour"),
    ],
    ids=["one pixel", "a stripe", "see-through"],
)
def test_a_picture_that_shows_nothing_is_not_taken_without_a_word(
    project: Project, picture: Image.Image, said: str
) -> None:
    data = pictures.encoded(picture)
    report = files.import_files(project, [("odd.png", lambda: data)], project.add_class("cat").id)
    assert report.added == 1 and said in report.notices[0]


def test_twelve_bits_in_a_file_of_sixteen_are_said_to_be_nearly_black(project: Project) -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 4095, 1600).reshape(40, 40).astype(np.uint16)).save(file, "TIFF")
    report = files.import_files(project, [("cell.tif", file.getvalue)], project.add_class("cat").id)
    assert report.notices == ["“cell.tif” is nearly black: its brightest point is 15 of 255."]


def test_a_tiff_of_several_pages_is_said(project: Project) -> None:
    file = io.BytesIO()
    pages = [Image.effect_noise((40, 40), 50 + n) for n in range(2)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    report = files.import_files(project, [("scan.tif", file.getvalue)], project.add_class("cat").id)
    assert report.notices == ["“scan.tif” has several pages: only the first one is looked at."]


def one_hot(*rows: str) -> dict[str, bytes]:
    """Four pictures without folders, and a table with one column a class."""
    shades = (RED, BLUE, GREEN, pictures.plain((9, 9, 9)))
    named = {f"{number}.png": shade for number, shade in enumerate(shades, 1)}
    return {"_classes.csv": "\n".join(("filename, cat, dog", *rows)).encode(), **named}


def test_a_table_with_a_column_for_each_class_is_read(tmp_path: Path) -> None:
    labels, said = labels_of(zip_of(tmp_path, one_hot("1.png, 1, 0", "2.png, 0, 1", "3.png,1,1", "4.png,0,0")))
    assert labels == {"1.png": "cat", "2.png": "dog"}
    assert "2 pictures of no class or several in it: left out" in said
    split = {
        f"train/{name}": data for name, data in one_hot("1.png,1,0", "2.png,0,1", "3.png,1,0", "4.png,1,0").items()
    }
    held = {"valid/_classes.csv": b"filename, cat, dog\n9.png, 1, 0", "valid/9.png": pictures.plain((77, 7, 7))}
    assert set(labels_of(zip_of(tmp_path, {**split, **held}))[0]) == {f"train/{number}.png" for number in range(1, 5)}


@pytest.mark.parametrize(
    "table",
    [
        "bild;klasse\n1.png;Hund\n2.png;Kätzchen\n".encode("utf-16"),
        "file,label\n1.HEIC,Hund\n2.jpg,Kätzchen\n".encode(),
        b"image,choice,id\n1.png,Hund,7\n2.png,K\xc3\xa4tzchen,8\n",
        "path,label\nC:\\data\\x\\1.png,Hund\nC:\\data\\x\\2.png,Kätzchen\n".encode(),
    ],
)
def test_tables_of_other_machines_are_read(tmp_path: Path, table: bytes) -> None:
    labels, _ = labels_of(zip_of(tmp_path, {"labels.csv": table, "1.png": RED, "2.png": BLUE}))
    assert labels == {"1.png": "Hund", "2.png": "Kätzchen"}


def test_a_picture_with_two_labels_is_named_and_left_out(tmp_path: Path) -> None:
    table = b"file,label\n1.png,a\n1.png,b\n2.png,b\n3.png,a\n"
    labels, said = labels_of(zip_of(tmp_path, {"l.csv": table, "1.png": RED, "2.png": BLUE, "3.png": GREEN}))
    assert labels == {"2.png": "b", "3.png": "a"} and "1 picture of no class or several" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"images/1.png": RED, "images/2.png": BLUE, "labels/1.txt": b"0 .5 .5 .1 .1"}, "list of their names"),
        ({"images/1.png": RED, "images/2.png": BLUE, "labels.xlsx": b"PK"}, "is a spreadsheet, which is not read"),
        ({"1.png": RED, "2.png": BLUE, "all.json": b'[{"data": {"image": "1.png"}}]'}, "“all.json” does not tell"),
        ({"1.png": RED, "2.png": BLUE, "labels.ods": b"PK"}, "is a spreadsheet, which is not read"),
        ({"train/images/1.png": RED, "train/images/2.png": BLUE, "valid/images/3.png": GREEN}, "names no class"),
        ({"train2017/1.png": RED, "val2017/2.png": BLUE}, "parts of a data set"),
        ({"fold1/cat/1.png": RED, "fold2/dog/2.png": BLUE}, "parts of a data set"),
    ],
)
def test_folders_that_only_hold_pictures_are_no_classes(tmp_path: Path, content: dict[str, bytes], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        labels_of(zip_of(tmp_path, content))


def test_the_preview_of_a_raw_photograph_is_not_taken_for_it() -> None:
    for tag, value in ((images.SUBFILE_TYPE, images.REDUCED), (images.DNG_VERSION, b"\1\4\0\0")):
        raw = io.BytesIO()
        Image.new("RGB", (40, 30)).save(raw, "TIFF", tiffinfo={tag: value})
        with pytest.raises(BadInput, match="raw photograph"):
            images.read(raw.getvalue())


def test_labels_in_json_lines_are_read_and_the_file_is_not_called_left_out(tmp_path: Path) -> None:
    """As Hugging Face's folders of images have them."""
    lines = '{"file_name": "1.png", "label": "Hund", "tags": [1]}\n{"file_name": "2.png", "label": "Katze"}\n'
    labels, said = labels_of(zip_of(tmp_path, {"1.png": RED, "2.png": BLUE, "metadata.jsonl": lines.encode()}))
    assert labels == {"1.png": "Hund", "2.png": "Katze"}
    assert "metadata.jsonl" in said and "left out" not in said


def test_zips_in_a_zip_are_named(tmp_path: Path) -> None:
    path = zip_of(tmp_path, {"cat.zip": pictures.zipped({"1.png": RED})})
    with pytest.raises(BadInput, match=r"only zips in here, such as “cat\.zip”"):
        labels_of(path)


FOUR = {"1.png": RED, "2.png": BLUE, "3.png": GREEN, "4.png": pictures.plain((9, 9, 9))}
COCO = {
    "images": [{"id": 5, "file_name": "1.png"}, {"id": 6, "file_name": "2.png"}],
    "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
    "annotations": [{"image_id": 5, "category_id": 0}, {"image_id": 6, "category_id": 1}],
}


@pytest.mark.parametrize(
    "tables",
    [
        {"labels.csv": 'file, label\n1.png, "cat"\n2.png, "dog"\n'},
        {"labels.csv": "file|label\n1.PNG|cat\n2.PNG|dog\n"},
        {"labels.csv": "file,label,split\n1.png,cat,train\n2.png,dog,train\n3.png,cat,test\n4.png,dog,valid\n"},
        {"test.csv": "file,label\n3.png,cat\n4.png,dog\n", "train.csv": "file,label\n1.png,cat\n2.png,dog\n"},
        {"labels.csv": "file,label\n1.png,cat\n2.png,dog\n3.png,nan\n4.png,cat;dog\n"},
        {"labels.txt": "1.png cat\n2.png dog\n"},
        {"labels.json": json.dumps({"1.png": "cat", "2.png": "dog"})},
        {"labels.json": json.dumps({"cat": ["1.png"], "dog": ["2.png"]})},
        {"labels.json": json.dumps([{"image": "1.png", "label": "cat"}, {"image": "2.png", "label": "dog"}])},
        {"annotations.json": json.dumps(COCO)},
    ],
)
def test_a_table_of_any_kind_gives_the_examples_to_train_with(tmp_path: Path, tables: dict[str, str]) -> None:
    labels, said = labels_of(zip_of(tmp_path, {**FOUR, **{name: text.encode() for name, text in tables.items()}}))
    assert labels == {"1.png": "cat", "2.png": "dog"}
    assert "left out" in said


def test_a_list_of_numbered_classes_names_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="lie in folders"):
        labels_of(zip_of(tmp_path, {**FOUR, "classes.txt": b"1 cat\n2 dog\n"}))


def test_parts_of_a_data_set_within_the_classes_are_parts(tmp_path: Path) -> None:
    content = {"cat/train/1.png": RED, "cat/test/2.png": BLUE, "dog/train/3.png": GREEN}
    labels, said = labels_of(zip_of(tmp_path, content))
    assert labels == {"cat/train/1.png": "cat", "dog/train/3.png": "dog"} and "1 picture of the other parts" in said


class ForeignEntry(zipfile.ZipInfo):
    """An entry whose name is written in the alphabet of some system, unsaid."""

    encoding = "utf-8"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode(self.encoding), self.flag_bits


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("gbk", ("猫", "狗")),
        ("big5", ("貓咪", "黑熊")),
        ("shift_jis", ("ねこ", "いぬ")),
        ("euc_kr", ("강아지", "고양이")),
        ("cp866", ("кошка", "собака")),
        ("cp437", ("Kühe", "Füchse")),
        ("cp1252", ("été", "garçon")),
        ("utf-8", ("Zürich", "馬")),
    ],
)
def test_folders_are_called_as_they_were_on_the_machine_that_packed_them(
    tmp_path: Path, encoding: str, classes: tuple[str, str]
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in zip(classes, (RED, BLUE), strict=True):
            entry = ForeignEntry(f"{name}/1.png")
            entry.encoding = encoding
            archive.writestr(entry, content)
    labels, _ = labels_of(tmp_path / "set.zip")
    assert set(labels.values()) == set(classes)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_png_without_its_last_rows_is_damaged_and_a_black_one_is_not(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (40, 30)).save(buffer, "PNG")
    black = buffer.getvalue()
    assert images.read(black).rgb.shape == (30, 40, 3)
    taller = black[:20] + (60).to_bytes(4, "big") + black[24:29]
    cut = taller + zlib.crc32(taller[12:]).to_bytes(4, "big") + black[33:]
    with pytest.raises(BadInput, match="damaged"):
        images.read(cut)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_a_picture_that_was_held_upright_has_the_size_of_what_is_seen(kind: str) -> None:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(buffer, kind, exif=exif)
    picture = images.read(buffer.getvalue())
    assert (picture.rgb.shape[:2], picture.width, picture.height) == ((40, 20), 20, 40)
