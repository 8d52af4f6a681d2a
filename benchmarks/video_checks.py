"""What the scripts that recreate reports on videos must print: times, sound, colours and transparency of the source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from benchmarks.report_output import Source, near, sources, value

FILES = ("prores4444.mov", "webm.webm", "composite.mp4")
EXPORTS = ("prores4444", "webm", "composite")

LENGTHS = {"long.gif": 2.7, "long.apng.png": 2.7, "long.mp4": 2.2, "one3s.mp4": 3.0}
"""Seconds until the last frame of each clip goes."""

RATES = {"m2997.mkv": "30000/1001", "m23976.mkv": "24000/1001", "w2997.webm": "30000/1001", "m60.mkv": "60"}
"""Frames a second of clips whose clock ticks in milliseconds."""

JITTER = 1e-4
"""Seconds by which the frames of a constant rate may differ in length: a clock of milliseconds gives ten times that."""

TAGS = ((1, 1, 1), (6, 6, 6), (9, 9, 14))
"""Matrix, primaries and transfer of each clip."""

CLIPPED = ("alpha.mov", "alpha.webm", "alpha.gif", "alpha.apng.png", "alpha.webp")
CLEAR, OPAQUE = 5, 25
"""The most of a matte, of 255 or 65535, that is still see-through, and the least mean of one that holds somebody."""

SOUNDS = ("gap_opus.mkv", "gap_aac.mp4", "late_aac.mp4", "late_opus.mkv", "s51.mkv", "s51ac3.mkv", "two.mkv")
HOLES = ("gap_pcm.mkv", "gap_vorbis.webm")
TRACKS = ({"language": "eng", "title": "Boom"}, {"language": "deu", "title": "Lavalier"})

PICTURES = ("mpo.jpg", "a.avif", "cmyk.jpg", "sixteen.png", "la.png", "p.png", "pages.tif", "exif.jpg", "x.webp")
UPRIGHT = "OK (480, 640, 4)"

TRIMMED = ("trim_aac.mp4", "trim_opus.mp4", "trim_pcm.mov")

CLICK = 0.02
"""Seconds by which a click may be heard elsewhere: a codec with loss spreads it over a few milliseconds."""

FRAME = 0.04
"""Seconds of one frame of a clip with 25 frames a second."""


def whole(found: Mapping[str, Source], names: tuple[str, ...], exports: tuple[str, ...]) -> bool:
    """Whether the script printed all `exports` of all sources `names`."""
    return all(name in found and set(exports) <= found[name].exports.keys() for name in names)


def rates_stay(output: str) -> bool:
    """MOV and MP4 have the exact rate of the source, and frames of one length."""
    files = (FILES[0], FILES[2])
    found = sources(output, files)
    return whole(found, tuple(RATES), files) and all(
        (facts := value(line, ""))["avg"] == rate and max(facts["steps"]) - min(facts["steps"]) < JITTER
        for name, rate in RATES.items()
        for line in found[name].exports.values()
    )


def last_frame_stays(output: str) -> bool:
    """Every export ends when its source does."""
    found = sources(output, FILES)
    return whole(found, tuple(LENGTHS), FILES) and all(
        near(value(line, "")["container_duration"] or 0.0, LENGTHS[name], FRAME)
        for name in LENGTHS
        for line in found[name].exports.values()
    )


def tags_everywhere(output: str) -> bool:
    """The container and the first frame of every export name the colours of the source."""
    return all(
        re.search(rf"(?m)^{re.escape(f'{tags} {file} container {tags} frame header {tags}')}$", output)
        for tags in TAGS
        for file in FILES
    )


def ramp_is_as_fine(output: str) -> bool:
    """A slow ramp has over half of the source's steps, and is near it.

    Measured on the same clip: pictures of 8 bits in between leave a third of the steps and five times the error.
    """
    (source,), (export,) = (re.findall(rf"(?m)^{what} mean .*", output) for what in ("source", "export"))
    return bool(
        value(export, "distinct steps") >= 0.5 * value(source, "distinct steps")
        and value(export, "ideal ramp") <= 3 * value(source, "ideal ramp")
    )


def holes_stay(output: str) -> bool:
    """What was see-through in a clip still is, in every frame, and the rest of the person is there."""
    return all(
        (match := re.search(rf"(?m)^{re.escape(name)} frames 6 .*", output)) is not None
        and value(match[0], "max") <= CLEAR
        and value(match[0], "rest mean") > OPAQUE
        for name in CLIPPED
    )


def hole_of_the_picture_stays(output: str) -> bool:
    (line,) = re.findall(r"(?m)^alpha_still\.png STILL.*", output)
    return bool(value(line, "see-through") <= CLEAR and value(line, "rest") > OPAQUE)


def clicks_keep_time(
    output: str, names: tuple[str, ...], exports: tuple[str, ...], since: float = -math.inf, until: float = math.inf
) -> bool:
    """Whether each track of each export clicks when that of its source does.

    Args:
        output: of the script.
        names: the sources.
        exports: those that each source has.
        since, until: seconds; clicks outside are left out. Within, every track of a source has one at least.
    """
    found = sources(output, exports)
    if not whole(found, names, exports):
        return False

    def clicks_of(line: str) -> list[list[float]]:
        return [[click for click in track if since <= click <= until] for track in value(line, "clicks")]

    for name in names:
        clicks = clicks_of(found[name].line)
        if not clicks or not all(clicks):
            return False
        if not all(near(clicks_of(line), clicks, CLICK) for line in found[name].exports.values()):
            return False
    return True


def channels_of(line: str) -> list[int]:
    """The number of channels of each track that an export's line names."""
    return [_channels(track[2]) for track in tracks_of(line)]


def tracks_of(line: str) -> list[Any]:
    """Each track of an export: codec, rate, layout, format, begin, end, tags, and how it is marked."""
    return list(value(line, ""))


def channels_stay(output: str, channels: Mapping[str, int], exports: tuple[str, ...]) -> bool:
    """Every export of each source has its number of channels."""
    found = sources(output, exports)
    return whole(found, tuple(channels), exports) and all(
        channels_of(line) == [count] for name, count in channels.items() for line in found[name].exports.values()
    )


def track_names_stay(output: str) -> bool:
    """Both sound tracks have their names and languages in every export."""
    found = sources(output, FILES)
    return whole(found, ("two.mkv",), FILES) and all(
        [_names(track[6]) for track in tracks_of(line)] == list(TRACKS) for line in found["two.mkv"].exports.values()
    )


def _names(tags: Mapping[str, str]) -> dict[str, str]:
    """Language and title in a track's tags; MOV calls a title the name, and has an older code for German."""
    language = tags.get("language", "")
    return {"language": {"ger": "deu"}.get(language, language), "title": tags.get("title") or tags.get("name", "")}


def bits_stay(output: str) -> bool:
    """24 bits stay 24 in MOV."""
    found = sources(output, FILES)
    return all(
        [track[0] for track in tracks_of(found[name].exports[FILES[0]])] == ["pcm_s24be"]
        for name in ("pcm24.mov", "quad.mov")
    )


def every_format_takes_plain_sound(output: str) -> bool:
    """Each of nine clips has its sound in every export, with as many channels as the clip."""
    pairs = re.findall(r"(?m)^(\S+) (\(.*?\)) (\w+) OK (\[.*?\]) ", output)
    good = {
        (name, export)
        for name, source, export, tracks in pairs
        if [_channels(track[1]) for track in value(tracks, "")] == [_channels(value(source, "")[1])]
    }
    return len({name for name, _ in good}) == 9 and len(good) == 9 * len(EXPORTS)


def _channels(layout: str) -> int:
    """The channels of a layout, also where a file names their number only."""
    import av

    number, _, unnamed = layout.partition(" ")
    return int(number) if unnamed else av.AudioLayout(layout).nb_channels


def trims_stay(output: str) -> bool:
    """A trimmed clip has its frames, its first one at once, and the clicks of its source, in every export."""
    found = sources(output, EXPORTS)
    return whole(found, TRIMMED, EXPORTS) and all(
        value(line, "frames") == value(found[name].line, "shown frames")
        and abs(value(line, "first")) <= FRAME
        and near(value(line, "clicks"), value(found[name].line, "clicks"), 1.5 * CLICK)
        for name in TRIMMED
        for line in found[name].exports.values()
    )


def pictures_are_right(output: str) -> bool:
    """Each picture is upright, somebody is cut out, and their colours are those of the source."""
    for name in PICTURES:
        (line,) = re.findall(rf"(?m)^{re.escape(name)} OK .*", output)
        differences = [float(number) for number in re.findall(r"diff \[([^\]]*)\]", line)[0].split()]
        if UPRIGHT not in line or not 0.1 < value(line, "share") < 0.9 or len(differences) != 3:
            return False
        if max(map(abs, differences)) > 3 and name != "la.png":  # which has no colour
            return False
    return True


def start_at_once(output: str) -> bool:
    """Where the clock of the source does not begin at 0, that of the exports does, with every frame in its place."""
    found = sources(output, FILES)
    return whole(found, ("c.mts", "c.mpg"), FILES) and all(
        value(line, "")[0] < FRAME and near(_from_zero(line, ""), _from_zero(found[name].line, "video"), 2e-3)
        for name in ("c.mts", "c.mpg")
        for line in found[name].exports.values()
    )


def _from_zero(line: str, word: str) -> list[float]:
    times = value(line, word)
    return [time - times[0] for time in times]


def nobody_fades(output: str) -> bool:
    """Once a person is in view the matte stays as large as it was, to a tenth, and within a quarter of the truth."""
    for name in ("s_enters.mp4", "s_cut.mp4"):
        true = value(output, f"{name} true share")
        (line,) = re.findall(rf"(?m)^{re.escape(name)} as it is .*", output)
        shares = value(line, "frame:")
        if min(shares[-6:]) < 0.9 * max(shares) or not near(shares[-6:], [true] * 6, 0.25 * true):
            return False
    return True


def nobody_is_imagined(output: str) -> bool:
    """Before the person enters, the matte is empty."""
    (line,) = re.findall(r"(?m)^s_enters\.mp4 as it is .*", output)
    return max(value(line, "frame:")[:2]) < 0.01
