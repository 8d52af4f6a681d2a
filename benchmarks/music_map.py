"""How well tempo, key, beats, bars and chords are found in a made song: `python -m benchmarks.music_map`.

The sample song is played at five speeds and in five keys. Beats count as found within 70 ms (F-measure, as usual for
beats), chords by the share of the time that has the right name.
"""

from __future__ import annotations

import sys

import numpy as np
import soxr

from evaluation.metrics.separation.beat_chords import BEAT_SECONDS, NO_CHORD, MusicMap, map_music
from evaluation.metrics.separation.tempo_key import PITCH_CLASSES, SAMPLERATE
from evaluation.synthetic import score
from evaluation.synthetic.song import make_song
from studio.songs.stretch import Pace, at_pace

SECONDS, RATE = 60.0, 44100
PACES = (Pace(0.75, 3), Pace(0.9, -1), Pace(1.0, 0), Pace(1.25, -4), Pace(1.5, 6))


def main() -> None:
    """One row a pace, with the stems known and from the mix alone."""
    song = make_song(SECONDS, RATE)

    def mono(pace: Pace, *names: str) -> np.ndarray:
        wave = sum(song.stems[name] for name in names).mean(axis=0).astype(float)
        moved = np.concatenate(list(at_pace([wave[:, None]], len(wave), RATE, pace))) if pace.changes else wave[:, None]
        return soxr.resample(moved[:, 0], RATE, SAMPLERATE)

    titles = f"{'tempo':>7} {'found':>7} {'key':>10} {'beats F':>8} {'bars':>5} {'chords':>7} {'of the mix':>11}"
    sys.stdout.write(f"{titles}\n")
    for pace in PACES:
        mix = mono(pace, *song.stems)
        whole = map_music(mix, mono(pace, "other", "bass"), mono(pace, "bass"))
        alone = map_music(mix)
        found = whole.tempo.bpm if whole.tempo else 0.0
        key = f"{whole.key.name if whole.key else '–'}{'' if _key_right(whole, pace) else ' ✗'}"
        numbers = f"{beats_f(whole, pace):8.3f} {bars(whole, pace):5.2f} {chords(whole, pace):7.3f}"
        sys.stdout.write(
            f"{pace.speed * score.TEMPO:7.1f} {found:7.1f} {key:>10} {numbers} {chords(alone, pace):11.3f}\n"
        )


def _true_beats(pace: Pace) -> np.ndarray:
    return np.arange(0, SECONDS / pace.speed, 60 / (pace.speed * score.TEMPO))


def _key_right(heard: MusicMap, pace: Pace) -> bool:
    root, mode = score.KEY.split()
    wanted = f"{PITCH_CLASSES[(PITCH_CLASSES.index(root) + pace.semitones) % 12]} {mode}"
    return heard.key is not None and heard.key.name == wanted


def beats_f(heard: MusicMap, pace: Pace) -> float:
    """The F-measure of the beats."""
    true, beats = _true_beats(pace), np.array(heard.beats)
    if not len(beats):
        return 0.0
    hits = sum(np.abs(beats - one).min() < BEAT_SECONDS for one in true)
    return float(2 * hits / (len(true) + len(beats)))


def bars(heard: MusicMap, pace: Pace) -> float:
    """The share of the bars that begin where one does."""
    begins = np.array(heard.beats)[heard.first_bar :: heard.beats_a_bar or 1]
    true = _true_beats(pace)[:: score.BEATS_A_BAR]
    return float(np.mean([np.abs(true - one).min() < BEAT_SECONDS for one in begins])) if len(begins) else 0.0


def chords(heard: MusicMap, pace: Pace) -> float:
    """The share of the time with the right chord."""
    starts = [(score.seconds_at(beat) / pace.speed, chord.name) for beat, _, chord in score.bars(SECONDS)]
    right, times = 0, np.arange(1.0, SECONDS / pace.speed - 1, 0.1)
    for at in times:
        name = [name for start, name in starts if start <= at][-1]
        place = PITCH_CLASSES.index(name.removesuffix("m")) + pace.semitones
        true = PITCH_CLASSES[place % 12] + ("m" if name.endswith("m") else "")
        right += true == next((one.name for one in heard.chords if one.start <= at < one.end), NO_CHORD)
    return right / len(times)


if __name__ == "__main__":
    main()
