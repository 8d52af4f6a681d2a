"""The registry of tasks: what each task adds to the studio, collected from the rooms of the tasks.

A room such as `studio/songs` describes itself in `task.py` as `TASK: StudioTask`; its module is listed in `ROOMS`.
Everything that all tasks share (navigation, home page, services, addresses, jobs, samples) reads this registry and
imports no room. A page that belongs to no task is one line in `PAGES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from studio.samples import SampleFolder

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from studio.library.library import Library
    from studio.library.shelf import Shelf

ROOMS = ("studio.songs.task", "studio.videos.task", "studio.proteins.task", "studio.pictures.task")
"""The modules that describe a task, in the order of the navigation and of the home page."""

Derive = Callable[[Path, Mapping[str, Any]], Iterator[tuple[str, bytes]]]
"""Makes further files from one that a job sent, given its path and its artifact: yields kind and content of each."""


@dataclass(frozen=True)
class Page:
    """A page of the navigation. `teaser` is the line on the home page that leads to it; without one it has none.

    One that is not `listed` is reached from other pages only.
    """

    path: str
    title: str
    icon: str
    teaser: str = ""
    listed: bool = True


def _no_routes(library: Library, base: str) -> Sequence[BaseRoute]:
    return ()


@dataclass(frozen=True)
class StudioTask:
    """What one task adds to the studio.

    Attributes:
        task: the task's name on the model server and in the library, such as "separation".
        page: the page that shows its runs and starts new ones, as a path from the repository's root.
        title: the page's title in the navigation.
        icon: the page's icon.
        noun: what a run of this task is about, as in "the uploaded song".
        fallback: the model to try where the server has not said which is best.
        offer: one sentence of Markdown for the home page.
        sample_label: the label of the button that runs the sample.
        own_label: the label of the button that leads to the page.
        start_sample: starts a run with the sample and shows it.
        further_pages: other pages of the task.
        services: factories of the task's own long-lived objects by name (see `studio.services`); an object with a
            `stop` method is stopped when the studio ends.
        routes: the task's own addresses, given the library and what comes before every address of the studio.
        derive: makes further files from one that a job sent.
        samples: the sample files that are made in the background once the studio has started.
        exhibit: the module that shows its results outside their pages (see `studio.findings.exhibits`).
        side_by_side: the module whose `show` draws two to four finished runs beside each other, and, of a task with a
            shelf, `show_projects` as many projects.
        results: the kinds of files of a run that go along when several runs are taken away together.
        shelf: where it keeps projects outside the library of runs, given on request.
        material: of a task with projects what a training can learn from one, given its token: the name of each file,
            behind its folder, and where it lies.
    """

    task: str
    page: str
    title: str
    icon: str
    noun: str
    fallback: str
    offer: str
    sample_label: str
    own_label: str
    start_sample: Callable[[], NoReturn]
    further_pages: Sequence[Page] = ()
    services: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    routes: Callable[[Library, str], Sequence[BaseRoute]] = _no_routes
    derive: Derive | None = None
    samples: Sequence[SampleFolder] = ()
    exhibit: str = ""
    side_by_side: str = ""
    results: tuple[str, ...] = ()
    shelf: Callable[[], Shelf] | None = None
    material: Callable[[str], Sequence[tuple[str, Path]]] | None = None


HOME = Page("pages/home.py", "Home", ":material/home:")
HOW = Page(
    "pages/how.py",
    "How they work",
    ":material/school:",
    teaser="Or see how such models work: train small ones in this page and turn their knobs",
)
INSIDE = Page(
    "pages/inside.py",
    "Inside",
    ":material/psychology:",
    teaser="Or look inside the models and ask why they answered so",
)
EVIDENCE = Page(
    "pages/evidence.py",
    "Evidence",
    ":material/query_stats:",
    teaser="Or see which model is better, and how sure that is",
)
ADAPT = Page("pages/adapt.py", "Adapt a model", ":material/model_training:", listed=False)
FINDINGS = Page(
    "pages/findings.py",
    "Findings",
    ":material/lightbulb:",
    teaser="Or find again what you made, and make a talk of it",
)
PAGES: tuple[Page, ...] = (HOW, INSIDE, EVIDENCE, ADAPT, FINDINGS)
"""Pages of the navigation that belong to no task."""


@cache
def registered() -> Mapping[str, StudioTask]:
    """Every task of the studio by its name, in the order of `ROOMS`."""
    tasks: list[StudioTask] = [importlib.import_module(room).TASK for room in ROOMS]
    return {task.task: task for task in tasks}


def find(name: str) -> StudioTask | None:
    """The task of that name; None for one of another Fourfold, whose runs may still lie in the library."""
    return registered().get(name)


def get(name: str) -> StudioTask:
    """The task of that name. Raises KeyError where there is none."""
    return registered()[name]


def pages() -> tuple[Page, ...]:
    """Every page of the navigation in its order; the home page is the first."""
    own = [Page(task.page, task.title, task.icon) for task in registered().values()]
    further = [page for task in registered().values() for page in task.further_pages]
    return (HOME, *own, *further, *PAGES)
