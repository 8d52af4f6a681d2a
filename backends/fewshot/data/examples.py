"""The examples of a classifier: images in folders named by class, class descriptions, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES, clean_name, read_classes
from backends.fewshot.data.image_collection import ImageCollection, ImageFile
from backends.fewshot.data.layouts import label_images

MAX_CLASHES = 3
"""Pictures in two classes that are named one by one."""


@dataclass(frozen=True)
class Examples:
    """Labelled images and described classes.

    Attributes:
        classes: the described ones first, in their order, then those of the pictures by name.
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
    labelled = label_images(support)
    if not labelled.labels:
        raise BadInput(
            "The examples have to lie in folders, one a class and named like it, or come with a table (CSV) that "
            "names the class of each."
        )
    spelled = {name.casefold(): name for name in sentences}
    for folder in labelled.classes:
        name = clean_name(folder)
        spelled.setdefault(name.casefold(), name)
    if len(spelled) > MAX_CLASSES:
        raise TooLarge(f"There are more than {MAX_CLASSES} classes: use fewer.")
    labels = {item: spelled[clean_name(name).casefold()] for item, name in labelled.labels.items()}
    notices = (*filter(None, [support.notice(labelled.read)]), *labelled.notices)
    return Examples(tuple(spelled.values()), tuple(labels), labels, sentences, notices)


def twice_notices(labels: Mapping[ImageFile, str]) -> list[str]:
    """Sentences about files with the same bytes that are examples of two classes; the files have been read."""
    first: dict[str, ImageFile] = {}
    clashes = []
    for item, name in labels.items():
        other = first.setdefault(item.sha256, item)
        if labels[other] != name:
            clashes.append(f"“{other.name}” and “{item.name}” are the same picture, once “{labels[other]}” and ")
            clashes[-1] += f"once “{name}”: one of the two is wrong."
    if len(clashes) > MAX_CLASHES:
        rest = len(clashes) - MAX_CLASHES
        return [*clashes[:MAX_CLASHES], f"{rest} more pictures are examples of two classes."]
    return clashes
