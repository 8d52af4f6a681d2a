"""Pictures in folders that bear the names of their classes: CIFAR-10, ImageNet, Caltech, or anybody's own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from backends.fewshot.data.image_collection import ImageFile, open_image_collection
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing


class ClassFolders:
    """A folder, or a zip of one, with one folder of pictures a class. A unit is a picture, its group the class.

    The input `picture` is the encoded file, as bytes: an engine decodes it as it decodes a user's. The reference is the
    name of the class.
    """

    task, splits = "fewshot", ("all",)

    def __init__(
        self, path: Path, id: str = "class-folders", title: str = "", licence: str = "as the pictures' owner says"
    ) -> None:
        self.path, self.id, self.title, self.licence = path, id, title or path.stem, licence

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        with open_image_collection(existing(self.path, "folder or zip of pictures")) as collection:
            items = [item for item in collection.items if item.folder]
            if not items:
                raise DatasetMissing(f"There are no folders of pictures in {self.path}.")
            for item in items:
                yield Unit(item.name, item.folder, partial(_read, item))


def _read(item: ImageFile) -> Sample:
    return Sample({"picture": item.read()}, item.folder)


def cifar10(folder: Path) -> ClassFolders:
    """Photographs of CIFAR-10 (Krizhevsky 2009), 32 pixels a side, one folder a class. Nothing is trained on them."""
    return ClassFolders(folder, "cifar10", "CIFAR-10", "for research only")
