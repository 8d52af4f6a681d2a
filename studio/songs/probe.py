"""What the songs page needs besides layout: probing an upload, estimates, true stems, the choice of stems."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backends.core.errors import UserError
from backends.core.info import CardInfo
from evaluation.metrics.separation.bss_eval import METRICS
from studio.jobs.receiver import copy_upload
from studio.library.library import Library, Run
from studio.songs.sample import song as sample_song
from studio.ui import formatting

TYPES = ("wav", "mp3", "flac", "m4a", "aac", "ogg", "opus", "aif", "aiff", "mp4", "mov", "webm", "mkv")
REST = "other"
"""The stem that holds what the others leave: nobody asks for everything but the rest."""
REFERENCE_KIND = "reference"
SCORE_KINDS = {"totals": "score-totals", "along": "score-along"}

MEANINGS = {metric.name: metric.meaning for metric in METRICS}
"""What each measure against true stems means, by its name."""


@dataclass(frozen=True)
class Probe:
    """What is known of a song before it is run. `problem` is one sentence where it cannot be."""

    seconds: float = 0.0
    text: str = ""
    problem: str = ""


def probe(path: Path) -> Probe:
    """Open the file as the engine will, without reading it whole."""
    from backends.separation.io.audio import open_song
    from backends.separation.io.decode import open_container

    try:
        song = open_song(path)
        with open_container(path) as container:
            seconds = song.stated_duration or (container.duration or 0) / 1e6
    except UserError as error:
        return Probe(problem=error.sentence)
    channels = {1: "mono", 2: "stereo"}.get(song.channels, f"{song.channels} channels")
    length = formatting.duration(seconds) if seconds else "length unknown"
    title = song.tags.get("title", "")
    named = f"“{title}”, " if title else ""
    return Probe(seconds, f"{named}{length}, {channels}, {song.samplerate / 1000:g} kHz")


def too_long(card: CardInfo, seconds: float) -> str:
    """One sentence where the song is over the card's limit, else ""."""
    limit = card.limits.seconds
    if limit and seconds > limit:
        return (
            f"This song lasts {formatting.duration(seconds)}; {card.title} takes up to {formatting.duration(limit)} "
            "here. Cut it into parts first."
        )
    return ""


def estimate(card: CardInfo, seconds: float) -> str:
    """How long the card takes for a song of that length, in words, "" where nobody has measured."""
    if not card.speed or not seconds:
        return ""
    source = "measured here" if card.speed_measured_here else "on two processor cores"
    return f"takes {formatting.about(card.speed * seconds)} ({source})"


def stem_choices(outputs: Sequence[str]) -> dict[str, str]:
    """The ways to group a card's outputs: words for people to the option's value. Made from the outputs alone."""
    if not outputs:  # weights of one's own, whose stems are known once they are loaded
        return {"All that it has": ""}
    spoken = f"All {len(outputs)}: {', '.join(outputs)}"
    alone = sorted((name for name in outputs if name != REST), key=lambda name: name != "vocals")
    return {spoken: "", **{f"Two: {name}, and everything but {name}": name for name in alone}}


def true_stems(library: Library, run: Run) -> dict[str, Path]:
    """Reference stems of a run: those the user uploaded, or the known ones where the input is the sample song."""
    uploaded = library.artifacts(run.id, REFERENCE_KIND)
    if uploaded:
        return {stored.name: library.local(run.id, stored) for stored in uploaded}
    sample = sample_song()
    if run.inputs and run.inputs[0]["sha256"] == sample.sha256:
        return sample.stems
    return {}


def keep_references(library: Library, run: Run, uploads: Mapping[str, IO[bytes]]) -> str:
    """Keep uploaded true stems with the run, in place of earlier ones; returns a sentence where one is bad."""
    from backends.separation.io.audio import open_song

    with tempfile.TemporaryDirectory(prefix="fourfold-truth-") as folder:
        paths = {}
        for index, (name, upload) in enumerate(uploads.items()):
            paths[name] = Path(folder) / str(index)
            copy_upload(upload, paths[name])
            try:
                open_song(paths[name])
            except UserError as error:
                return f"The file given as true {name} cannot be used: {error.sentence}"
        for kind in (REFERENCE_KIND, *SCORE_KINDS.values()):
            library.drop(run.id, kind)
        for name, path in paths.items():
            library.keep(run.id, REFERENCE_KIND, name, path, move=True)
    return ""


def score(truth: Mapping[str, Path], estimates: Mapping[str, Path], mix: Path, measure: str) -> dict[str, Any]:
    """Scores of the stems that have a truth: `measure` is "totals" or "along" of
    `evaluation.metrics.separation.scores`.
    """
    import soundfile

    from evaluation.metrics.separation import scores

    stems = scores.align_files(truth, estimates, mix, soundfile.info(str(mix)).samplerate)
    return scores.whole_song_scores(stems) if measure == "totals" else scores.scores_over_time(stems)
