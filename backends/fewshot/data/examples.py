"""The examples of a classifier: images in folders named by class, class descriptions, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES, clean_name, read_classes
from backends.fewshot.data.image_collection import ImageCollection, ImageFile


@dataclass(frozen=True)
class Examples:
    """Labelled images and described classes.

    Attributes:
        classes: the described ones first, in their order, then the folders by name.
        items: the image files.
        labels: the class of each item.
        sentences: the description of each class, "" for the name alone.
        notices: sentences about what was left out.
    """

    classes: tuple[str, ...] = ()
    items: tuple[ImageFile, ...] = ()
    labels: Mapping[ImageFile, str] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def classes_with_images(self) -> set[str]:
        """The classes that have at least one image."""
        return set(self.labels.values())


def read_examples(support: ImageCollection | None, classes: Path | None) -> Examples:
    """A folder and a described class of the same name are one class, whatever their capitals.

    Raises:
        BadInput: pictures that lie in no folder, or a file of classes that cannot be read. TooLarge: too many classes.
    """
    sentences = read_classes(classes) if classes else {}
    if support is None:
        return Examples(tuple(sentences), sentences=sentences)
    if not support.folders:
        raise BadInput("The examples have to lie in folders, one a class and named like it.")
    spelled = {name.casefold(): name for name in sentences}
    for folder in support.folders:
        name = clean_name(folder)
        spelled.setdefault(name.casefold(), name)
    if len(spelled) > MAX_CLASSES:
        raise TooLarge(f"There are more than {MAX_CLASSES} classes: use fewer.")
    labels = {item: spelled[clean_name(item.folder).casefold()] for item in support.items if item.folder}
    loose = len(support.items) - len(labels)
    notices = [support.notice()]
    if loose:
        which = "One example lies" if loose == 1 else f"{loose} examples lie"
        notices.append(f"{which} in no folder, so nobody can tell of which class: left out.")
    return Examples(tuple(spelled.values()), tuple(labels), labels, sentences, tuple(notices))
