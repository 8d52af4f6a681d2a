"""True mattes and object masks from strangers: told apart, read in step, refused in one sentence."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import UserError
from studio.videos import ground_truth
from studio.videos.ground_truth import MASKS, MATTES
from tests.support.clips import Small
from tests.support.true_mattes import png, zipped

HEIGHT, WIDTH = 24, 32


def ramp(level: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), level, np.uint8) + np.arange(WIDTH, dtype=np.uint8)


def objects(column: int) -> np.ndarray:
    """Object 1 left of `column`, object 2 in the right corner."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, :column] = 1
    mask[:4, -4:] = 2
    return mask


def test_gray_pictures_are_mattes_frame_by_frame_in_natural_order(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.zip", {f"a/{n}.png": png(ramp(10 * n)) for n in (10, 2, 1)})
    assert ground_truth.examine(path) == ground_truth.Reference(MATTES, 3)
    read = list(ground_truth.read(path, frames=3, first=0))
    assert [index for index, _ in read] == [0, 1, 2]
    assert [int(matte[0, 0]) for _, matte in read] == [10, 20, 100]


def test_palette_masks_name_their_objects_and_the_chosen_ones_are_read(tmp_path: Path) -> None:
    pictures = {f"{5 * n:05d}.png": png(objects(n + 1), "P") for n in range(4)}
    path = zipped(tmp_path / "m.zip", pictures | {"notes.txt": b"hello", "__MACOSX/._00000.png": b"no picture"})
    assert ground_truth.examine(path) == ground_truth.Reference(MASKS, 4, (1, 2))
    # Every fifth frame has a mask; the result begins with frame 5 of the video and has 12 frames.
    read = list(ground_truth.read(path, frames=12, first=5, objects=(1,)))
    assert [index for index, _ in read] == [0, 5, 10]
    assert read[0][1].dtype == bool and [int(mask.sum()) for _, mask in read] == [2 * HEIGHT, 3 * HEIGHT, 4 * HEIGHT]
    both = dict(ground_truth.read(path, frames=12, first=5, objects=(1, 2)))
    assert both[0].sum() == 2 * HEIGHT + 16


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        ((objects(9) == 1).astype(np.uint8) * 255, (255,)),
        (objects(9), (1, 2)),
        (np.where(objects(9) == 2, 255, objects(9)), (1,)),  # 255 marks what belongs to no object for sure
    ],
)
def test_hard_gray_pictures_are_masks(tmp_path: Path, pixels: np.ndarray, found: tuple[int, ...]) -> None:
    mode = "P" if 255 in pixels and 1 in pixels else None
    path = zipped(tmp_path / "m.zip", {"0.png": png(pixels.astype(np.uint8), mode)})
    assert ground_truth.examine(path) == ground_truth.Reference(MASKS, 1, found)


def test_of_many_pictures_only_those_that_are_asked_for_are_decoded(tmp_path: Path, small: Small) -> None:
    pictures = {f"{n}.png": png(ramp(n)) if n % 4 < 2 else b"not looked at" for n in range(10)}
    read = list(ground_truth.read(zipped(tmp_path / "m.zip", pictures), frames=10, first=0, every=4))
    assert [(index, int(matte[0, 0])) for index, matte in read] == [(n, n) for n in (0, 1, 4, 5, 8, 9)]
    assert [index for index, _ in ground_truth.read(small.alpha, 20, 0, every=10)] == [0, 1, 10, 11]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.zip", {"0.png": png(np.full((HEIGHT, WIDTH), 257 * 90, np.uint16))})
    ((_, matte),) = ground_truth.read(path, 1, 0)
    assert matte.dtype == np.uint8 and (matte == 90).all()


def test_a_gray_video_is_read_exactly_and_in_step_with_the_part(small: Small) -> None:
    assert ground_truth.examine(small.alpha) == ground_truth.Reference(MATTES, 20)
    for frames, first, expected in ((20, 0, range(20)), (3, 4, range(4, 7))):
        read = list(ground_truth.read(small.alpha, frames, first))
        assert [index for index, _ in read] == list(range(frames))
        for (_, matte), true in zip(read, expected, strict=True):
            assert np.abs(matte / 255 - small.clip[true].alpha).max() < 0.003


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ({"readme.txt": b"x"}, "no PNG picture"),
        ({"0.png": b"not a picture"}, "0.png in the zip is damaged"),
        ({"0.png": png(ramp(0))[:48]}, "damaged"),
        ({f"{letter}.png": png(ramp(100)) for letter in "ab"}, "no numbers"),
    ],
)
def test_a_bad_zip_is_one_sentence(tmp_path: Path, pictures: dict[str, bytes], words: str) -> None:
    path = zipped(tmp_path / "m.zip", pictures)
    with pytest.raises(UserError) as raised:
        ground_truth.examine(path)
        list(ground_truth.read(path, frames=5, first=0))
    assert words in raised.value.sentence and raised.value.sentence.endswith(".")


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    huge = bytearray(png(ramp(0)))
    huge[16:24] = (9_000).to_bytes(4) * 2  # width and height in the header, whose checksum follows
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4)
    with pytest.raises(UserError, match="megapixels"):
        ground_truth.examine(zipped(tmp_path / "m.zip", {"0.png": bytes(huge)}))


def test_a_zip_with_an_endless_list_is_refused_before_the_list_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.zip", {"0.png": png(ramp(100))})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x05\x06") + 12
    content[at : at + 4] = (400 << 20).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UserError, match="far too much"):
        ground_truth.examine(path)


def test_a_locked_or_broken_zip_is_one_sentence(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.zip", {"0.png": png(ramp(100))})
    content = bytearray(path.read_bytes())
    for at in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[at] |= 1  # the flag of an encrypted file
    path.write_bytes(content)
    with pytest.raises(UserError, match="password"):
        ground_truth.examine(path)
