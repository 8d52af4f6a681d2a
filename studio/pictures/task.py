"""Pictures in the registry of tasks, with the services that only this task has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from studio.samples import SampleFolder
from studio.tasks import StudioTask

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from studio.library.library import Library
    from studio.library.shelf import Shelf
    from studio.pictures.feature_loader import FeatureLoaders
    from studio.pictures.inference_client import BackgroundCache
    from studio.pictures.project import Project
    from studio.pictures.projects import Projects


def projects() -> Projects:
    """The picture projects of this studio."""
    from studio import services

    return services.get("projects")


def feature_loaders() -> FeatureLoaders:
    """The loaders of features, of every model on every project."""
    from studio import services

    return services.get("feature_loaders")


def background_cache() -> BackgroundCache:
    """What panels have worked out in the background."""
    from studio import services

    return services.get("background_cache")


def open_project(token: str) -> NoReturn:
    """Show a project; its address can be reloaded and kept."""
    import streamlit as st

    st.switch_page(TASK.page, query_params={"project": token})


def start_sample() -> NoReturn:
    """Open a new project with the sample pictures as examples and questions."""
    import streamlit as st

    from evaluation.synthetic.pictures import SENTENCES
    from studio.pictures import files
    from studio.pictures.schema import ProjectState

    with st.spinner("Drawing the sample pictures…"):
        folder = SAMPLE.make()
        project = projects().create(ProjectState(name="Sample pictures"))
        for kind, sentence in SENTENCES.items():
            project.add_class(kind, sentence)
        files.import_folders(project, folder / "shots.zip")
        questions = sorted((folder / "questions").iterdir(), key=lambda path: int(path.stem.split()[-1]))
        files.import_files(project, [(path.name, path.read_bytes) for path in questions], None)
    open_project(project.token)


def routes(library: Library, base: str) -> Sequence[BaseRoute]:
    """The pictures of projects, each project as one file, and what takes pictures in."""
    from studio.pictures import addresses, intake_addresses, sorted_addresses

    return [
        *addresses.routes(projects, base),
        *intake_addresses.routes(projects, _answer, base),
        *sorted_addresses.routes(library, base),
    ]


def _answer(project: Project, picture: bytes) -> Mapping[str, Any]:
    from studio.pictures import live_answers

    return live_answers.answer(project, picture)


def _make_projects() -> Projects:
    from studio.library.library import home
    from studio.pictures.projects import Projects

    return Projects(home() / "projects")


def _make_feature_loaders() -> FeatureLoaders:
    from studio import services
    from studio.pictures.feature_loader import FeatureLoaders

    return FeatureLoaders(services.backend())


def _make_background_cache() -> BackgroundCache:
    from studio.pictures import inference_client

    return inference_client.background_cache()


def _shelf() -> Shelf:
    from studio.pictures.shelf import ProjectShelf

    return ProjectShelf(projects())


def _material(token: str) -> Sequence[tuple[str, Path]]:
    """The examples of a project in a folder a class. Raises NoSuchProject."""
    project = projects().open(token)
    state = project.state
    return [
        (f"{each.name.replace('/', '_')}/{sha[:16]}{Path(state.pictures[sha].name).suffix}", project.picture(sha))
        for each in state.classes
        for sha in each.shots
    ]


def _write_sample(folder: Path) -> None:
    from evaluation.synthetic.pictures import write_sample

    folder.mkdir()
    write_sample(folder)


SAMPLE = SampleFolder("pictures", _write_sample)
"""`shots.zip` with a folder of examples for each class, and `questions/`; drawn in a few seconds the first time."""

TASK = StudioTask(
    task="fewshot",
    page="pages/pictures.py",
    title="Pictures",
    icon=":material/photo_library:",
    noun="set of pictures",
    fallback="prototypes",
    offer="**Pictures**: a classifier from a few examples or words, at once, with the reasons for every answer.",
    sample_label="Try the sample pictures",
    own_label="Use pictures of your own",
    start_sample=start_sample,
    exhibit="studio.pictures.exhibit",
    side_by_side="studio.pictures.side_by_side",
    shelf=_shelf,
    material=_material,
    services={
        "projects": _make_projects,
        "feature_loaders": _make_feature_loaders,
        "background_cache": _make_background_cache,
    },
    routes=routes,
    samples=(SAMPLE,),
)
