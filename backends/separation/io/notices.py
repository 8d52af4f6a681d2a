"""Sentences about a sound file that its listener should read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from backends.separation.io.downmix import downmix_notice
from backends.separation.io.timeline import TOLERANCE

if TYPE_CHECKING:
    from backends.separation.io.audio import Song
    from backends.separation.io.decode import DecodeReport
    from backends.separation.io.mix import Mix
    from backends.separation.io.tracks import Track


MAX_SOUNDLESS = 3
"""Packets without sound that a sound Ogg file may have: a decoder's lead-in."""


def clock(seconds: float) -> str:
    """Seconds in words.

    >>> clock(7.5), clock(75), clock(5400)
    ('7.5 s', '1:15 min', '1:30:00 h')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def notices_of(song: Song, track: int, mix: Mix, report: DecodeReport) -> Iterator[str]:
    """What is to be said of a song that was read.

    Args:
        song: the file.
        track: the number of the sound track that was read.
        mix: what was read.
        report: of the decoder.
    """
    if len(song.candidates) > 1:
        yield _track_notice(song.tracks, song.candidates, track)
    yield from _damage(report, song.stated_duration if track == song.candidates[0] else 0.0)
    yield from _timing(report)
    if report.invalid:
        yield f"{report.invalid} samples of the file are no numbers that sound can have; they were replaced by silence."
    if notice := downmix_notice(max(report.layouts, key=len)):
        yield notice
    if max(map(abs, mix.offset)) > 0.02:
        yield "The recording is shifted by a constant level (DC offset), which can make joins click."
    if mix.peak > 4:
        yield f"The song is {20 * np.log10(mix.peak):.0f} dB over full scale; turn it down before listening."


def _track_notice(tracks: Sequence[Track], candidates: Sequence[int], number: int) -> str:
    names = {track.number: track.name for track in tracks}
    silent = [names[each] for each in candidates[: candidates.index(number)]]
    why = f"; {', '.join(silent)} {'is' if len(silent) == 1 else 'are'} silent" if silent else ""
    if not silent and next(track for track in tracks if track.number == number).default:
        why = ", the file's default"
    return f"The file has {len(tracks)} sound tracks, of which track {names[number]} was used{why}."


def _damage(report: DecodeReport, stated: float) -> Iterator[str]:
    if report.seconds < stated - max(0.5, 0.01 * stated):
        yield (
            f"The file ends early: it announces {clock(stated)}, of which the first {clock(report.seconds)} "
            "could be read."
        )
    elif report.breaks_off:
        yield f"Only the first {clock(report.seconds)} could be read: what follows is damaged or of another format."
    elif report.soundless > MAX_SOUNDLESS:
        yield (
            f"Only the first {clock(report.seconds)} could be read: what follows begins anew, as in files that were "
            "joined by copying. Join them in a sound editor to have it all."
        )
    elif report.another:
        yield (
            f"Only the first {clock(report.seconds)} were read: another file follows in this one, as where files were "
            "joined by copying. Join them in a sound editor to have it all."
        )
    elif report.cut:
        yield (
            f"The file breaks off after {clock(report.seconds)}: its end is missing, as after a download or a "
            "recording that was cut short."
        )
    elif report.lost > TOLERANCE:
        yield f"The file is damaged: about {clock(report.lost)} of it could not be read and is left out."
    elif report.unreadable:
        lost = f"{report.unreadable} of its {report.packets} pieces"
        yield f"The file is damaged: {lost} could not be read and are left out."


def _timing(report: DecodeReport) -> Iterator[str]:
    if report.late:
        yield f"The sound begins {clock(report.late)} after the picture; silence before it keeps them together."
    if len(report.holes) == 1:
        [(start, length)] = report.holes
        yield f"The file lacks {clock(length)} of sound at {clock(start)}; silence stands in its place."
    elif report.holes:
        total = sum(length for _, length in report.holes)
        yield (f"The file lacks {clock(total)} of sound in {len(report.holes)} places; silence stands in their place.")
