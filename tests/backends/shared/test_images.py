"""One picture that nobody vouches for: every kind comes out upright and in RGB, or as one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends.core.errors import BadInput, TooLarge
from backends.shared.images import looks_like_picture, read

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(width: int = 64, height: int = 32) -> np.ndarray:
    """Red above left, green above right, blue below left, white below right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, WHITE
    return picture


def encoded(picture: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, kind, **options)
    return buffer.getvalue()


def at_corners(rgb: np.ndarray) -> list[tuple[int, ...]]:
    height, width = rgb.shape[:2]
    places = [(height // 8, width // 8), (height // 8, -width // 8), (-height // 8, width // 8)]
    return [tuple(round(value / 255) * 255 for value in rgb[place]) for place in places]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF", "GIF"])
def test_every_format_keeps_its_colours_from_bytes_and_from_a_path(kind: str, tmp_path: Path) -> None:
    data = encoded(corners(), kind)
    (tmp_path / "any.name").write_bytes(data)
    assert looks_like_picture(data[:16])
    for source in (data, tmp_path / "any.name"):
        found = read(source)
        assert found.rgb.shape == (32, 64, 3) and found.rgb.dtype == np.uint8
        assert at_corners(found.rgb) == [RED, GREEN, BLUE]
        assert (found.width, found.height, found.moving) == (64, 32, False)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, [RED, GREEN, BLUE]), (3, [WHITE, BLUE, GREEN]), (6, [BLUE, RED, WHITE]), (8, [GREEN, WHITE, RED])],
)
def test_a_picture_is_turned_the_way_the_camera_was_held(orientation: int, expected: list) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read(encoded(corners(), "JPEG", exif=exif, quality=95))
    assert at_corners(found.rgb) == expected
    assert found.rgb.shape[:2] == (found.height, found.width) == ((64, 32) if orientation in (6, 8) else (32, 64))


def test_exif_data_that_make_no_sense_do_not_matter() -> None:
    data = encoded(
        corners(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\xff\xff\xff\xff\xff\xff\xff\xff"
    )
    assert at_corners(read(data).rgb) == [RED, GREEN, BLUE]


def test_cmyk_comes_out_in_its_colours() -> None:
    assert at_corners(read(encoded(Image.fromarray(corners()).convert("CMYK"), "JPEG", quality=95)).rgb)[2] == BLUE
    assert at_corners(read(encoded(Image.fromarray(corners()).convert("CMYK"), "TIFF")).rgb) == [RED, GREEN, BLUE]


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    deep = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(8, 0)
    found = read(encoded(Image.fromarray(deep), "PNG")).rgb
    assert found[0, 0].tolist() == [0, 0, 0] and found[0, -1].tolist() == [255, 255, 255]
    assert abs(int(found[0, 32, 0]) - 129) <= 1 and (np.diff(found[0, :, 0].astype(int)) >= 0).all()


def test_light_in_floating_point_uses_the_whole_range() -> None:
    light = np.linspace(-3, 5, 64, dtype=np.float32)[None].repeat(8, 0)
    light[0, 0] = np.nan
    found = read(encoded(Image.fromarray(light), "TIFF")).rgb
    assert found[4, 0, 0] == 0 and found[4, -1, 0] == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_what_is_see_through_lies_over_white(mode: str) -> None:
    layer = np.dstack([corners(), np.where(np.arange(64) < 32, 255, 0)[None].repeat(32, 0)]).astype(np.uint8)
    picture = Image.fromarray(layer, "RGBA")
    picture = picture.quantize(8) if mode == "P" else picture.convert("RGBA" if mode == "PA" else mode)
    found = read(encoded(picture, "PNG")).rgb
    assert found[4, -4].tolist() == [255, 255, 255] and found[4, 4].tolist() != [255, 255, 255]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_moving_picture_the_first_is_taken_and_said(kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE)]
    found = read(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert found.moving and at_corners(found.rgb)[0] == RED


def test_a_photograph_may_come_smaller_but_never_below_the_side() -> None:
    data = encoded(corners(1600, 800), "JPEG", quality=90)
    found = read(data, side=150)
    assert found.rgb.shape == (200, 400, 3) and (found.width, found.height) == (1600, 800)
    assert at_corners(found.rgb) == [RED, GREEN, BLUE]
    assert read(data, side=900).rgb.shape == read(data).rgb.shape == (800, 1600, 3)
    assert read(encoded(corners(1600, 800), "PNG"), side=150).rgb.shape == (800, 1600, 3)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has nearly no pixels: what a decompression bomb looks like before it goes off."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("width", "height"), [(20_000, 10_000), (60_000, 60_000), (2_000_000_000, 2)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_far_too_many_pixels_are_refused_before_any_is_decoded(width: int, height: int) -> None:
    with pytest.raises(TooLarge, match=r"make it smaller\.$"):
        read(png_header(width, height))


def damaged() -> dict[str, bytes]:
    jpeg, png = encoded(corners(200, 100), "JPEG"), encoded(corners(200, 100), "PNG")
    return {
        "empty": b"",
        "text": b"this is no picture at all",
        "cut jpeg": jpeg[: len(jpeg) // 2],
        "cut png": png[: len(png) // 2],
        "header only": jpeg[:24],
        "missing pixels": png_header(500, 500),
        "zip": b"PK\x03\x04" + bytes(100),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "noise": b"\xff\xd8\xff" + np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes(),
        "tiff noise": b"II*\0" + np.random.default_rng(1).integers(0, 256, 5000, np.uint8).tobytes(),
    }


@pytest.mark.parametrize("name", list(damaged()))
def test_what_is_damaged_or_no_picture_is_one_sentence(name: str) -> None:
    says = {"empty": "empty: choose", "text": "no picture", "zip": "no picture", "svg": r"\(SVG\).*export it as"}
    with pytest.raises(BadInput, match=rf"{says.get(name, 'is damaged and could not be read: choose a')} .*\.$"):
        read(damaged()[name])


def test_heic_says_what_to_do(tmp_path: Path) -> None:
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    (tmp_path / "a.heic").write_bytes(data)
    for source in (data, tmp_path / "a.heic"):
        with pytest.raises(BadInput, match="share it as JPEG"):
            read(source)
    with pytest.raises(BadInput, match=r"none\.jpg.* cannot be read"):
        read(tmp_path / "none.jpg")
