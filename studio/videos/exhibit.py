"""Cut-outs outside their page: the wipe at a frame of the clip."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from studio import services
from studio.findings.exhibits import NothingToShow, Part
from studio.library.library import Run, StoredArtifact
from studio.videos import excerpt
from studio.videos.frame_endpoint import frame_url
from studio.web import urls
from viz import covers

VIEW_NAMES = {
    "source": "the source",
    "alpha": "the matte",
    "foreground": "the foreground",
    "checker": "the cut-out",
    "composite": "a new background",
}


def cover(source: str) -> bytes:
    """The person of the middle frame over a checkerboard."""
    path = services.library().only(source, "proxy")
    both = _picture(path) if is_picture(path) else _middle_frame(path)
    half = both.shape[0] // 2
    return covers.cutout(both[:half], both[half : 2 * half].max(-1))


def is_picture(proxy: Path) -> bool:
    """Whether the run was made on a picture: its proxy is one."""
    return proxy.suffix != ".mp4"


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _middle_frame(path: Path) -> np.ndarray:
    """(2H, W, 3): the source above its matte."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration:
            container.seek(stream.duration // 2, stream=stream)
        return next(container.decode(stream)).to_ndarray(format="rgb24")


def describe(moment: Mapping[str, Any]) -> str:
    """Which frame, and what is compared with what."""
    words = [f"frame {int(moment['frame']) + 1}"] if moment.get("frame") else []
    view, other, wipe = moment.get("view"), moment.get("other"), float(moment.get("wipe", 0.5))
    if view in VIEW_NAMES and other in VIEW_NAMES:
        shown = VIEW_NAMES[view] if wipe >= 1 else VIEW_NAMES[other] if wipe <= 0 else ""
        words.append(shown or f"{VIEW_NAMES[view]} against {VIEW_NAMES[other]}")
    return ", ".join(words)


def part(source: str, moment: Mapping[str, Any], key: str) -> Part:
    """The workbench at the moment."""
    run, artifacts = _find(source)
    exact = frame_url(run.id) if {"matte", "input"} <= artifacts.keys() else None
    proxy = urls.file_url(run.id, artifacts["proxy"])
    data = _data(run, artifacts, moment, key, proxy_url=proxy, frame_url=exact)
    return Part("matte", data, f"“{run.title}”: the source against its cut-out.")


def _find(source: str) -> tuple[Run, dict[str, StoredArtifact]]:
    library = services.library()
    run, artifacts = library.get(source), {item.kind: item for item in library.artifacts(source)}
    if run is None or "proxy" not in artifacts:
        raise NothingToShow
    return run, artifacts


def _data(
    run: Run, artifacts: Mapping[str, StoredArtifact], moment: Mapping[str, Any], key: str, **addresses: str | None
) -> dict[str, Any]:
    """The workbench's data; the size of the source is taken from its proxy, which has the same shape."""
    from viz.components.matte_workbench import Frames, manifest

    library = services.library()
    path = library.local(run.id, artifacts["proxy"])
    rows = _rows(run.id)
    width, height = _size(path)
    frames = Frames.of_rows(rows)
    # Without the rows nothing says when a frame is shown: the first one stands for all.
    settings = {name: value for name, value in moment.items() if value is not None}
    settings["frame"] = min(int(moment.get("frame") or 0), max(0, len(frames.times) - 1))
    return manifest(
        key,
        run.title,
        kind="picture" if is_picture(path) else "video",
        width=int(run.facts.get("width") or width),
        height=int(run.facts.get("height") or height),
        frames=frames,
        settings=settings,
        proxy_url=addresses["proxy_url"],
        frame_url=addresses["frame_url"],
    )


def _rows(source: str) -> list[list[float]]:
    """The rows of the run's frames.json; none where it has no such file."""
    library = services.library()
    stored = library.artifacts(source, "frames")
    return json.loads(library.local(source, stored[0]).read_bytes())["rows"] if stored else []


def frame_times(source: str) -> list[float]:
    """When each frame is shown, in seconds."""
    return [row[1] for row in _rows(source)]


def _size(proxy: Path) -> tuple[int, int]:
    """(width, height) of the upper half of a proxy in pixels."""
    if is_picture(proxy):
        with Image.open(proxy) as picture:
            return picture.width, picture.height // 2
    with av.open(str(proxy)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height // 2


def packed(source: str, moment: Mapping[str, Any], key: str, budget: int) -> Part:
    """The workbench with the clip inside; where it is too large, some seconds around the frame, encoded again."""
    run, artifacts = _find(source)
    path = services.library().local(run.id, artifacts["proxy"])
    whole = path.stat().st_size * 4 // 3 <= budget
    if is_picture(path):
        address = urls.data_url(
            "image/webp", path.read_bytes() if whole else excerpt.smaller_picture(path, budget * 3 // 4)
        )
        data = _data(run, artifacts, moment, key, proxy_url=address, frame_url=None)
        return Part("matte", data, f"“{run.title}”: the source against its cut-out.")
    times, first = frame_times(source), 0
    film = path.read_bytes()
    if not whole:
        first, count, film = excerpt.around(path, int(moment.get("frame") or 0), len(times), budget * 3 // 4)
        times = [seconds - times[first] for seconds in times[first : first + count]]
    data = _data(run, artifacts, moment, key, proxy_url=urls.data_url("video/mp4", film), frame_url=None)
    frame = max(0, int(moment.get("frame") or 0) - first)
    shown = {name: data[name][first : first + len(times)] for name in ("uncertain", "flicker")}
    data |= {**shown, "times": times, "problems": [], "settings": {**data["settings"], "frame": frame}}
    return Part("matte", data, f"“{run.title}”: {times[-1]:.0f} s, the source against its cut-out.")
