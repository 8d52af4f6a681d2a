"""What this machine can run: its device, the state of every card, the engine that is loaded now."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from backends.core.engine import Engine, Progress
from backends.core.errors import BadInput, EngineFailed, UserError, WeightsMissing
from backends.core.info import DeviceInfo, Info
from backends.core.model_card import ModelCard
from backends.core.task import Task, tasks
from backends.serving.host_info import info_of
from backends.serving.speeds import Speeds
from backends.shared.device_memory import free_memory
from backends.weights import user_models
from backends.weights.adapted import verify
from backends.weights.requirements import folders, missing_needs
from backends.weights.store import WeightStore

log = logging.getLogger(__name__)

RUNNABLE_STATES = ("present", "builtin")
"""The states of the weight store in which a card can run."""

RELIABLE_SECONDS = 3.0
"""The shortest run from which the speed of a long one can be told."""

ENOUGH_MEMORY = 0.5
"""Below this fraction of free memory a model is loaded in the place of all others."""

FAULT = "The model could not be made ready because of a fault of ours; its server's log says more."


@dataclass(frozen=True)
class CardState:
    """What is so now, and apart from it what went wrong last.

    `state` is what the disk says (absent, partial, broken, present) or what is under way or in memory (downloading,
    loading, ready). `reason` is the sentence of the last load or download that failed, until one succeeds: a model
    that did not load has not lost its weights.
    """

    state: str
    reason: str = ""
    done: float = 0
    total: float = 0


class Host:
    """Cards, weights and engines of one machine. Safe to use from several threads.

    One engine is kept loaded at a time, unless told otherwise: a card that is asked for replaces the one that was
    asked for longest ago, so that device memory is bounded by the largest model rather than by the sum of all.
    """

    def __init__(self, store: WeightStore | None = None, device: str | None = None, engines: int = 1) -> None:
        """
        Args:
            store: where the weights are.
            device: "cpu", "cuda" or "mps"; without it what FOURFOLD_DEVICE says, or the best there is.
            engines: how many are kept loaded, as long as memory is not short.
        """
        self.store = store or WeightStore()
        self._device = device or os.environ.get("FOURFOLD_DEVICE", "")
        self._transitions: dict[str, CardState] = {}
        self._failures: dict[str, str] = {}
        self._speeds = Speeds(self.store.root / "speeds.json")
        self._loaded: dict[tuple[str, str], Engine] = {}  # the one that was used last at the end
        self._most_loaded = engines
        self._lock = threading.Lock()

    @cached_property
    def device(self) -> str:
        """ "cuda", "mps" or "cpu": FOURFOLD_DEVICE, or else the best that torch finds."""
        if self._device:
            return self._device
        import torch

        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"

    def cards(self, task: Task) -> tuple[ModelCard, ...]:
        """Those of the project, and one for each of the user's own weights that lies in the folder for them now."""
        return (*task.cards, *user_models.discover(task, self.store.root))

    def card(self, task: Task, card_id: str) -> ModelCard:
        cards = self.cards(task)
        for card in cards:
            if card.id == card_id:
                return card
        known = ", ".join(card.id for card in cards)
        raise BadInput(f"There is no model called “{card_id}” for {task.name}; there is {known}.")

    def any_card(self, card_id: str) -> tuple[Task, ModelCard]:
        """The card of that id, whatever its task."""
        for task in tasks().values():
            for card in (*task.cards, *task.helpers):
                if card.id == card_id:
                    return task, card
        raise BadInput(f"There is no model called “{card_id}”.")

    def state(self, card: ModelCard) -> CardState:
        """Where the card stands now: a transition under way (downloading, loading) or what the disk says."""
        transition = self._transitions.get(card.id)
        if transition is not None:
            return transition
        reason = self._failures.get(card.id, "")
        if card.id in self.loaded:
            return CardState("ready", reason)
        stored = self.weights_state(card)
        return CardState("present" if stored == "builtin" else stored, reason)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The ids of the cards that need not be loaded, the one that was used last at the end."""
        with self._lock:
            return tuple(engine.card.id for engine in self._loaded.values())

    @property
    def failures(self) -> dict[str, str]:
        """Why the last load or download of a card failed, by its id."""
        return dict(self._failures)

    def weights_state(self, card: ModelCard) -> str:
        """The weight store's word, or "absent" where the card lacks a program, package or folder."""
        return "absent" if missing_needs(card, self.store.root) else self.store.state(card)

    def paths(self, card: ModelCard) -> tuple[Path, ...]:
        """The files the card's engine loads. Raises WeightsMissing, whose sentence says how to get what is missing."""
        if missing := missing_needs(card, self.store.root):
            raise WeightsMissing(missing[0].how)
        if user_models.is_listed(card):
            path = user_models.path_of(card, self.store.root)
            verify(path)
            return (path,)
        return self.store.paths(card) or folders(card, self.store.root)

    def choose(
        self, task: Task, engine: str = "", weights: str = "", files: Mapping[str, Path] | None = None
    ) -> tuple[ModelCard, tuple[Path, ...]]:
        """The card to run and its files: the one named, a local file, or the best that is present.

        Args:
            task: what is to be done.
            engine: an engine's name, or "" for any.
            weights: a card's id, a path on this machine, or "".
            files: of the job by their inputs' names; an engine that nobody named takes them.
        """
        if engine:
            task.engine_class(engine)
        cards = self.cards(task)
        if weights and any(card.id == weights for card in cards):
            card = self.card(task, weights)
            if engine and card.engine != engine:
                raise BadInput(f"The weights “{weights}” belong to the engine {card.engine}, not to {engine}.")
            return card, self.paths(card)
        if weights:
            return self._own(task, engine, Path(weights))
        ranked = sorted(cards, key=lambda card: -card.preference)
        takers = (engine,) if engine else task.engines_for(files or {})
        fitting = [card for card in ranked if card.engine in takers]
        for card in fitting:
            if self.can_run(card):
                return card, self.paths(card)
        return fitting[0], self.paths(fitting[0])

    def _own(self, task: Task, engine: str, path: Path) -> tuple[ModelCard, tuple[Path, ...]]:
        """A card for weights at a path that the terminal named."""
        learned = (card.engine for card in task.cards if card.tier == "full")
        taker = engine or user_models.engine_for(task, path) or next(learned, "")
        if not path.exists():
            raise WeightsMissing(f"There is no model called “{path}” and no file or folder there either.")
        card = user_models.card_for(task, taker, path, path.stem)
        if missing := missing_needs(card, self.store.root):
            raise WeightsMissing(missing[0].how)
        return card, (path,)

    def engine(self, task: Task, card: ModelCard, paths: tuple[Path, ...]) -> Iterator[Progress | Engine]:
        """Yield Progress while loading, then the engine, ready. The caller holds the device."""
        key = (
            task.name,
            card.id if card.tier != "yours" else str([(path, *user_models.fingerprint(path)) for path in paths]),
        )
        with self._lock:
            engine = self._loaded.pop(key, None)
            if engine is not None:
                self._loaded[key] = engine
        if engine is not None:
            yield engine
            return
        yield Progress("Loading the model", 0, 1)
        self._make_room()
        with self._in_transition(card, CardState("loading")):
            try:
                engine = task.engine_class(card.engine)(card, paths)
                engine.load(self.device)
            except ImportError as error:
                raise EngineFailed(
                    f"The engine {card.engine} is not installed completely on this machine ({error})."
                ) from error
        with self._lock:
            self._loaded[key] = engine
        yield Progress("Loading the model", 1, 1)
        yield engine

    def _make_room(self) -> None:
        """Forget the engines that were used longest ago: all beyond the number, and the others if memory is short."""
        with self._lock:
            while len(self._loaded) >= self._most_loaded:
                del self._loaded[next(iter(self._loaded))]
            if self._loaded and free_memory(self.device) < ENOUGH_MEMORY * self._total_memory():
                self._loaded.clear()

    def _total_memory(self) -> int:
        if self.device == "cuda":
            import torch

            return int(torch.cuda.mem_get_info()[1])
        import psutil

        return int(psutil.virtual_memory().total)

    def fetch(self, card: ModelCard) -> Generator[Progress, None, None]:
        """Download the card's weights; its state says "downloading" meanwhile, and keeps the reason if that fails."""
        if not card.files and (missing := missing_needs(card, self.store.root)):
            raise WeightsMissing(missing[0].how)
        with self._in_transition(card, CardState("downloading", total=card.download_bytes)):
            for progress in self.store.fetch(card):
                self._transitions[card.id] = CardState("downloading", "", progress.done, progress.total)
                yield progress

    @contextmanager
    def _in_transition(self, card: ModelCard, state: CardState) -> Iterator[None]:
        """Show `state` while the block runs; afterwards remember why it failed, or that it did not."""
        self._transitions[card.id] = state
        try:
            yield
        except Exception as error:
            # A card of the terminal's is named after its file, which may bear the name of a published one.
            if card.tier != "yours" or user_models.is_listed(card):
                self._failures[card.id] = error.sentence if isinstance(error, UserError) else FAULT
            raise
        else:
            self._failures.pop(card.id, None)
        finally:
            self._transitions.pop(card.id, None)

    def note_speed(self, card: ModelCard, seconds: float, amount: float) -> None:
        """Remember how long one unit of input took here, over restarts too: the next estimate is this machine's own.

        Much of a short run is its start, so it counts only until there is a better one.
        """
        if amount > 0 and (seconds >= RELIABLE_SECONDS or self.speed(card) is None):
            self._speeds.note(self.device, card.id, seconds / amount)

    def info(self) -> Info:
        """Everything a page needs to offer the tasks: device, cards with state, limits and measured speed."""
        return info_of(self, tasks().values())

    def speed(self, card: ModelCard) -> float | None:
        """Seconds that one unit of input took on this machine; None before the first run."""
        return self._speeds.get(self.device, card.id)

    def can_run(self, card: ModelCard) -> bool:
        """Whether all that the card needs is here."""
        return self.weights_state(card) in RUNNABLE_STATES

    def has_any(self, task: Task) -> bool:
        return any(map(self.can_run, self.cards(task)))

    def device_info(self) -> DeviceInfo:
        name, memory = "this computer's processor", self._total_memory()
        if self.device == "cuda":
            import torch

            properties = torch.cuda.get_device_properties(0)
            name, memory = properties.name, properties.total_memory
        return DeviceInfo(kind=self.device, name=name, memory_bytes=memory, time=time.time())
