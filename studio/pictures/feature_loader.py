"""Features of a project's pictures and class sentences: computed by the model server in the background, kept on disk.

A picture's features are kept by its sha256 and the model, so that each is encoded once; a class's text features by
name, sentence and template. Whatever follows from them happens here, without the server and at once.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import UserError
from backends.core.event_json import NoticeMessage, ProgressMessage
from backends.core.info import CardInfo
from studio.jobs.backend import Backend
from studio.jobs.background import BackgroundTasks, MemoryStore
from studio.jobs.client import CallFailed
from studio.pictures.files import write_whole
from studio.pictures.inference_client import InferenceCall
from studio.pictures.project import Project
from studio.pictures.project_archive import bundled, sent_name
from studio.pictures.schema import ImageClass

log = logging.getLogger(__name__)

MOST_AT_ONCE, BYTES_AT_ONCE = 256, 200_000_000
"""Pictures that travel together: few enough that finished ones are soon kept, many enough to be fast."""
FAULT = "The pictures could not be looked at because of a fault of ours. They are kept: try again."
RENEWED = (
    "“{}” is not the one that looked at these pictures before: a newer one comes with this version of Fourfold. They "
    "were looked at anew and what it learned was worked out again, so answers may differ from earlier ones."
)
UNREAD = "was left out"
"""In notices about pictures that could not be read, which the page names by itself."""

TextKey = tuple[str, str, str]
"""What the text features of a class depend on: template, name, sentence."""


class FeatureStore:
    """The features of one model in one project, in memory and on disk: one file a call, never changed later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: dict[str, np.ndarray] = {}
        self.words: dict[TextKey, np.ndarray] = {}
        self.notices: dict[str, None] = {}
        """Sentences that the server said beside the features, each once."""
        self.logit_scale = 100.0
        self.space = ""
        self.version = 0
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.npz")):
            try:
                self._take(path.read_bytes())
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                log.warning("features %s are damaged and are worked out anew: %s", path, error)
                path.unlink(missing_ok=True)

    def matrix(self, shas: Sequence[str]) -> np.ndarray:
        """`(N, D)` float32 of pictures that are known."""
        return np.stack([self.images[sha] for sha in shas]) if shas else np.zeros((0, self.dimensions), np.float32)

    @property
    def dimensions(self) -> int:
        return len(next(iter(self.images.values()), ()))

    def add(self, data: bytes, wanted: Sequence[TextKey], understands: bool, notices: Sequence[str] = ()) -> None:
        """Features from the server: pictures by their sha256, words in the order of `wanted`, and its notices."""
        arrays = _arrays(data)
        if self.space not in ("", str(arrays["space"])):
            self._forget()  # The model is another one now, under the same name.
        stored: dict[str, Any] = {name: arrays[name] for name in ("images", "sha256", "logit_scale", "space")}
        if understands and "words" in arrays:
            stored |= {"words": arrays["words"], "wanted": np.array(wanted, dtype=np.str_).reshape(-1, 3)}
        if notices:
            stored["notices"] = np.array(notices, dtype=np.str_)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **stored)
        write_whole(self.folder / f"{len(list(self.folder.glob('*.npz'))):06d}.npz", file.getvalue())
        self._take(file.getvalue())

    def _take(self, data: bytes) -> None:
        arrays = _arrays(data)
        rows = np.asarray(arrays["images"], np.float32)
        for sha, row in zip(arrays["sha256"].tolist(), rows, strict=True):
            self.images[str(sha)] = row
        if "words" in arrays:
            for wanted, row in zip(arrays["wanted"].tolist(), arrays["words"], strict=True):
                self.words[(wanted[0], wanted[1], wanted[2])] = np.asarray(row, np.float32)
        if "notices" in arrays:
            self.notices |= dict.fromkeys(map(str, arrays["notices"].tolist()))
        self.logit_scale, self.space = float(arrays["logit_scale"]), str(arrays["space"])
        self.version += 1

    def _forget(self) -> None:
        self.images, self.words, self.notices = (
            {},
            {},
            {},
        )  # new ones: whoever is reading the old ones goes on with them
        for path in self.folder.glob("*.npz"):
            path.unlink()


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@dataclass(frozen=True)
class LoadState:
    """How far loading is. `sentence` where it failed; `refused` are pictures that the server could not read."""

    running: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    sentence: str = ""
    refused: frozenset[str] = frozenset()

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


LoadTasks = BackgroundTasks[tuple[str, str], bool]
"""By project and card; nothing is kept, for the features themselves lie in the project."""


def load_tasks() -> LoadTasks:
    return BackgroundTasks(MemoryStore(0), fault=FAULT, name="feature loading")


class FeatureLoader:
    """The features of one model on one project. `ensure_loaded`, called at every rerun, starts what is missing."""

    def __init__(self, project: Project, card: CardInfo, backend: Backend, tasks: LoadTasks) -> None:
        self.project = project
        self.card = card
        self.backend = backend
        self.understands_words = "words" in card.outputs
        folder = features_folder(project, card)
        outdated = _remove_outdated(folder)
        self.store = FeatureStore(folder)
        if outdated:
            self.store.notices[RENEWED.format(card.title)] = None
        self._tasks = tasks
        self._key = (project.token, card.id)
        self._state = LoadState()
        self._call: InferenceCall | None = None
        self._stopped = False

    @property
    def state(self) -> LoadState:
        return replace(self._state, running=self._tasks.is_pending(self._key), sentence=self._tasks.failure(self._key))

    def missing(self) -> tuple[list[str], list[TextKey]]:
        """Pictures, and words of classes, that this model has not looked at yet."""
        state, refused = self.project.state, self._state.refused
        shas = [sha for sha in dict.fromkeys([*state.questions, *state.shots]) if sha not in self.store.images]
        words = [text_key(state.templates, each) for each in state.classes] if self.understands_words else []
        return [sha for sha in shas if sha not in refused], [one for one in words if one not in self.store.words]

    def ensure_loaded(self) -> bool:
        """Whether everything is there; what is not is asked for, unless the last try failed."""
        pictures, words = self.missing()
        # A model server needs at least one picture to be asked anything, and without one words decide nothing.
        if not pictures and (not words or not self.project.state.pictures):
            return True
        if not self._stopped and not self._tasks.is_pending(self._key):
            self._state = replace(self._state, stage="Getting ready", done=0, total=len(pictures))
        with suppress(UserError):  # `state` tells the sentence.
            if not self._stopped:
                self._tasks.get(self._key, self._load)
        return False

    def retry(self) -> None:
        """Forget a failure, so that the next `ensure_loaded` tries once more."""
        self._tasks.forget(self._key)
        self._state = replace(self._state, refused=frozenset())

    def stop(self) -> None:
        self._stopped = True
        if self._call is not None:
            self._call.cancel()

    def _load(self) -> bool:
        """Load batch by batch until nothing is missing; what is added meanwhile is loaded too."""
        finished = 0
        while not self._stopped:
            pictures, words = self.missing()
            if not (pictures or words) or not self.project.state.pictures:
                break
            batch = self._batch(pictures) or [next(iter(self.project.state.pictures))]
            self._state = replace(self._state, total=finished + len(pictures), done=finished)
            with tempfile.TemporaryDirectory(prefix="fourfold-features-") as folder:
                features, notices = self._request(Path(folder), batch, words, finished)
            self.store.add(features, words, self.understands_words, self._readable(notices))
            lost = frozenset(sha for sha in batch if sha not in self.store.images)
            self._state = replace(self._state, refused=self._state.refused | lost)
            finished += len(batch)
        return True

    def _batch(self, pictures: Sequence[str]) -> list[str]:
        chosen: list[str] = []
        size = 0
        for sha in pictures[:MOST_AT_ONCE]:
            size += self.project.state.pictures[sha].bytes if sha in self.project.state.pictures else 0
            if chosen and size > BYTES_AT_ONCE:
                break
            if self.project.picture(sha).is_file():
                chosen.append(sha)
        return chosen

    def notices(self) -> list[str]:
        """What the server said of pictures and sentences that are still here."""
        state = self.project.state
        gone = [f"“{picture.name}”" for removal in state.removals for picture in removal.pictures.values()]
        return [text for text in self.store.notices if not any(text.startswith(name) for name in gone)]

    def _readable(self, notices: Iterable[str]) -> list[str]:
        """The notices with the names of the pictures, which travel under their sha256."""
        state = self.project.state
        name = lambda found: state.title(found.group(1))  # noqa: E731
        return [re.sub(r"([0-9a-f]{64})\.img", name, text) for text in notices if UNREAD not in text]

    def _request(
        self, folder: Path, batch: Iterable[str], words: Sequence[TextKey], finished: int
    ) -> tuple[bytes, list[str]]:
        """The server's `features.npz` for these pictures and words, and its notices."""
        options = {"only": "features", "templates": self.project.state.templates}
        bundled(self.project, batch, folder / "pictures.zip")
        sent: dict[str, Path] = {"query": folder / "pictures.zip"}
        if words:
            sent["classes"] = folder / "classes.txt"
            sent["classes"].write_text("".join(f"{line(name, said)}\n" for _, name, said in words), "utf-8")

        notices: list[str] = []

        def on_event(event: ProgressMessage | NoticeMessage) -> None:
            if isinstance(event, NoticeMessage):
                notices.append(event.sentence)
                return
            done = finished + round(event.done) if event.unit == "pictures" else finished
            self._state = replace(self._state, stage=event.stage, done=done)

        self._call = InferenceCall(self.backend, self.card.id, self.project.token)
        if self._stopped:
            raise CallFailed("cancelled", "Cancelled.")
        return self._call.results(sent, options, on_event)["features"], notices


def features_folder(project: Project, card: CardInfo) -> Path:
    """Where the features of a model lie; those of a starter apart from those of another one under its name."""
    # The blank after the name is part of the folders of projects that are on disk already.
    name = hashlib.sha256(f"{card.id} ".encode()).hexdigest()[:16]
    return project.folder / "features" / (f"{name}-{card.revision}" if card.revision else name)


def _remove_outdated(folder: Path) -> bool:
    """Delete what earlier starters of this name left, whose numbers say nothing to this one; whether there was any."""
    others = [each for each in folder.parent.glob(f"{folder.name.partition('-')[0]}*") if each != folder]
    for each in others:
        shutil.rmtree(each, ignore_errors=True)
    return bool(others)


def text_key(templates: str, each: ImageClass) -> TextKey:
    return templates, each.name, each.sentence


def line(name: str, sentence: str) -> str:
    """A class as a line of the file that goes to the server."""
    return f"{sent_name(name)}: {sentence}" if sentence else sent_name(name)


class FeatureLoaders:
    """The loaders of every model on every project that a page has shown since the studio started."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tasks = load_tasks()
        self._loaders: dict[tuple[str, str], FeatureLoader] = {}
        self._lock = threading.Lock()

    def get(self, project: Project, card: CardInfo) -> FeatureLoader:
        key = (project.token, card.id)
        with self._lock:
            if key not in self._loaders or self._loaders[key].project is not project:
                self._loaders[key] = FeatureLoader(project, card, self._backend, self._tasks)
            return self._loaders[key]

    def drop(self, project: Project) -> None:
        """Forget a project that is deleted, and stop loading its features."""
        with self._lock:
            for key in [key for key in self._loaders if key[0] == project.token]:
                self._loaders.pop(key).stop()

    def stop(self) -> None:
        with self._lock:
            for loader in self._loaders.values():
                loader.stop()
            self._loaders.clear()
        self._tasks.stop()
