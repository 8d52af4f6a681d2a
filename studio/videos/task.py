"""Videos in the registry of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from studio.tasks import Page, StudioTask
from studio.videos import sample

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from studio.library.library import Library


def start_sample(card: str = "", options: Mapping[str, Any] | None = None) -> NoReturn:
    """Cut the person out of the sample clip with the model of that id; without one with the best that is present."""
    import streamlit as st

    from studio import launch

    with st.spinner("Making the sample clip…"):
        clip = sample.clip()
    given = {"export": "webm", **(options or {})}
    launch.start("matting", f"{clip.title}.mp4", clip.video, card or launch.best_card("matting"), given)


def routes(library: Library, base: str) -> Sequence[BaseRoute]:
    """Exact frames of a run, and the socket of the live picture."""
    from studio import services
    from studio.videos import frame_endpoint, live

    return [*frame_endpoint.routes(library, base), *live.routes(services.backend, base)]


TASK = StudioTask(
    task="matting",
    page="pages/videos.py",
    title="Videos",
    icon=":material/movie:",
    noun="video",
    fallback="classical",
    offer="**Videos**: the people alone with a soft edge, for your editor, a new background or a web page.",
    sample_label="Try the sample clip",
    own_label="Use a video of your own",
    start_sample=start_sample,
    exhibit="studio.videos.exhibit",
    side_by_side="studio.videos.side_by_side",
    further_pages=(
        Page(
            "pages/live.py",
            "Live",
            ":material/videocam:",
            teaser="Or turn your camera on and change what is behind you, live",
        ),
    ),
    routes=routes,
    results=("export", "alpha"),
    samples=(sample.FOLDER,),
)
