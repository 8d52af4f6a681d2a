"""Videos: why a place belongs to the person, whether that holds elsewhere, and what if something were painted out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st

from backends.core.errors import BadInput
from backends.matting.endings import PICTURE_ENDINGS
from studio import launch, services
from studio.inside import address, areas, asking, boards, explained, take_away
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.attribution import Map
from studio.inside.explained import Choice
from studio.inside.questions import Question
from studio.inside.room import Room
from studio.library.library import Run
from studio.ui import excerpts
from studio.ui.excerpts import Picture
from studio.videos.frame_endpoint import OpenRun
from viz.inside.parts import part_bars
from viz.inside.picture import Area, picture_with_map

NETWORK = "modnet"
SHOWN_SIDE = 960
PLACE = "this place being part of the person"
VIEWS = {
    "semantics": "Roughly where people are, at a sixteenth of the size.",
    "detail": "Where edges run; it is only meant to be right near them.",
    "matte": "What is made of both.",
}
EDGE = (0.1, 0.9)
"""Alpha between which a pixel belongs to the edge."""


def start_sample() -> str:
    """Cut the person out of the sample clip with the best network at hand whose parts can be looked at."""
    from studio.videos import sample

    clip = sample.clip()
    card = launch.best_card("matting", NETWORK)
    return services.jobs().submit("matting", f"{clip.title}.mp4", clip.video, card, {"export": "webm"})


@dataclass(frozen=True)
class Moment:
    """A frame of a run: `rgb` `(H, W, 3)` uint8 and `alpha` `(H, W)` from 0 to 1, `seconds` into the file."""

    rgb: np.ndarray
    alpha: np.ndarray
    seconds: float


@st.cache_resource(max_entries=2, show_spinner=False)
def _open_run(run_id: str) -> OpenRun:
    run = services.library().get(run_id)
    assert run is not None  # the page has read it a moment ago
    return OpenRun.of(services.library(), run)


@st.cache_data(max_entries=24, show_spinner=False)
def _moment(run_id: str, index: int, start: float) -> Moment:
    opened = _open_run(run_id)
    with opened.source.lock:
        rgb, alpha = opened.source.rgb(index), opened.source.alpha(index, opened.options)
        seconds = opened.source.seconds(index)
    scale = min(1.0, SHOWN_SIDE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    matte = cv2.resize(alpha.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return Moment(small, matte, start + seconds)


def choose_moment(run: Run) -> Moment:
    """The frame that is asked about."""
    count = _open_run(run.id).source.count
    index = 0
    if count > 1:
        first = int(address.number("frame", 0, count - 1, count // 2))
        index = st.slider("Frame", 0, count - 1, first, key=f"inside-frame-{run.id}")
        address.write("frame", str(index))
    return _moment(run.id, index, float(run.options.get("start", 0.0) or 0.0))


def middle_moment(run: Run) -> Moment:
    """The frame that the page proposes."""
    return _moment(run.id, _open_run(run.id).source.count // 2, float(run.options.get("start", 0.0) or 0.0))


def first_area(alpha: np.ndarray) -> Area:
    """A square on the edge of the person, nearest to the middle of it; in the middle where there is no person."""
    edge = np.argwhere((alpha > EDGE[0]) & (alpha < EDGE[1]))
    body = np.argwhere(alpha >= 0.5)
    height, width = alpha.shape
    middle = body.mean(axis=0) if len(body) else np.array([height / 2, width / 2])
    place = edge[np.abs(edge - middle).sum(axis=1).argmin()] if len(edge) else middle
    side = areas.CLICK_SIDE * min(height, width)
    return (
        float(max(0.0, place[1] - side / 2) / width), float(max(0.0, place[0] - side / 2) / height),
        side / width, side / height,
    )  # fmt: skip


def show_map(run: Run, question: Question) -> None:
    """The map on the frame."""
    moment = choose_moment(run)
    area = areas.choose(moment.rgb, run.id, first_area(moment.alpha))
    inside = float(moment.alpha[areas.pixels(area, *moment.alpha.shape)].mean())
    st.caption(f"This place belongs to the person by {100 * inside:.0f} % in the matte.")
    title, options, file = place_question(run, moment, area)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        values, x, y = found.on_picture()
        figure, alt = picture_with_map(
            moment.rgb, values, x, y, scale=scale, unit=found.unit or "alpha", area=area, answer=PLACE
        )
        take_away.chart(figure, alt, f"map-{key}", live=lambda: boards.on_picture(moment.rgb, found, alt, area))
        return figure, alt

    explained.show(run, question, Choice(title, options, {"media": file}), draw)


def place_question(run: Run, moment: Moment, area: Area) -> tuple[str, dict[str, Any], Path]:
    """Why a place belongs to the person: in words, as options, and the file."""
    options, file, when = _place(run, moment, area)
    return f"Why does this place ({areas.text(area)}){when} belong to the person, or not?", options, file


def _matte(run: Run, rgb: np.ndarray, title: str) -> Inquiry:
    """The model of the run on one picture."""
    return Inquiry(
        run, title, "matting", run.weights, {}, {"media": Content(areas.png(rgb), ".png")}, explains=False,
        wanted=lambda kind, name: kind == "alpha",
    )  # fmt: skip


def alpha_of(answer: Answer) -> np.ndarray:
    """The matte `(H, W)` float32 of an answer about one picture."""
    data = np.frombuffer(answer.file("alpha.png"), np.uint8)
    stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise BadInput("This answer is damaged: ask again.")
    grey = np.asarray(stored if stored.ndim == 2 else stored[..., 0])
    return grey.astype(np.float32) / (65535.0 if grey.dtype == np.uint16 else 255.0)


def show_paint(run: Run, question: Question) -> None:
    """The matte before and after an area is painted out."""
    moment = choose_moment(run)
    area = areas.choose(moment.rgb, run.id, first_area(moment.alpha))
    changed = areas.painted_out(moment.rgb, area)
    title = f"The matte without the area {areas.text(area)}"
    inquiries = [_matte(run, each, title) for each in (moment.rgb, changed)]
    found = asking.all_answered(inquiries, "Paint it out", "two pictures", ":material/ink_eraser:")
    if not found:
        return
    before, after = map(alpha_of, found)
    shown = (Picture("Painted out", changed), Picture("Matte before", before), Picture("Matte after", after))
    excerpts.pictures(shown, f"{title}: the frame, and the matte before and after.", f"painted-{area}")
    difference = after - before
    rows, columns = areas.pixels(area, *difference.shape)
    outside = np.ones(difference.shape, bool)
    outside[rows, columns] = False
    st.markdown(
        f"The matte changes by **{100 * np.abs(difference[rows, columns]).mean():.1f} %** inside the area and by "
        f"**{100 * np.abs(difference[outside]).mean():.2f} %** outside of it."
    )
    figure, alt = picture_with_map(changed, *_cells(difference), unit="change of alpha", area=area, changes="The matte")
    take_away.chart(figure, alt, f"paint-{area}")


def _cells(values: np.ndarray, longest: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map as coarse as a figure needs it, with the middles of its columns and rows."""
    scale = min(1.0, longest / max(values.shape))
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    small = cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return small, (np.arange(size[0]) + 0.5) / size[0], (np.arange(size[1]) + 0.5) / size[1]


def _place(run: Run, moment: Moment, area: Area | None) -> tuple[dict[str, Any], Path, str]:
    """The options that name a moment and an area, the file, and the moment in words."""
    file = services.library().only(run.id, "input", "input")
    still = file.suffix[1:].lower() in PICTURE_ENDINGS
    options: dict[str, Any] = {"target": "person", **({} if still else {"at": round(moment.seconds, 4)})}
    if area is not None:
        options["region"] = areas.text(area)
    return options, file, "" if still else f" at {moment.seconds:.2f} s"


def show_views(run: Run, question: Question) -> None:
    """The rough outline, the fine edge and the matte, side by side."""
    moment = choose_moment(run)
    area = areas.choose(moment.rgb, run.id, first_area(moment.alpha))
    options, file, when = _place(run, moment, area)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        views = found.arranged("branch", "y", "x")
        names = [str(name) for name in found.axes["branch"]]
        shown = [
            Picture(name.capitalize(), np.clip(view, 0, 1), VIEWS.get(name, ""))
            for name, view in zip(names, views, strict=True)
        ]
        excerpts.pictures(shown, f"The {', '.join(names)} of the frame{when}.", f"views-{key}")
        apart = views[names.index("detail")] - views[names.index("semantics")]
        figure, alt = picture_with_map(moment.rgb, *_cells(apart), unit="detail - outline", area=area,
                                       changes="From the rough outline to the fine edge the picture")  # fmt: skip
        alt = f"{alt} Warm: more of the person by the fine edge; blue: less."
        take_away.chart(figure, alt, f"views-{key}")
        return figure, alt

    title = f"Who decided{when}: the rough outline, or the fine edge?"
    explained.show(run, question, Choice(title, options, {"media": file}), draw)


def show_elsewhere(run: Run, question: Question) -> None:
    """How the matte changes when the person stands before other backgrounds."""
    moment = choose_moment(run)
    options, file, when = _place(run, moment, None)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        changes = found.arranged("background", "y", "x")
        figure, alt = picture_with_map(moment.rgb, *_cells(changes.mean(axis=0)), unit="mean |Δα|",
                                       changes="The matte", rising=True)  # fmt: skip
        take_away.chart(figure, alt, f"elsewhere-{key}")
        names = [str(name) for name in found.axes["background"]]
        means = 100 * changes.mean(axis=(1, 2))
        bars, said = part_bars(names, means, "% of the matte changes")
        take_away.chart(bars, said, f"backgrounds-{key}")
        return figure, alt

    title = f"Would the matte{when} hold in front of another background?"
    explained.show(run, question, Choice(title, options, {"media": file}), draw)


def show_steady(run: Run, question: Question) -> None:
    """The maps of a few moments on one scale."""
    moment = choose_moment(run)
    area = areas.choose(moment.rgb, run.id, first_area(moment.alpha))
    options, file, when = _place(run, moment, area)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        maps, times = found.arranged("time", "y", "x"), found.axes["time"]
        figure, alt = None, ""
        for start in range(0, len(times), 2):
            for column, values, time in zip(
                st.columns(2), maps[start : start + 2], times[start : start + 2], strict=False
            ):
                with column:
                    st.markdown(f"**{time:.2f} s**")
                    shown, said = picture_with_map(moment.rgb, values, scale=scale, unit="alpha", area=area,
                                                   answer=PLACE)  # fmt: skip
                    take_away.chart(shown, said, f"steady-{key}-{time:.3f}")
                    figure, alt = figure or shown, alt or said
        return figure, alt

    title = f"Is the reason for this place the same along the clip{when and f', from{when[3:]} on'}?"
    explained.show(run, question, Choice(title, options, {"media": file}), draw)


ROOM = Room(
    start_sample,
    {
        "map": show_map,
        "views": show_views,
        "elsewhere": show_elsewhere,
        "steady": show_steady,
        "paint": show_paint,
    },
)
