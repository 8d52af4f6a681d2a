"""Tempo, key, beats, bars and chords of a finished separation: worked out once in the background and kept with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from studio import services
from studio.jobs.background import Analysis
from studio.library.library import Library, Run
from studio.songs.results import mix_file, stem_files
from studio.songs.stretch import Pace
from studio.ui import background_answer

KIND = "music"
"""Of the analysis, and of the artifact that keeps its answer."""

MOST_SECONDS = 900
"""Beats and chords of a longer file are those of its first part."""

NO_CHORDS = frozenset({"drums", "vocals"})
"""Stems that play no chords."""

SURE_TEMPO, SURE_MARGIN, SURE_BARS, SURE_BEATS, SURE_CHORDS = 0.7, 0.05, 0.3, 0.8, 0.8
SURE_CHORD = 0.6
"""Above this a chord is drawn strongly, as in the player's `music.js`."""

NO_ANSWER = {
    "tempo": "No steady beat was heard.",
    "key": "The notes fit no key well.",
    "beats": "None were heard.",
    "bars": "How the beats are counted could not be told.",
    "chords": "None were heard.",
}
TAG_ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
ENHARMONIC = (("Db", 1), ("D#", 3), ("Gb", 6), ("G#", 8), ("A#", 10))
SILENT = 1e-3
"""RMS below which a stem does not count."""


def music_of(run: Run) -> dict[str, Any] | None:
    """What the player shows of it; None while it is being worked out, which the page then says."""
    doing = "Listening for tempo, key, beats and chords…"
    answer = background_answer.answer(services.analyses(), Analysis(run.id, KIND), lambda: analyse(run), doing, KIND)
    return None if answer is None else for_player(json.loads(answer))


def stored_analysis(library: Library, run: Run) -> Mapping[str, Any] | None:
    """What was worked out before; None where nobody asked yet."""
    found = library.artifacts(run.id, KIND)
    if not found:
        return None
    with library.open(run.id, found[-1]) as file:
        answer: Mapping[str, Any] = json.loads(file.read())
    return answer


def analyse(run: Run) -> bytes:
    """The map of the song as JSON."""
    from evaluation.metrics.separation.beat_chords import map_music

    stems = stem_files(run)
    mix = _mono(mix_file(run))
    playing = [_mono(path) for name, path in stems.items() if name not in NO_CHORDS]
    bass = [_mono(stems["bass"])] if "bass" in stems else []
    return json.dumps(map_music(mix, _together(playing, len(mix)), _together(bass, len(mix))).as_dict()).encode()


def _together(waves: Sequence[np.ndarray], frames: int) -> np.ndarray | None:
    """Their sum `(frames,)`; None where there is none, or nothing to hear."""
    whole = np.zeros(frames)
    for wave in waves:
        whole[: len(wave)] += wave[:frames]
    return whole if frames and np.sqrt(np.mean(whole**2)) > SILENT else None


def _mono(path: Path) -> np.ndarray:
    """`(T,)` at the rate of the analysis, read in blocks."""
    from evaluation.metrics.separation.tempo_key import SAMPLERATE

    with soundfile.SoundFile(path) as file:
        stream = soxr.ResampleStream(file.samplerate, SAMPLERATE, 1, dtype="float64", quality="HQ")
        parts, left = [], MOST_SECONDS * file.samplerate
        for block in file.blocks(1 << 18, frames=min(left, file.frames), dtype="float64", always_2d=True):
            parts.append(stream.resample_chunk(block.mean(axis=1)))
        parts.append(stream.resample_chunk(np.zeros(0), last=True))
    return np.concatenate(parts)


def tags_of(found: Mapping[str, Any] | None, own: Mapping[str, str], pace: Pace) -> dict[str, str]:
    """Tempo and key as tags: those the song came with where it had any, else what is sure of what was heard.

    >>> tags_of(None, {"bpm": "120", "key": "Dm"}, Pace(0.5, 2))
    {'bpm': '60', 'key': 'Em'}
    """
    shown = for_player(found) if found else {}
    tempo, key = shown.get("tempo"), shown.get("key")
    bpm = _number(own.get("bpm", "")) or (tempo["bpm"] if tempo and tempo["sure"] else 0.0)
    name = own.get("key") or (tag_key(key["name"]) if key and key["sure"] else "")
    tags = {"bpm": f"{bpm * pace.speed:.0f}"} if bpm else {}
    return {**tags, "key": transposed(name, pace.semitones)} if name else tags


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def tag_key(name: str) -> str:
    """“B♭ major” as players and DJ software write it (ID3v2.3, TKEY): "Bb"."""
    root, _, mode = name.partition(" ")
    return root.replace("♯", "#").replace("♭", "b") + ("m" if mode == "minor" else "")


def transposed(key: str, semitones: int) -> str:
    """A key in that way of writing, so many semitones higher; one that is written in another way is left out."""
    root, minor = key.removesuffix("m"), key.endswith("m")
    places = {name: place for place, name in enumerate(TAG_ROOTS)} | dict(ENHARMONIC)
    if root not in places:
        return key if not semitones else ""
    return TAG_ROOTS[(places[root] + semitones) % 12] + ("m" if minor else "") if semitones else key


def for_player(found: Mapping[str, Any]) -> dict[str, Any]:
    """The map with its sentences: what is sure stands alone, what is a guess with a question mark."""
    tempo, key = found["tempo"], found["key"]
    shown: dict[str, Any] = {name: found[name] for name in ("beats", "first_bar", "beats_a_bar", "chords")}
    shown["tempo"] = _tempo(tempo) if tempo is not None and tempo["confidence"] > 0 else None
    shown["key"] = _key(key) if key is not None and key["fit"] >= 0.5 else None
    shown["bars_sure"] = found["bars_sure"] >= SURE_BARS
    shown["bars_say"] = (
        "Bars begin where the bass is struck and chords change; no other way to count fits as well."
        if shown["bars_sure"]
        else "Another way to count bars fits nearly as well: take it as a guess."
    )
    shown["sure"] = [{"what": what, "sure": sure, "says": says} for what, sure, says in _sureness(found, shown) if says]
    return shown


def _sureness(found: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[tuple[str, bool, str]]:
    """What was heard, whether that is sure, and why in a sentence; "" where nothing was heard."""
    for what in ("tempo", "key"):
        heard = shown[what]
        yield (what.capitalize(), bool(heard and heard["sure"]), heard["says"] if heard else NO_ANSWER[what])
    struck = found["beats_sure"]
    yield (
        "Beats",
        struck >= SURE_BEATS,
        f"Something is struck at {100 * struck:.0f} % of them." if found["beats"] else NO_ANSWER["beats"],
    )
    yield "Bars", shown["bars_sure"], shown["bars_say"] if found["beats_a_bar"] else NO_ANSWER["bars"]
    lasting = sum(one["end"] - one["start"] for one in found["chords"])
    certain = sum(one["end"] - one["start"] for one in found["chords"] if one["sure"] > SURE_CHORD)
    share = certain / lasting if lasting else 0.0
    chords = f"Clear for {100 * share:.0f} % of the time that they were named; pale ones are guesses."
    yield "Chords", share >= SURE_CHORDS, chords if lasting else NO_ANSWER["chords"]


def _tempo(tempo: Mapping[str, float]) -> dict[str, Any]:
    share = tempo["confidence"]
    says = f"{100 * share:.0f} % of the song has this beat (or half or double of it)."
    return {"bpm": tempo["bpm"], "sure": share >= SURE_TEMPO, "says": says}


def _key(key: Mapping[str, Any]) -> dict[str, Any]:
    sure = key["margin"] >= SURE_MARGIN
    distance = "well behind" if sure else "close by"
    says = f"The notes fit {key['name']} best; next is {key['runner_up']}, {distance}."
    return {"name": key["name"], "sure": sure, "says": says}
