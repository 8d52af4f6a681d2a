"""The addresses that make a file on request: a mixdown, the zip of all stems, and one file for DJ programs."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from backends.core.errors import BadInput, UserError
from backends.separation.io.cover import Cover, cover_of
from studio.library.library import Library, Run, UnknownRun, home
from studio.songs import music, stem_file
from studio.songs.encode import RATES
from studio.songs.mixdown import AS_IT_IS, mixdown, stems_zip
from studio.songs.stretch import Pace
from studio.web.filenames import export_name, model_of
from studio.web.responses import NEVER, SAFE_HEADERS, Busy, NotReady, errors_as_text, text_response

EXPORTS_AT_ONCE = 2
EXPORTS_WAITING = 6
STALE = 24 * 3600.0


def routes(library: Library, base: str) -> list[Route]:
    """The routes to mount; also clears away exports that a crash left behind."""
    exports = Exports(library, home() / "exports")
    exports.clear()
    return [
        Route(f"{base}/runs/{{run}}/mixdown", errors_as_text(exports.mixdown)),
        Route(f"{base}/runs/{{run}}/stems.zip", errors_as_text(exports.stems_zip)),
        Route(f"{base}/runs/{{run}}/song{stem_file.ENDING}", errors_as_text(exports.stem_file)),
    ]


class Exports:
    """Makes exports in `folder`, a few at a time, and removes each once it was sent."""

    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self.folder = folder
        self.limiter = anyio.CapacityLimiter(EXPORTS_AT_ONCE)
        self.waiting = 0

    def clear(self) -> None:
        """Remove what a crash left behind a day ago or more; younger ones may be another process's work."""
        for left in self.folder.glob("*"):
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left)

    async def mixdown(self, request: Request) -> Response:
        """The chosen stems at their gains, as one file."""
        asked = request.query_params
        run_id, region = request.path_params["run"], _region(asked)

        def make(folder: Path) -> tuple[Path, str, str]:
            run, stems = self._stems(run_id)
            gains = _by_stem(asked["gains"], "gain") if "gains" in asked else dict.fromkeys(stems, 0.0)
            pans = _by_stem(asked.get("pans", ""), "pan")
            out = folder / "mixdown"
            pace = _pace(asked)
            tags = self._tags(run, _label(gains, stems), pace)
            made = mixdown(
                stems,
                gains,
                pans=pans,
                format=asked.get("format", "wav24"),
                out=out,
                tags=tags,
                cover=self._cover(run),
                rate=_rate(asked),
                pace=pace,
                **region,
            )
            label = ", ".join(filter(None, (_label(gains, stems) or "mix", pace.describe())))
            name = export_name(run.title, label, model_of(run), made.format.suffix)
            return made.path, made.format.media_type, name

        return await self._export(request, make)

    async def stem_file(self, request: Request) -> Response:
        """The mix and its stems as one file for DJ programs."""
        run_id = request.path_params["run"]

        def make(folder: Path) -> tuple[Path, str, str]:
            run, stems = self._stems(run_id)
            out = folder / f"song{stem_file.ENDING}"
            made = stem_file.stem_file(stems, out=out, tags=self._tags(run), cover=self._cover(run))
            return made.path, "audio/mp4", export_name(run.title, "stems", model_of(run), stem_file.ENDING)

        return await self._export(request, make)

    async def stems_zip(self, request: Request) -> Response:
        """Every stem, in one zip."""
        asked = request.query_params
        run_id, region = request.path_params["run"], _region(asked)

        def make(folder: Path) -> tuple[Path, str, str]:
            run, stems = self._stems(run_id)
            made = stems_zip(
                stems,
                format=asked.get("format", "wav24"),
                out=folder / "stems.zip",
                title=run.title,
                model=model_of(run),
                tags=self._tags(run),
                cover=self._cover(run),
                rate=_rate(asked),
                **region,
            )
            return made.path, "application/zip", export_name(run.title, "stems", model_of(run), ".zip")

        return await self._export(request, make)

    async def _export(self, request: Request, make: Callable[[Path], tuple[Path, str, str]]) -> Response:
        """Let `make` write a file in a folder of its own, in a thread, and send it; the folder goes with the answer."""
        if request.method != "GET":  # a HEAD must not start minutes of work
            return text_response("Exports are made when they are fetched: use GET.", 405, {"Allow": "GET"})
        if self.waiting >= EXPORTS_AT_ONCE + EXPORTS_WAITING:
            raise Busy("Many exports are being made just now: try again in a minute.")
        self.waiting += 1
        try:
            return await anyio.to_thread.run_sync(self._make, make, limiter=self.limiter)
        finally:
            self.waiting -= 1

    def _make(self, make: Callable[[Path], tuple[Path, str, str]]) -> Response:
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            path, kind, name = make(folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
        return _Once(path, media_type=kind, filename=name, headers={**SAFE_HEADERS, **NEVER})

    def _stems(self, run_id: str) -> tuple[Run, dict[str, Path]]:
        """A finished run and the files of its stems."""
        run = self.library.get(run_id)
        if run is None:
            raise UnknownRun
        if not run.finished:
            raise NotReady("This run is still going: wait until it is done, then export.")
        stored = self.library.artifacts(run_id, "stem")
        if run.status != "done" or not stored:
            raise NotReady("This run has no finished stems to export: run it again.")
        return run, {item.name: self.library.local(run_id, item) for item in stored}

    def _tags(self, run: Run, label: str = "", pace: Pace = AS_IT_IS) -> dict[str, str]:
        """The song's own tags, which the mix keeps, with a title, tempo and key where it had none."""
        tags: Mapping[str, str] = next(
            (item.meta.get("tags", {}) for item in self.library.artifacts(run.id, "mix")), {}
        )
        title = tags.get("title") or run.title
        heard = music.tags_of(music.stored_analysis(self.library, run), tags, pace)
        return {**tags, **heard, "title": f"{title} ({label})" if label else title}

    def _cover(self, run: Run) -> Cover | None:
        """The picture that the song came with, where its file is still here."""
        try:
            return cover_of(self.library.only(run.id, "input", "input"))
        except UserError:
            return None


class _Once(FileResponse):
    """A file that is removed, with the folder made for it, however sending it ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            shutil.rmtree(Path(self.path).parent)


def _label(gains: Mapping[str, float], stems: Mapping[str, Path]) -> str:
    """What a mixdown is called: nothing for the whole song, "without vocals" for all but that, else its parts."""
    heard = [name for name in stems if gains.get(name, float("-inf")) > float("-inf")]
    missing = [name for name in stems if name not in heard]
    if not missing:
        return ""
    return f"without {missing[0]}" if len(missing) == 1 and len(heard) > 1 else " + ".join(heard)


def _by_stem(text: str, what: str) -> dict[str, float]:
    """`vocals:-3,drums:0` as a number by stem; `what` they are. Raises BadInput."""
    numbers = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.rpartition(":")
        numbers[name.strip()] = _number(value, f"The {what} of “{name or part}”")
    return numbers


def _region(asked: Mapping[str, str]) -> dict[str, Any]:
    return {name: _number(asked[name], f"The {name} of the region") for name in ("start", "end") if asked.get(name)}


def _pace(asked: Mapping[str, str]) -> Pace:
    semitones = _number(asked.get("semitones", "0"), "The number of semitones")
    if semitones != round(semitones):
        raise BadInput("The key goes up or down by whole semitones.")
    return Pace(_number(asked.get("speed", "1"), "The speed"), round(semitones))


def _rate(asked: Mapping[str, str]) -> int:
    """Samples a second to write; 0 for those of the stems."""
    rate = asked.get("rate", "")
    offered = {str(one): one for one in RATES}
    if rate and rate not in offered:
        raise BadInput(f"Choose one of these sample rates: {', '.join(offered)}.")
    return offered.get(rate, 0)


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"{what} must be a number.") from error
