"""What a model sees in the pictures of a project: asked of the model server in the background, kept in the project.

A picture's features are kept by its sha256 and the model, so that each is looked at once; a class's words by name,
sentence and template. From there on everything happens here, without the server and within a blink.
"""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from backends.core.errors import UserError
from studio.jobs.backend import Backend
from studio.jobs.client import LOST, StreamError
from studio.pictures.files import write_whole
from studio.pictures.inference_client import Asking
from studio.pictures.project import Project
from studio.pictures.project_archive import bundled, sent_name
from studio.pictures.schema import ClassOf

log = logging.getLogger(__name__)

MOST_AT_ONCE, BYTES_AT_ONCE = 256, 200_000_000
"""Pictures that travel together: few enough that what was looked at is soon kept, many enough to be fast."""
FAULT = "The pictures could not be looked at because of a fault of ours. They are kept: try again."
UNREADABLE = "The model server could not read this picture."

Wanted = tuple[str, str, str]
"""A class's words: template, name, sentence."""


class Store:
    """The features of one model in one project, in memory and on disk: one file a call, never changed later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: dict[str, np.ndarray] = {}
        self.words: dict[Wanted, np.ndarray] = {}
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

    def add(self, data: bytes, wanted: Sequence[Wanted], understands: bool) -> None:
        """Features from the server: pictures by their sha256, words in the order of `wanted`."""
        told = _arrays(data)
        if self.space not in ("", str(told["space"])):
            self._forget()  # The model is another one now, under the same name.
        kept: dict[str, Any] = {name: told[name] for name in ("images", "sha256", "logit_scale", "space")}
        if understands and "words" in told:
            kept |= {"words": told["words"], "wanted": np.array(wanted, dtype=np.str_).reshape(-1, 3)}
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **kept)
        write_whole(self.folder / f"{len(list(self.folder.glob('*.npz'))):06d}.npz", file.getvalue())
        self._take(file.getvalue())

    def _take(self, data: bytes) -> None:
        told = _arrays(data)
        rows = np.asarray(told["images"], np.float32)
        for sha, row in zip(told["sha256"].tolist(), rows, strict=True):
            self.images[str(sha)] = row
        if "words" in told:
            for wanted, row in zip(told["wanted"].tolist(), told["words"], strict=True):
                self.words[(wanted[0], wanted[1], wanted[2])] = np.asarray(row, np.float32)
        self.logit_scale, self.space = float(told["logit_scale"]), str(told["space"])
        self.version += 1

    def _forget(self) -> None:
        self.images, self.words = {}, {}  # new ones: whoever is reading the old ones goes on with them
        for path in self.folder.glob("*.npz"):
            path.unlink()


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@dataclass(frozen=True)
class Look:
    """How far the looking is. `sentence` where it failed; `refused` are pictures that the server could not read."""

    running: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    sentence: str = ""
    refused: frozenset[str] = frozenset()

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


class Looker:
    """One model on one project. Ask `need` at every run of the page: it starts what is missing, and only that."""

    def __init__(self, project: Project, card: Mapping[str, Any], backend: Backend) -> None:
        self.project = project
        self.card = card
        self.backend = backend
        self.understands_words = "words" in card["outputs"]
        safe = hashlib.sha256(f"{card['id']} {card.get('digest', '')}".encode()).hexdigest()[:16]
        self.store = Store(project.folder / "features" / safe)
        self._look = Look()
        self._asking: Asking | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def view(self) -> Look:
        return self._look

    def missing(self) -> tuple[list[str], list[Wanted]]:
        """Pictures, and words of classes, that this model has not looked at yet."""
        state, refused = self.project.state, self._look.refused
        shas = [sha for sha in dict.fromkeys([*state.questions, *state.shots]) if sha not in self.store.images]
        words = [wanted(state.templates, each) for each in state.classes] if self.understands_words else []
        return [sha for sha in shas if sha not in refused], [one for one in words if one not in self.store.words]

    def need(self) -> bool:
        """Whether everything is there; what is not is asked for, unless the last try failed."""
        pictures, words = self.missing()
        # A model server needs at least one picture to be asked anything, and without one words decide nothing.
        if not pictures and (not words or not self.project.state.pictures):
            return True
        with self._lock:
            if not self._look.running and not self._look.sentence and not self._stopped:
                self._look = replace(self._look, running=True, stage="Getting ready", done=0, total=len(pictures))
                threading.Thread(target=self._guard, name="looking at pictures", daemon=True).start()
        return False

    def again(self) -> None:
        """Forget a failure, so that the next `need` tries once more."""
        with self._lock:
            self._look = replace(self._look, sentence="", refused=frozenset())

    def stop(self) -> None:
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()

    def _guard(self) -> None:
        sentence = ""
        try:
            self._work()
        except (StreamError, UserError) as error:
            sentence = error.sentence
        except httpx.HTTPError:
            log.exception("the features did not arrive")
            sentence = LOST
        except Exception:
            log.exception("looking at pictures failed")
            sentence = FAULT
        with self._lock:
            self._look = replace(self._look, running=False, sentence=sentence)

    def _work(self) -> None:
        """Batch by batch until nothing is missing; what comes in meanwhile is looked at too."""
        finished = 0
        while not self._stopped:
            pictures, words = self.missing()
            if not pictures and not words:
                return
            if not self.project.state.pictures:
                return
            batch = self._batch(pictures) or [next(iter(self.project.state.pictures))]
            self._look = replace(self._look, total=finished + len(pictures), done=finished)
            with tempfile.TemporaryDirectory(prefix="fourfold-look-") as folder:
                got = self._ask(Path(folder), batch, words, finished)
            self.store.add(got, words, self.understands_words)
            lost = frozenset(sha for sha in batch if sha not in self.store.images)
            self._look = replace(self._look, refused=self._look.refused | lost)
            finished += len(batch)

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

    def _ask(self, folder: Path, batch: Iterable[str], words: Sequence[Wanted], finished: int) -> bytes:
        """The server's `features.npz` for these pictures and words."""
        options = {"only": "features", "templates": self.project.state.templates}
        bundled(self.project, batch, folder / "pictures.zip")
        sent: dict[str, Path] = {"query": folder / "pictures.zip"}
        if words:
            sent["classes"] = folder / "classes.txt"
            sent["classes"].write_text("".join(f"{line(name, said)}\n" for _, name, said in words), "utf-8")

        def tell(event: Mapping[str, Any]) -> None:
            done = finished + round(event["done"]) if event["unit"] == "pictures" else finished
            self._look = replace(self._look, stage=event["stage"], done=done)

        self._asking = Asking(self.backend, self.card["id"])
        if self._stopped:
            raise StreamError("cancelled", "Cancelled.")
        return self._asking.results(sent, options, tell)["features"]


def wanted(templates: str, each: ClassOf) -> Wanted:
    return templates, each.name, each.sentence


def line(name: str, sentence: str) -> str:
    """A class as a line of the file that goes to the server."""
    return f"{sent_name(name)}: {sentence}" if sentence else sent_name(name)


class Lookers:
    """Every model on every project that a page has shown since the studio started."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._made: dict[tuple[str, str], Looker] = {}
        self._lock = threading.Lock()

    def get(self, project: Project, card: Mapping[str, Any]) -> Looker:
        key = (project.token, card["id"])
        with self._lock:
            if key not in self._made or self._made[key].project is not project:
                self._made[key] = Looker(project, card, self.backend)
            return self._made[key]

    def drop(self, project: Project) -> None:
        """Forget a project that is deleted, and stop looking at its pictures."""
        with self._lock:
            for key in [key for key in self._made if key[0] == project.token]:
                self._made.pop(key).stop()

    def stop(self) -> None:
        with self._lock:
            for looker in self._made.values():
                looker.stop()
            self._made.clear()
