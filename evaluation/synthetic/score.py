"""The sample song's score, as data: chords, melody, and the patterns of the band, in beats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TITLE = "Paper Lanterns"
TEMPO = 104.0
KEY = "D major"
BEATS_A_BAR = 4
SECONDS_A_BEAT = 60.0 / TEMPO
SWING = 0.06
"""How late, in beats, the second of two sixteenth notes comes. 0 is straight, 1/12 is a triplet."""


@dataclass(frozen=True)
class Note:
    """One note. `start` and `seconds` in seconds; `pitch` is a MIDI number (69 is A4, 440 Hz)."""

    start: float
    seconds: float
    pitch: int
    syllable: str = ""
    velocity: float = 1.0

    @property
    def hertz(self) -> float:
        return hertz(self.pitch)


@dataclass(frozen=True)
class Hit:
    """One stroke on the drum kit at `start` seconds; `velocity` is a linear gain."""

    start: float
    drum: str
    velocity: float


@dataclass(frozen=True)
class Chord:
    """`bass` is the root for the bass guitar, `voicing` the notes for the pad, all MIDI numbers."""

    name: str
    bass: int
    voicing: tuple[int, ...]


D = Chord("D", 38, (57, 62, 66, 69))
BM = Chord("Bm", 35, (59, 62, 66, 71))
G = Chord("G", 43, (55, 59, 62, 67))
A = Chord("A", 33, (57, 61, 64, 69))

INTRO = (D,)
CYCLE = (D, BM, G, A, D, BM, G, A, G, A, D, D)

# (beat from the start of the cycle, length in beats, pitch, syllable: consonant then vowel)
MELODY = (
    (0.5, 0.5, 66, "so"), (1.0, 1.0, 66, "la"), (2.0, 0.5, 64, "me"), (2.5, 1.5, 62, "na"),
    (4.5, 0.5, 62, "du"), (5.0, 0.5, 64, "li"), (5.5, 0.5, 66, "ta"), (6.0, 1.5, 59, "mo"),
    (8.5, 0.5, 67, "se"), (9.0, 1.0, 71, "la"), (10.0, 0.5, 69, "no"), (10.5, 1.5, 67, "ma"),
    (12.0, 1.0, 64, "ti"), (13.0, 0.5, 66, "le"), (13.5, 2.0, 64, "na"),
    (16.5, 0.5, 66, "so"), (17.0, 0.5, 69, "la"), (17.5, 0.5, 66, "me"), (18.0, 1.75, 62, "no"),
    (20.5, 0.5, 66, "du"), (21.0, 1.0, 71, "la"), (22.0, 1.5, 66, "mi"),
    (24.5, 0.5, 67, "ta"), (25.0, 0.5, 66, "le"), (25.5, 0.5, 67, "li"), (26.0, 1.5, 59, "mo"),
    (28.0, 0.5, 61, "ta"), (28.5, 0.5, 62, "de"), (29.0, 2.25, 64, "na"),
    (32.0, 1.5, 71, "la"), (33.5, 0.5, 69, "na"), (34.0, 1.5, 67, "so"), (35.5, 0.5, 66, "le"),
    (36.0, 1.5, 69, "ma"), (37.5, 0.5, 67, "li"), (38.0, 1.5, 64, "no"),
    (40.0, 1.0, 66, "se"), (41.0, 1.0, 69, "la"), (42.0, 2.25, 66, "mo"),
    (44.5, 0.5, 64, "de"), (45.0, 2.5, 62, "na"),
)  # fmt: skip

# (beat in the bar, length in beats, semitones above the chord's root)
BASS_LINE = ((0, 0.9, 0), (1.5, 0.45, 0), (2, 0.7, 0), (2.75, 0.25, 7), (3, 0.45, 12), (3.5, 0.45, 7))
# (beat in the bar, which note of the voicing)
PLUCKS = ((0, 0), (0.5, 2), (1, 3), (1.5, 1), (2, 2), (2.5, 3), (3, 1), (3.5, 2))

GROOVE = (
    (0, "kick", 1.0), (1.5, "kick", 0.6), (2, "kick", 0.9), (2.75, "kick", 0.55),
    (1, "snare", 0.95), (1.75, "snare", 0.12), (3, "snare", 1.0), (3.75, "snare", 0.16),
    (0, "hat", 0.9), (0.5, "hat", 0.55), (1, "hat", 0.8), (1.25, "hat", 0.25), (1.5, "hat", 0.55),
    (2, "hat", 0.9), (2.5, "hat", 0.55), (3, "hat", 0.8), (3.25, "hat", 0.3), (3.5, "open hat", 0.6),
)  # fmt: skip
FILL = (
    (0, "kick", 1.0), (1, "snare", 0.95), (2, "kick", 0.9),
    (0, "hat", 0.9), (0.5, "hat", 0.55), (1, "hat", 0.8), (1.5, "hat", 0.55), (2, "hat", 0.9),
    (2.5, "snare", 0.6), (3, "high tom", 0.8), (3.25, "high tom", 0.7), (3.5, "low tom", 0.9), (3.75, "low tom", 0.8),
)  # fmt: skip
COUNT_IN = (
    (0, "kick", 0.9), (0, "hat", 0.9), (1, "hat", 0.8), (2, "kick", 0.8), (2, "hat", 0.9), (3, "hat", 0.8),
    (3.5, "snare", 0.7), (3.75, "snare", 0.9),
)  # fmt: skip


def hertz(pitch: float) -> float:
    """The frequency of a MIDI number in equal temperament, A4 = 440 Hz."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def seconds_at(beat: float) -> float:
    """Seconds from the start of the song, with every second sixteenth note swung."""
    off_sixteenth = round(beat * 4) % 2 == 1
    return (beat + SWING * off_sixteenth) * SECONDS_A_BEAT


def bars(seconds: float) -> Iterator[tuple[float, int, Chord]]:
    """`(first beat, bar number, chord)` of every bar that starts before `seconds`; the cycle goes round for ever."""
    bar = 0
    while seconds_at(beat := float(bar * BEATS_A_BAR)) < seconds:
        yield beat, bar, INTRO[bar] if bar < len(INTRO) else CYCLE[(bar - len(INTRO)) % len(CYCLE)]
        bar += 1


def melody(seconds: float) -> list[Note]:
    """The sung notes that end before `seconds`."""
    notes, cycle_beat = [], float(len(INTRO) * BEATS_A_BAR)
    while seconds_at(cycle_beat) < seconds:
        for beat, length, pitch, syllable in MELODY:
            notes.append(Note(seconds_at(cycle_beat + beat), length * SECONDS_A_BEAT, pitch, syllable))
        cycle_beat += len(CYCLE) * BEATS_A_BAR
    return [note for note in notes if note.start + note.seconds <= seconds]


def bass_notes(seconds: float) -> list[Note]:
    """The notes of the bass guitar; the intro has only its first."""
    notes = []
    for first, bar, chord in bars(seconds):
        for beat, length, step in BASS_LINE if bar else BASS_LINE[:1]:
            velocity = 1.0 if beat % 1 == 0 else 0.8
            start = seconds_at(first + beat)
            notes.append(Note(start, length * SECONDS_A_BEAT, chord.bass + step, velocity=velocity))
    return notes


def hits(seconds: float) -> list[Hit]:
    """Every stroke of the kit: a count-in, then the groove, with a fill in each fourth bar and a crash after it."""
    found = []
    for first, bar, _ in bars(seconds):
        pattern = COUNT_IN if bar < len(INTRO) else FILL if (bar - len(INTRO)) % 4 == 3 else GROOVE
        found += [Hit(seconds_at(first + beat), drum, velocity) for beat, drum, velocity in pattern]
        if bar >= len(INTRO) and (bar - len(INTRO)) % 4 == 0:
            found.append(Hit(seconds_at(first), "crash", 0.7))
    return sorted(found, key=lambda hit: hit.start)
