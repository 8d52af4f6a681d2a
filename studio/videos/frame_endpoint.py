"""The endpoint of exact frames: any frame of a matting run, finished as requested, at the source's own resolution.

    /runs/{run}/frame?n=12&view=composite&edge=-1.5&softness=2&despill=1&background=blur&side=1280

`view` is one of VIEWS; `edge`, `softness`, `despill` and `region` mean what they mean for a run
(`backends.matting.options`) and default to those of the run; `background` is a colour, "blur", or "own" for the file
the run was made with. `side` is the longest side of the answer in pixels, or a part of the source as
`x,y,width,height`, which is answered pixel for pixel and losslessly. The finishing is the code that the exports are
made by.
"""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import anyio
import cv2
import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backends.core.errors import BadInput
from backends.matting.finishing.composing import compose, over
from backends.matting.finishing.matte_store import to_uint8
from backends.matting.options import MattingOptions
from backends.matting.video.source import is_picture
from studio.library.library import Library, Run, UnknownRun
from studio.library.models import StoredArtifact
from studio.videos.frame_source import FrameSource, PictureFrames, VideoFrames, background_at
from studio.web.responses import SAFE_HEADERS, NotReady, errors_as_text
from studio.web.urls import run_url

VIEWS = ("source", "alpha", "foreground", "checker", "composite")
OPEN_RUNS = 2
FRAMES_AT_ONCE = 2
CACHE_HEADERS = {"Cache-Control": "private, max-age=600"}
CHECKER_SQUARES = 64  # squares along the long side
LIGHT, DARK = 235, 185
MAX_WEBP_SIDE = 16_383
COMPOSING = ("size", "across", "down", "wrap", "shadow")
"""Options that count over a new background only."""

MAX_VALUE = 2000
"""Characters of one value in an address."""

NOT_YET = "Exact frames can be shown when the run is finished."

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FrameRequest:
    """What one request asks for. `side` None is the source's own size; `box` is (x, y, width, height) in its pixels."""

    index: int
    view: str
    options: MattingOptions
    side: int | None = None
    box: Box | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str], run_options: MattingOptions, count: int) -> FrameRequest:
        """A request from the query of its address; `count` is the number of frames. Raises BadInput."""
        view = query.get("view", "source")
        if view not in VIEWS:
            raise BadInput(f"There is no view called “{view[:40]}”; there is {', '.join(VIEWS)}.")
        text = query.get("n", "0")
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= count:
            raise BadInput(f"There is no frame {text[:20]}: this run has the frames 0 to {count - 1}.")
        names = ("edge", "softness", "despill", "background", "region", *COMPOSING)
        given = {name: query[name][:MAX_VALUE] for name in names if name in query}
        changed = MattingOptions.read(given)
        options = run_options.model_copy(update={name: getattr(changed, name) for name in given})  # "" is the default
        side, box = _part(query.get("side", ""))
        return cls(int(text), view, options, side, box)


def frame_url(run_id: str) -> str:
    """Where a browser finds exact frames of a run."""
    return f"{run_url(run_id)}/frame"


def routes(library: Library, base: str) -> list[Route]:
    return [Route(f"{base}/runs/{{run}}/frame", errors_as_text(FrameEndpoint(library).frame))]


class FrameEndpoint:
    """Answers requests for frames. The most recent runs stay open, each with the matte that was finished last."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._limiter = anyio.CapacityLimiter(FRAMES_AT_ONCE)
        self._lock = threading.Lock()
        self._open: OrderedDict[str, OpenRun] = OrderedDict()

    async def frame(self, request: Request) -> Response:
        """One frame as WebP, or as PNG where every value counts."""
        run, query = request.path_params["run"], dict(request.query_params)
        content, kind = await anyio.to_thread.run_sync(self.make, run, query, limiter=self._limiter)
        return Response(content, media_type=kind, headers={**SAFE_HEADERS, **CACHE_HEADERS})

    def make(self, run_id: str, query: Mapping[str, str]) -> tuple[bytes, str]:
        """The picture's bytes and its media type. Raises UserError."""
        run = self.library.get(run_id)
        if run is None:
            raise UnknownRun
        opened = self._open_run(run)
        with opened.source.lock:
            return opened.picture(FrameRequest.parse(query, opened.options, opened.source.count))

    def _open_run(self, run: Run) -> OpenRun:
        with self._lock:
            if run.id not in self._open:
                self._open[run.id] = OpenRun.of(self.library, run)
            self._open.move_to_end(run.id)
            while len(self._open) > OPEN_RUNS:
                _, oldest = self._open.popitem(last=False)
                with oldest.source.lock:
                    oldest.source.close()
            return self._open[run.id]


class OpenRun:
    """A run with its files open. `options` are its own, `own` its background file."""

    def __init__(
        self, source: FrameSource, options: MattingOptions, library: Library, own: StoredArtifact | None
    ) -> None:
        self.source, self.options = source, options
        self._library, self._own = library, own
        self._alpha: tuple[Hashable, np.ndarray] | None = None

    @classmethod
    def of(cls, library: Library, run: Run) -> OpenRun:
        """Open a run. Raises NotReady while it has no raw matte."""
        artifacts = {(item.kind, item.name): item for item in library.artifacts(run.id)}
        if run.task != "matting" or ("matte", "matte") not in artifacts:
            raise NotReady(NOT_YET if run.task == "matting" else "Only cut-outs have frames to show.")
        options = MattingOptions.read({key: value for key, value in run.options.items() if key != "export"})
        media, matte = library.only(run.id, "input", "input"), library.local(run.id, artifacts["matte", "matte"])
        source: FrameSource
        if is_picture(media):
            source = PictureFrames(media, matte)
        else:
            frames = library.only(run.id, "frames")
            source = VideoFrames(media, matte, frames, options.start, options.temporal)
        return cls(source, options, library, artifacts.get(("input", "background")))

    def picture(self, request: FrameRequest) -> tuple[bytes, str]:
        """The picture's bytes and its media type."""
        pixels = self._pixels(request)
        height, width = pixels.shape[:2]
        if request.box is not None:
            x, y, wide, high = request.box
            if x >= width or y >= height:
                raise BadInput(f"This part lies outside the picture, which is {width} × {height} pixels.")
            return _png(pixels[y : y + high, x : x + wide]), "image/png"
        if request.side is not None and request.side < max(height, width):
            scale = request.side / max(height, width)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        if pixels.ndim == 2 or max(pixels.shape) > MAX_WEBP_SIDE:
            return _png(pixels), "image/png"
        return _webp(pixels), "image/webp"

    def _pixels(self, request: FrameRequest) -> np.ndarray:
        """`(H, W)` or `(H, W, 3)` uint8."""
        source, index = self.source, request.index
        if request.view == "source":
            return source.rgb(index)
        alpha = self._finished(request)
        if request.view == "alpha":
            return to_uint8(alpha)
        colours = source.colours(index, alpha, request.options)
        if request.view == "foreground":
            return colours
        if request.view == "checker":
            return over(colours, alpha, checkerboard(*alpha.shape))
        own = None if self._own is None else self._library.local(self._own.run_id, self._own)
        background = background_at(request.options.background, own, source.sar)
        try:
            behind = background.render(source.rgb(index), alpha, source.seconds(index))
            return compose(colours, alpha, behind, request.options)
        finally:
            background.close()

    def _finished(self, request: FrameRequest) -> np.ndarray:
        """The finished matte. The last one is cached: a page asks for a picture and for its enlarged part in turn."""
        key = (request.index, request.options.edge, request.options.softness, request.options.region)
        if self._alpha is None or self._alpha[0] != key:
            self._alpha = (key, self.source.alpha(request.index, request.options))
        return self._alpha[1]


def checkerboard(height: int, width: int) -> np.ndarray:
    """A checkerboard `(H, W, 3)` uint8 to show transparency on; its squares grow with the picture."""
    cell = max(8, round(max(height, width) / CHECKER_SQUARES))
    rows, columns = np.arange(height)[:, None] // cell, np.arange(width)[None] // cell
    board = np.where((rows + columns) % 2 == 0, LIGHT, DARK).astype(np.uint8)
    return cv2.cvtColor(board, cv2.COLOR_GRAY2RGB)


def _part(text: str) -> tuple[int | None, Box | None]:
    """The parameter `side`: a longest side, or a box."""
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
    encoded, data = cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert encoded
    return data.tobytes()


def _webp(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=88, method=0)
    return buffer.getvalue()
