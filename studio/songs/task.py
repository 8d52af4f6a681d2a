"""Songs in the registry of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from studio.songs import sample
from studio.tasks import StudioTask

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from studio.library.library import Library


def start_sample(card: str = "", options: Mapping[str, Any] | None = None) -> NoReturn:
    """Run the sample song through the model of that id; without one through the best that is present."""
    import streamlit as st

    from studio import launch

    with st.spinner("Making the sample song…"):
        song = sample.song()
    launch.start("separation", f"{song.title}.flac", song.mix, card or launch.best_card("separation"), options or {})


def routes(library: Library, base: str) -> Sequence[BaseRoute]:
    """The two exports that are made on request."""
    from studio.songs import exports

    return exports.routes(library, base)


def derive(path: Path, artifact: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A tile with waveform and spectrogram for every segment of sound."""
    if artifact["kind"] == "segment":
        from backends.separation.types import PREVIEW_GAIN
        from viz.separation.tiles import tile_of_file

        yield "tile", tile_of_file(path, PREVIEW_GAIN)


TASK = StudioTask(
    task="separation",
    page="pages/songs.py",
    title="Songs",
    icon=":material/graphic_eq:",
    noun="song",
    fallback="dsp",
    offer="**Songs**: the voice, drums, bass and the rest as separate tracks, to practise, remix or listen closely.",
    sample_label="Try the sample song",
    own_label="Use a song of your own",
    start_sample=start_sample,
    exhibit="studio.songs.exhibit",
    side_by_side="studio.songs.side_by_side",
    routes=routes,
    derive=derive,
    results=("stem",),
    samples=(sample.FOLDER,),
)
