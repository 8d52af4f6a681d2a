"""YouTube-VOS and DAVIS: frames as JPEG, masks as PNG whose palette index is the number of the object.

YouTube-VOS: `SPLIT/JPEGImages/VIDEO/00000.jpg`, `SPLIT/Annotations/VIDEO/00000.png` for every fifth frame, and
`SPLIT/meta.json` with the category of each object and the frames it is in. DAVIS: `JPEGImages/480p/VIDEO/`,
`Annotations/480p/VIDEO/` and `ImageSets/YEAR/SPLIT.txt`; of 2016 the list `ImageSets/480p/SPLIT.txt` names files, and
masks are black and white. Numbers may have gaps, and objects may come in later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

PERSON = "person"
VOID = 255
FPS = 6
"""Of YouTube-VOS where every fifth frame has a mask."""

HELD_OUT_EACH = 5


class YoutubeVos:
    """One split of YouTube-VOS. A unit is a video with a person in it.

    Inputs are `frames` `(N, H, W, 3)` uint8 of those frames that have a mask, and `fps`; the reference is `(N, H, W)`
    float32, 1 where there is a person. Masks of the test splits show the first appearance only, so their videos have
    one frame each: the scores of the challenge come from its server alone.

    `held-out` is every fifth video by its name's hash, for figures on “train”. `seen` and `unseen` are the videos with
    an object of a category that the training split has, or has not; they need its meta.json in `../train` or `train`.
    An empty `category` counts objects of every kind.
    """

    id, title, task, licence = "youtube-vos", "YouTube-VOS", "matting", "CC BY 4.0 (masks), for research"
    splits = ("all", "held-out", "seen", "unseen")

    def __init__(self, folder: Path, category: str = PERSON, train: Path | None = None) -> None:
        self.folder, self.category, self.train = folder, category, train

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """The objects of each video. Raises BadInput where meta.json is damaged."""
        return read_meta(self.folder)

    @cached_property
    def known(self) -> frozenset[str]:
        """The categories of the training split. Raises DatasetMissing where it is not there."""
        places = [Path(self.train)] if self.train else [self.folder.parent / "train", self.folder / "train"]
        place = next((place for place in places if (place / "meta.json").is_file()), None)
        if place is None:
            raise DatasetMissing(f"Which categories were seen is told by train/meta.json, which is not at {places[0]}.")
        objects = (each for about in read_meta(place).values() for each in about.get("objects", {}).values())
        return frozenset(str(each.get("category")) for each in objects)

    def _counts(self, category: str, split: str) -> bool:
        """Whether objects of a category are measured in a split."""
        if self.category and category != self.category:
            return False
        return split not in ("seen", "unseen") or (category in self.known) == (split == "seen")

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        found = False
        for video, about in sorted(self.meta.items()):
            objects = about.get("objects", {})
            numbers = [int(key) for key, each in objects.items() if self._counts(str(each.get("category")), split)]
            if numbers and (split != "held-out" or held_out(video)):
                found = True
                yield Unit(video, video, partial(self._read, video, numbers))
        if not found:
            kind = f"an object of the kind “{self.category}”" if self.category else "an object"
            raise DatasetMissing(f"No video for “{split}” in {self.folder} has {kind}.")

    def _read(self, video: str, numbers: list[int]) -> Sample:
        return read_video(self.folder / "JPEGImages" / video, self.folder / "Annotations" / video, numbers, FPS)

    def problems(self) -> Iterator[str]:
        for video in sorted(self.meta):
            for kind in ("JPEGImages", "Annotations"):
                if not (self.folder / kind / video).is_dir():
                    yield f"{video} is in meta.json, and its folder of {kind} is not there."


class Davis:
    """DAVIS 2016 or 2017. A unit is a video; every object counts as foreground, because DAVIS names no categories.

    Inputs and reference are as for YoutubeVos. As in the benchmark's own code a model sees every frame and the first
    and last are not scored; with `ends` they are. Pixels that the annotators left open are scored nowhere.
    """

    id, title, task, licence = "davis", "DAVIS", "matting", "BSD-3 (masks), for research"
    splits = ("all", "val", "train")

    def __init__(self, folder: Path, resolution: str = "480p", ends: bool = False) -> None:
        self.folder, self.resolution, self.ends = folder, resolution, ends

    def _place(self, kind: str) -> Path:
        """The folder of one kind, with the resolution in between or not."""
        place = existing(self.folder / kind, f"folder {kind}")
        return place / self.resolution if (place / self.resolution).is_dir() else place

    def videos(self, split: str) -> list[str]:
        there = sorted(path.name for path in self._place("Annotations").iterdir() if path.is_dir())
        if split == "all":
            return there
        lists = sorted((self.folder / "ImageSets").glob(f"*/{split}.txt"))
        if not lists:
            raise DatasetMissing(f"There is no list ImageSets/YEAR/{split}.txt in {self.folder}.")
        wanted = {_video_of(line) for line in lists[-1].read_text().splitlines() if line.strip()}
        return [video for video in there if video in wanted]

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        videos = self.videos(split)
        if not videos:
            raise DatasetMissing(f"There are no videos for “{split}” in {self.folder}.")
        for video in videos:
            frames, masks = (self._place(kind) / video for kind in ("JPEGImages", "Annotations"))
            yield Unit(video, video, partial(self._read, frames, masks))

    def _read(self, frames: Path, masks: Path) -> Sample:
        sample = read_video(frames, masks, None, 24)
        count = len(sample.inputs["frames"])
        if self.ends or count < 3:
            return sample
        return replace(sample, inputs={**sample.inputs, "unscored": (0, count - 1)})


def _video_of(line: str) -> str:
    """The video of a line in a list: its name, or in those of 2016 the folder of a frame and its mask.

    >>> _video_of("judo"), _video_of("/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png")
    ('judo', 'bear')
    """
    path = Path(line.split(maxsplit=1)[0])
    return path.parent.name if path.suffix else path.name


def read_meta(folder: Path) -> Mapping[str, Any]:
    """The videos of a split's meta.json. Raises BadInput where it is damaged."""
    path = existing(folder / "meta.json", "meta.json")
    try:
        videos = json.loads(path.read_text("utf-8"))["videos"]
        return {str(video): dict(about) for video, about in videos.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not the list of videos that YouTube-VOS has.") from error


def held_out(video: str) -> bool:
    """Every fifth video, so that nobody chose it."""
    return sha256(video.encode()).digest()[0] % HELD_OUT_EACH == 0


def read_video(frames: Path, masks: Path, numbers: list[int] | None, fps: int) -> Sample:
    """The frames that have a mask, with it, and `void`, the pixels that nobody decided on, where there are any.

    Raises BadInput where a file is missing or damaged.

    Args:
        frames: folder of JPEG files.
        masks: folder of PNG files of the same names.
        numbers: objects that count; None for all.
        fps: frames a second of those that have a mask.
    """
    pictures, truths, voids = [], [], []
    for path in sorted(masks.glob("*.png")):
        photo = frames / f"{path.stem}.jpg"
        picture = cv2.imread(str(photo), cv2.IMREAD_COLOR) if photo.is_file() else None
        if picture is None:
            raise BadInput(f"{photo.parent.name}/{photo.name} is missing or damaged.")
        index = read_palette(path)
        if index.shape != picture.shape[:2]:
            raise BadInput(f"{path.parent.name}: the mask {path.name} is not of the size of its frame.")
        known = index != VOID
        truths.append((np.isin(index, numbers) if numbers is not None else index > 0) & known)
        voids.append(~known)
        pictures.append(picture[..., ::-1])
    if not pictures:
        raise BadInput(f"{masks.name} has no mask.")
    inputs: dict[str, Any] = {"frames": np.stack(pictures), "fps": fps}
    if np.any(voids):
        inputs["void"] = np.stack(voids)
    return Sample(inputs, np.stack(truths).astype(np.float32))


def read_palette(path: Path) -> np.ndarray:
    """`(H, W)` uint8 numbers of objects; white on black, as in DAVIS 2016, is object 1.

    Raises BadInput for a picture of colours, whose edges are no objects.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "1", "L"):
                raise BadInput(f"{path.parent.name}/{path.name} is no mask: its pixels are colours, not numbers.")
            index = np.asarray(image)
    except (UnidentifiedImageError, OSError) as error:
        raise BadInput(f"{path.parent.name}/{path.name} is damaged.") from error
    if image.mode == "L" and len(np.unique(index)) > 20:
        raise BadInput(f"{path.parent.name}/{path.name} is no mask: soft edges would each count as an object.")
    if image.mode == "L" and set(np.unique(index)) <= {0, 255}:
        return (index > 0).astype(np.uint8)
    return index.astype(np.uint8)
