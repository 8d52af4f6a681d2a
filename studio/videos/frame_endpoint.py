"""The address of exact frames: any frame of a matting run, finished as asked, at the source's own resolution.

    /runs/{run}/frame?n=12&view=composite&edge=-1.5&softness=2&despill=1&background=blur&side=1280

`view` is one of VIEWS; `edge`, `softness` and `despill` mean what they mean for a run (`backends.matting.options`) and
default to those of the run; `background` is a colour, "blur", or "own" for the file the run was made with. `side` is
the longest side of the answer in pixels, or a part of the source as `x,y,width,height`, which is answered pixel for
pixel and without loss. The finishing is the code that exports are made by.
"""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anyio
import cv2
import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backends.core.errors import BadInput
from backends.matting.finishing.finishing import over
from backends.matting.finishing.matte_store import to_bytes
from backends.matting.options import Settings
from backends.matting.video.source import is_picture
from studio.library.library import Library, Run, UnknownRun
from studio.library.models import Stored
from studio.videos.frame_source import PictureFrames, Source, VideoFrames, background_at
from studio.web.responses import SAFE_HEADERS, NotReady, in_words
from studio.web.urls import run_url

VIEWS = ("source", "alpha", "foreground", "checker", "composite")
OPEN_RUNS = 2
FRAMES_AT_ONCE = 2
FOR_A_WHILE = {"Cache-Control": "private, max-age=600"}
CHECKS = 64  # squares along the long side
LIGHT, DARK = 235, 185
LONGEST_WEBP = 16_383
NOT_YET = "Exact frames can be shown when the run is finished."

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Asked:
    """One request. `side` is None for the whole source; `box` is (x, y, width, height) in its pixels."""

    index: int
    view: str
    settings: Settings
    side: int | None = None
    box: Box | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str], made: Settings, count: int) -> Asked:
        """Raises BadInput with a sentence for whatever makes no sense."""
        view = query.get("view", "source")
        if view not in VIEWS:
            raise BadInput(f"There is no view called “{view[:40]}”; there is {', '.join(VIEWS)}.")
        text = query.get("n", "0")
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= count:
            raise BadInput(f"There is no frame {text[:20]}: this run has the frames 0 to {count - 1}.")
        names = ("edge", "softness", "despill", "background")
        given = {name: query[name][:80] for name in names if name in query}
        wished = Settings.parse(given)
        settings = replace(made, **{name: getattr(wished, name) for name in given})
        side, box = _part(query.get("side", ""))
        return cls(int(text), view, settings, side, box)


def frame_url(run_id: str) -> str:
    """Where a browser finds exact frames of a run."""
    return f"{run_url(run_id)}/frame"


def routes(library: Library, base: str) -> list[Route]:
    return [Route(f"{base}/runs/{{run}}/frame", in_words(Frames(library).frame))]


class Frames:
    """Answers requests for frames; the runs asked for last stay open, and of each the frame finished last is kept."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._limiter = anyio.CapacityLimiter(FRAMES_AT_ONCE)
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Opened] = OrderedDict()

    async def frame(self, request: Request) -> Response:
        """One frame as WebP, or as PNG where every value counts."""
        run, query = request.path_params["run"], dict(request.query_params)
        content, kind = await anyio.to_thread.run_sync(self.make, run, query, limiter=self._limiter)
        return Response(content, media_type=kind, headers={**SAFE_HEADERS, **FOR_A_WHILE})

    def make(self, run_id: str, query: Mapping[str, str]) -> tuple[bytes, str]:
        """The picture's bytes and its media type. Raises UserError."""
        run = self.library.get(run_id)
        if run is None:
            raise UnknownRun
        opened = self._opened(run)
        with opened.source.lock:
            return opened.picture(Asked.parse(query, opened.made, opened.source.count))

    def _opened(self, run: Run) -> Opened:
        with self._lock:
            if run.id not in self._open:
                self._open[run.id] = Opened.of(self.library, run)
            self._open.move_to_end(run.id)
            while len(self._open) > OPEN_RUNS:
                _, oldest = self._open.popitem(last=False)
                with oldest.source.lock:
                    oldest.source.close()
            return self._open[run.id]


class Opened:
    """A run that frames are asked of. `made` are the settings that it was made with."""

    def __init__(self, source: Source, made: Settings, library: Library, own: Stored | None) -> None:
        self.source, self.made = source, made
        self._library, self._own = library, own
        self._alpha: tuple[tuple[float, ...], np.ndarray] | None = None

    @classmethod
    def of(cls, library: Library, run: Run) -> Opened:
        """Raises NotReady while the run has left no matte."""
        kept = {(item.kind, item.name): item for item in library.artifacts(run.id)}
        if run.task != "matting" or ("matte", "matte") not in kept:
            raise NotReady(NOT_YET if run.task == "matting" else "Only cut-outs have frames to show.")
        made = Settings.parse({key: value for key, value in run.options.items() if key != "export"})
        media, matte = library.only(run.id, "input", "input"), library.local(run.id, kept["matte", "matte"])
        source: Source
        if is_picture(media):
            source = PictureFrames(media, matte)
        else:
            frames = library.only(run.id, "frames")
            source = VideoFrames(media, matte, frames, made.start, made.temporal)
        return cls(source, made, library, kept.get(("input", "background")))

    def picture(self, asked: Asked) -> tuple[bytes, str]:
        pixels = self._pixels(asked)
        height, width = pixels.shape[:2]
        if asked.box is not None:
            x, y, wide, high = asked.box
            if x >= width or y >= height:
                raise BadInput(f"This part lies outside the picture, which is {width} × {height} pixels.")
            return _png(pixels[y : y + high, x : x + wide]), "image/png"
        if asked.side is not None and asked.side < max(height, width):
            scale = asked.side / max(height, width)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        if pixels.ndim == 2 or max(pixels.shape) > LONGEST_WEBP:
            return _png(pixels), "image/png"
        return _webp(pixels), "image/webp"

    def _pixels(self, asked: Asked) -> np.ndarray:
        """`(H, W)` or `(H, W, 3)` uint8."""
        source, index = self.source, asked.index
        if asked.view == "source":
            return source.rgb(index)
        alpha = self._finished(asked)
        if asked.view == "alpha":
            return to_bytes(alpha)
        colours = source.colours(index, alpha, asked.settings)
        if asked.view == "foreground":
            return colours
        if asked.view == "checker":
            return over(colours, alpha, checks(*alpha.shape))
        own = None if self._own is None else self._library.local(self._own.run_id, self._own)
        new = background_at(asked.settings.background, own, source.sar)
        try:
            return over(colours, alpha, new.behind(source.rgb(index), alpha, source.seconds(index)))
        finally:
            new.close()

    def _finished(self, asked: Asked) -> np.ndarray:
        """The last one is kept: the whole picture and its enlarged part are asked for one after the other."""
        key = (asked.index, asked.settings.edge, asked.settings.softness)
        if self._alpha is None or self._alpha[0] != key:
            self._alpha = (key, self.source.alpha(asked.index, asked.settings))
        return self._alpha[1]


def checks(height: int, width: int) -> np.ndarray:
    """A checkerboard `(H, W, 3)` uint8, as wherever something is see-through; its squares grow with the picture."""
    cell = max(8, round(max(height, width) / CHECKS))
    rows, columns = np.arange(height)[:, None] // cell, np.arange(width)[None] // cell
    board = np.where((rows + columns) % 2 == 0, LIGHT, DARK).astype(np.uint8)
    return cv2.cvtColor(board, cv2.COLOR_GRAY2RGB)


def _part(text: str) -> tuple[int | None, Box | None]:
    """A longest side, or a box."""
    if not text:
        return None, None
    numbers = [int(part) for part in text.split(",")] if re.fullmatch(r"[0-9]{1,6}(,[0-9]{1,6}){0,3}", text) else []
    if len(numbers) == 1 and numbers[0] >= 16:
        return numbers[0], None
    if len(numbers) == 4 and min(numbers[2:]) >= 1:
        return None, (numbers[0], numbers[1], numbers[2], numbers[3])
    raise BadInput("The side is a number of pixels from 16 up, or a part as x,y,width,height in pixels.")


def _png(pixels: np.ndarray) -> bytes:
    swapped = pixels if pixels.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def _webp(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=88, method=0)
    return buffer.getvalue()
