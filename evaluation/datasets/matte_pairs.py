"""Pictures or clips with their alpha: PPM-100, P3M-10k, VideoMatte240K as its users cut it, or any two folders.

`PAIRS` names what the folders are called; a pair has the same file name but for its ending. Where the folders hold
folders, each is a clip, as in VideoMatte240K's `fgr/0000/0000.jpg` and `pha/0000/0000.jpg`, and so is each film where
they hold films, as in its other edition, `fgr/0000.mp4`. Both show the person without a background, and are laid over
grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

PAIRS = (
    ("image", "matte"),  # PPM-100
    ("original_image", "mask"),  # P3M-500-NP
    ("blurred_image", "mask"),  # P3M-500-P
    ("com", "pha"),  # RVM's evaluation sets
    ("fgr", "pha"),  # VideoMatte240K
    ("images", "alphas"),
    ("images", "masks"),
    ("photos", "mattes"),
)
ENDINGS, FILMS = {".jpg", ".jpeg", ".png"}, {".mp4", ".mov", ".mkv", ".webm"}
FOREGROUNDS, GREY = "fgr", 120
MAX_FRAMES = 100
"""Of a clip so many frames are read, from its start."""


class MattePairs:
    """The two folders. A unit is a picture or a clip; the inputs are as for portraits and clips."""

    id, title, task, licence, splits = "matte-pairs", "Pictures with mattes", "matting", "as their owner says", ("all",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def places(self) -> tuple[Path, Path]:
        """The folders of pictures and of mattes. Raises DatasetMissing."""
        existing(self.folder, "folder of pictures")
        for names in PAIRS:
            first, second = (self.folder / name for name in names)
            if first.is_dir() and second.is_dir():
                return first, second
        known = "; ".join(f"{one} and {two}" for one, two in PAIRS)
        raise DatasetMissing(f"{self.folder} has none of these pairs of folders: {known}.")

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        pictures, mattes = self.places()
        found = False
        for matte in sorted(mattes.iterdir()):
            other = twin(pictures, matte)
            if other is not None:
                found = True
                film = matte.suffix.lower() in FILMS
                read = _read_clip if matte.is_dir() else _read_film if film else _read_photo
                yield Unit(matte.stem, matte.stem, partial(read, other, matte))
        if not found:
            raise DatasetMissing(f"No picture in {pictures} has a matte of the same name in {mattes}.")

    def problems(self) -> Iterator[str]:
        pictures, mattes = self.places()
        for matte in sorted(mattes.iterdir()):
            if twin(pictures, matte) is None and not matte.name.startswith("."):
                yield f"{matte.name} has no picture of that name."


def twin(folder: Path, path: Path) -> Path | None:
    """What in `folder` is called as `path` is, whatever its ending."""
    if path.is_dir():
        return folder / path.name if (folder / path.name).is_dir() else None
    alike = next((endings for endings in (ENDINGS, FILMS) if path.suffix.lower() in endings), ())
    return next((other for ending in alike if (other := folder / f"{path.stem}{ending}").is_file()), None)


def _read_photo(picture: Path, matte: Path) -> Sample:
    photo, alpha = _pair(picture, matte)
    return Sample({"photo": photo}, alpha)


def _read_clip(pictures: Path, mattes: Path) -> Sample:
    pairs = []
    for matte in sorted(mattes.iterdir())[:MAX_FRAMES]:
        other = twin(pictures, matte)
        if other is None:
            raise BadInput(f"{mattes.name}/{matte.name} has no picture of that name.")
        pairs.append(_pair(other, matte))
    if not pairs:
        raise BadInput(f"The clip {mattes.name} has no frame.")
    return _clip(pairs, pictures.parent.name == FOREGROUNDS)


def _read_film(picture: Path, matte: Path) -> Sample:
    colours, mattes = _frames(picture, "rgb24"), _frames(matte, "gray")
    if len(colours) != len(mattes) or colours[0].shape[:2] != mattes[0].shape:
        raise BadInput(f"{picture.name} and its matte differ in size or length.")
    pairs = [(colour, alpha.astype(np.float32) / 255) for colour, alpha in zip(colours, mattes, strict=True)]
    return _clip(pairs, picture.parent.name == FOREGROUNDS)


def _frames(path: Path, form: str) -> list[np.ndarray]:
    """The first frames of a film. Raises BadInput."""
    import av

    try:
        with av.open(str(path)) as container:
            found = [frame.to_ndarray(format=form) for frame in islice(container.decode(video=0), MAX_FRAMES)]
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise BadInput(f"{path.parent.name}/{path.name} is damaged, or no film.") from error
    if not found:
        raise BadInput(f"{path.parent.name}/{path.name} has no frame.")
    return found


def _clip(pairs: Sequence[tuple[np.ndarray, np.ndarray]], alone: bool) -> Sample:
    """Frames with their alpha; a person who is `alone` is laid over grey."""
    frames, alphas = zip(*pairs, strict=True)
    if alone:
        covers = [(photo, alpha[..., None]) for photo, alpha in pairs]
        frames = tuple(np.rint(cover * photo + (1 - cover) * GREY).astype(np.uint8) for photo, cover in covers)
    return Sample({"frames": np.stack(frames), "fps": 30}, np.stack(alphas))


def _pair(picture: Path, matte: Path) -> tuple[np.ndarray, np.ndarray]:
    """`(H, W, 3)` uint8 RGB, and alpha `(H, W)` float32. Raises BadInput."""
    photo, alpha = cv2.imread(str(picture), cv2.IMREAD_COLOR), cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
    for path, image in ((picture, photo), (matte, alpha)):
        if image is None:
            raise BadInput(f"{path.parent.name}/{path.name} is damaged.")
    assert photo is not None and alpha is not None
    if photo.shape[:2] != alpha.shape:
        raise BadInput(f"{picture.name} and its matte differ in size.")
    return photo[..., ::-1].copy(), alpha.astype(np.float32) / 255
