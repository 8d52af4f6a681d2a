"""Pictures of a folder or zip that nobody vouches for, and classes in words."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data import image_collection
from backends.fewshot.data.class_list import parse_classes, prompts, read_classes
from backends.fewshot.data.image_collection import open_image_collection, plain_name


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def laid_out(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


PICTURES = {"cat/1.png": png(1), "cat/2.png": png(2), "dog/big/1.png": png(3), "loose.png": png(4)}


@pytest.mark.parametrize("as_zip", [True, False])
def test_items_have_names_classes_and_content(tmp_path: Path, as_zip: bool) -> None:
    others = {"cat/notes.txt": b"hello", "cat/.hidden.png": png(), "__MACOSX/cat/._1.png": png(), "cat/Thumbs.db": b"x"}
    files = {**PICTURES, **others}
    path = packed(tmp_path / "a.zip", files) if as_zip else laid_out(tmp_path / "a", files)
    with open_image_collection(path) as gallery:
        assert {item.name: item.folder for item in gallery.items} == {
            "cat/1.png": "cat", "cat/2.png": "cat", "dog/big/1.png": "dog", "loose.png": "",
        }  # fmt: skip
        for item in gallery.items:
            assert item.read() == PICTURES[item.name] and item.sha256 == sha256(PICTURES[item.name]).hexdigest()
        assert gallery.folders == ("cat", "dog") and gallery.skipped == ("cat/notes.txt",)
        assert gallery.notice() == "One file is no picture and left out: “cat/notes.txt”."


def test_one_picture_is_a_gallery_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_bytes(png(7))
    with open_image_collection(tmp_path / "photo.txt") as gallery:
        (item,) = gallery.items
        assert (item.name, item.folder, item.read()) == ("photo.txt", "", png(7)) and gallery.notice() == ""


def test_a_folder_around_everything_is_no_class(tmp_path: Path) -> None:
    wrapped = {f"my animals/{name}": data for name, data in PICTURES.items() if "/" in name}
    with open_image_collection(packed(tmp_path / "a.zip", wrapped)) as gallery:
        assert gallery.folders == ("cat", "dog")
    with open_image_collection(packed(tmp_path / "b.zip", {"cat/1.png": png(1), "cat/2.png": png(2)})) as gallery:
        assert gallery.folders == ("cat",)


def test_names_of_a_zip_lead_nowhere(tmp_path: Path) -> None:
    tricks = {"../../etc/1.png": png(1), "/abs/2.png": png(2), "C:\\win\\3.png": png(3), "a/./../b\x07/4.png": png(4)}
    with open_image_collection(packed(tmp_path / "a.zip", tricks)) as gallery:
        assert sorted(item.name for item in gallery.items) == ["a/b/4.png", "abs/2.png", "etc/1.png", "win/3.png"]
    assert plain_name("🐱/👩‍🚀.png") == "🐱/👩‍🚀.png" and plain_name("../..") == "picture"
    assert plain_name("cafe\u0301/1.png") == "café/1.png"


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", png(1))
        archive.writestr("cat/1.png", png(2))
    with open_image_collection(tmp_path / "a.zip") as gallery:
        assert [(item.name, item.read()) for item in gallery.items] == [
            ("cat/1.png", png(1)), ("cat/1 (2).png", png(2)),
        ]  # fmt: skip


def test_names_in_utf8_that_are_not_declared_are_read_as_such(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("Zürich/1.png", png())
    (tmp_path / "a.zip").write_bytes(with_flags(data.getvalue(), lambda flags: flags & ~0x800))
    with open_image_collection(tmp_path / "a.zip") as gallery:
        assert gallery.folders == ("Zürich",)


def test_links_in_a_zip_are_left_out_and_links_to_folders_not_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", png())
        link = zipfile.ZipInfo("cat/passwd.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with open_image_collection(tmp_path / "a.zip") as gallery:
        assert [item.name for item in gallery.items] == ["cat/1.png"]
    root = laid_out(tmp_path / "folder", {"cat/1.png": png()})
    (root / "cat" / "again").symlink_to(root)
    (root / "cat" / "broken.png").symlink_to(tmp_path / "nowhere")
    with open_image_collection(root) as gallery:
        assert [item.name for item in gallery.items] == ["cat/1.png"]


def test_limits_hold_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {f"{index}.png": png(index) for index in range(5)})
    for name, limit, said in [
        ("MAX_PICTURES", 4, "more than 4 pictures"),
        ("MAX_FILES", 4, "more than 4 files"),
        ("MAX_BYTES", 50, "when unpacked"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(image_collection, name, limit)
            with pytest.raises(TooLarge, match=said), open_image_collection(path):
                pass
    monkeypatch.setattr(image_collection, "MAX_BYTES_PER_FILE", 20)
    with open_image_collection(path) as gallery, pytest.raises(TooLarge, match="larger than"):
        gallery.items[0].read()


def test_a_bomb_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", png() + bytes(30_000_000))
    assert (tmp_path / "bomb.zip").stat().st_size < 100_000
    monkeypatch.setattr(image_collection, "MAX_BYTES", 1_000_000)
    with pytest.raises(TooLarge, match="when unpacked"), open_image_collection(tmp_path / "bomb.zip"):
        pass


def hostile(tmp_path: Path) -> dict[str, Path]:
    whole = packed(tmp_path / "whole.zip", PICTURES).read_bytes()
    files = {
        "empty": b"",
        "text.zip": b"no zip",
        "cut.zip": whole[: len(whole) // 2],
        "nothing.zip": packed(tmp_path / "nothing.zip", {}).read_bytes(),
        "texts.zip": packed(tmp_path / "texts.zip", {"a.txt": b"a", "b.jpg": b"no picture"}).read_bytes(),
        "locked.zip": with_flags(whole, lambda flags: flags | 1),
        "labels.csv": b"image,label\na.jpg,frog\n",
    }
    return {name: laid_out(tmp_path / "hostile", {name: data}) / name for name, data in files.items()}


def with_flags(data: bytes, change: Callable[[int], int]) -> bytes:
    """The same zip with other flags on each entry."""
    parts = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = parts.find(mark)
        while at >= 0:
            struct.pack_into("<H", parts, at + offset, change(*struct.unpack_from("<H", parts, at + offset)))
            at = parts.find(mark, at + 1)
    return bytes(parts)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty", "is empty"),
        ("text.zip", "no picture that can be read"),
        ("cut.zip", "damaged or not complete"),
        ("nothing.zip", "no picture in here"),
        ("texts.zip", "no picture in here"),
        ("locked.zip", "locked with a password"),
        ("labels.csv", "into one zip together with them"),
    ],
)
def test_what_holds_no_pictures_is_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught, open_image_collection(hostile(tmp_path)[name]):
        pass
    assert str(caught.value).endswith(".")


def test_a_damaged_entry_names_itself_and_spoils_no_other(tmp_path: Path) -> None:
    large = png(1) + bytes(10_000)
    data = bytearray(
        packed(tmp_path / "a.zip", {"cat/1.png": png(1), "cat/2.png": large, "dog/1.png": png(2)}).read_bytes()
    )
    for at in (data.find(b"IDAT"), data.find(bytes(1_000)) + 500):
        data[at : at + 4] = b"oops"
    (tmp_path / "a.zip").write_bytes(data)
    with open_image_collection(tmp_path / "a.zip") as gallery:
        assert gallery.skipped == ("cat/1.png",) and [item.name for item in gallery.items] == ["cat/2.png", "dog/1.png"]
        with pytest.raises(BadInput, match=r"“cat/2\.png” in this zip is damaged"):
            gallery.items[0].read()
        assert gallery.items[1].read() == png(2)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no picture in here"), open_image_collection(tmp_path / "empty"):
        pass


def test_classes_are_lines_of_name_and_sentence(tmp_path: Path) -> None:
    text = "# my pets\ncat: a house cat,  seen indoors\n\ndog\n🐱‍👤:a cat: in disguise\nZürich：a town\n"
    expected = {"cat": "a house cat, seen indoors", "dog": "", "🐱‍👤": "a cat: in disguise", "Zürich": "a town"}
    assert parse_classes(text) == expected and list(parse_classes(text)) == list(expected)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "classes.txt").write_bytes(text.encode(encoding))
        assert read_classes(tmp_path / "classes.txt") == expected


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", BadInput, "no class in here"),
        ("# only a remark", BadInput, "no class in here"),
        ("cat: a\nCat: b", BadInput, "“Cat” is there twice"),
        (": a sentence", BadInput, "Line 1"),
        ("\n".join(f"class {index}" for index in range(201)), TooLarge, "more than 200"),
        ("x" * 81, TooLarge, "longer than 80"),
        ("cat: " + "long " * 300, TooLarge, "sentence of “cat”"),
    ],
)
def test_bad_classes_are_one_sentence(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        parse_classes(text)


def test_a_file_of_classes_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(BadInput, match="not plain text"):
        read_classes(tmp_path / "classes.txt")


def test_templates_put_the_class_into_sentences() -> None:
    assert prompts("cat", "", "plain") == ("cat",) and prompts("sea_lion", "", "photo") == ("a photo of a sea lion.",)
    assert prompts("owl", "", "photo") == ("a photo of an owl.",) and prompts("🐱", "", "photo") == ("a photo of 🐱.",)
    assert prompts("cat", "my cat Tom", "photo") == prompts("cat", "my cat Tom", "plain") == ("my cat Tom",)
    ensemble = prompts("cat", "my cat Tom", "ensemble")
    assert ensemble[0] == "my cat Tom" and len(set(ensemble)) == 9 and all("a cat" in text for text in ensemble[1:])
