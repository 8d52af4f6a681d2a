"""How well tempo, key, beats, bars and chords are found in a made song: `python -m benchmarks.music_map`.

The sample song is played at five speeds and in five keys, and what is found is judged by mir_eval (Raffel et al.
2014): beats and the first beats of bars within 70 ms (F-measure), chords by the share of the time with the right root
and mode, keys by its weighted score.
"""

from __future__ import annotations

import sys

import mir_eval
import numpy as np
import soxr

from evaluation.metrics.separation.beat_chords import NO_CHORD, MusicMap, map_music
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
        key = f"{whole.key.name if whole.key else '–'} {key_score(whole, pace):.1f}"
        numbers = f"{beats_f(whole, pace):8.3f} {bars(whole, pace):5.2f} {chords(whole, pace):7.3f}"
        sys.stdout.write(
            f"{pace.speed * score.TEMPO:7.1f} {found:7.1f} {key:>10} {numbers} {chords(alone, pace):11.3f}\n"
        )


def _true_beats(pace: Pace, seconds: float) -> np.ndarray:
    return np.arange(0, seconds / pace.speed, 60 / (pace.speed * score.TEMPO))


def key_score(heard: MusicMap, pace: Pace) -> float:
    """mir_eval's weighted score of a key: 1 where it is right, 0.5 a fifth off, 0.3 for the relative one."""
    root, mode = score.KEY.split()
    wanted = f"{PITCH_CLASSES[(PITCH_CLASSES.index(root) + pace.semitones) % 12]} {mode}"
    return float(mir_eval.key.weighted_score(_ascii(wanted), _ascii(heard.key.name))) if heard.key else 0.0


def beats_f(heard: MusicMap, pace: Pace, seconds: float = SECONDS) -> float:
    """The F-measure of the beats, within mir_eval's 70 ms."""
    beats = np.array(heard.beats)
    return float(mir_eval.beat.f_measure(_true_beats(pace, seconds), beats)) if len(beats) else 0.0


def bars(heard: MusicMap, pace: Pace, seconds: float = SECONDS) -> float:
    """The F-measure of the first beats of the bars."""
    begins = np.array(heard.beats)[heard.first_bar :: heard.beats_a_bar or 1]
    true = _true_beats(pace, seconds)[:: score.BEATS_A_BAR]
    return float(mir_eval.beat.f_measure(true, begins)) if len(begins) else 0.0


def chords(heard: MusicMap, pace: Pace, seconds: float = SECONDS) -> float:
    """The share of the time with the right root and mode (mir_eval's `majmin`)."""
    end = seconds / pace.speed
    starts = [score.seconds_at(beat) / pace.speed for beat, _, _ in score.bars(seconds)]
    true = np.array(list(zip(starts, [*starts[1:], end], strict=True)))
    labels = [_moved(chord.name, pace) for _, _, chord in score.bars(seconds)]
    found = np.array([(one.start, one.end) for one in heard.chords]).reshape(-1, 2)
    if not len(found):
        return 0.0
    return float(mir_eval.chord.evaluate(true, labels, found, [_label(one.name) for one in heard.chords])["majmin"])


def _moved(name: str, pace: Pace) -> str:
    """A chord of the song, as mir_eval writes it, in the key that it is played in."""
    place = PITCH_CLASSES.index(name.removesuffix("m")) + pace.semitones
    return _label(PITCH_CLASSES[place % 12] + ("m" if name.endswith("m") else ""))


def _label(name: str) -> str:
    """`F♯m` as `F#:min`."""
    if name == NO_CHORD:
        return "N"
    return f"{_ascii(name.removesuffix('m'))}:{'min' if name.endswith('m') else 'maj'}"


def _ascii(name: str) -> str:
    return name.replace("♯", "#").replace("♭", "b")


if __name__ == "__main__":
    main()
