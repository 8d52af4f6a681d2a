"""Data sets that the project draws itself, with known truth: they are there on every machine and need no licence.

They are drawn and played by rule, so a figure on them says how well a model copes with these, and little about the
world. Nothing was trained on these seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from backends.folding.structure.structure import Structure
from evaluation.datasets.base import Sample, Unit, check_split

MIXES = 16
MIX_SECONDS = 4.0
CLIPS = 12
EPISODES = 24
KINDS = ("ball", "box", "leaf", "mushroom", "ring", "star")


class _OwnSamples:
    """What the data sets below share."""

    licence, splits = "MIT: drawn by this project", ("all",)

    def _units(self, names: Sequence[str], read: Callable[[int], Sample]) -> Iterator[Unit]:
        for number, name in enumerate(names):
            yield Unit(name, name, partial(read, number))


class DrawnSongs(_OwnSamples):
    """The sample song in mixes of its own: another take, balance and key each. A unit is a mix.

    Inputs are `mixture` `(2, T)` float32 and `samplerate`; the reference maps the four stems to `(2, T)`.
    """

    id, title, task = "drawn-songs", "Rendered mixes", "separation"

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        return self._units([f"mix {number + 1}" for number in range(MIXES)], _mix)

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Whether the voice was moved up or down."""
        moves = {f"mix {number + 1}": _choices(number)[1] for number in range(MIXES)}
        return {"voice": {unit: "higher" if move > 0 else "lower" for unit, move in moves.items()}}


class DrawnClips(_OwnSamples):
    """Clips of a drawn person before a moving background. A unit is a clip.

    Inputs are `frames` `(N, H, W, 3)` uint8 and `fps`; the reference is alpha `(N, H, W)` float32.
    """

    id, title, task = "drawn-clips", "Rendered clips", "matting"

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        return self._units([f"clip {number + 1}" for number in range(CLIPS)], _clip)


class BuiltProteins(_OwnSamples):
    """Helices, helical hairpins and β-hairpins turned by rule from ideal angles. A unit is a chain.

    The input is its `sequence`; the reference a Structure. No experiment has seen these folds.
    """

    id, title, task = "built-proteins", "Structures built by rule", "folding"

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        return self._units([name for name, _ in _structures()], _protein)


class DrawnPictures(_OwnSamples):
    """Episodes of six kinds of drawn things: six examples and three questions of each. A unit is an episode.

    Inputs are `shots` and `queries` (encoded pictures), `labels` of the shots and `names`; the reference holds the
    labels `(Q,)` of the queries.
    """

    id, title, task = "drawn-pictures", "Drawn pictures", "fewshot"

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        return self._units([f"episode {number + 1}" for number in range(EPISODES)], _episode)


def _choices(number: int) -> tuple[float, float, np.random.Generator]:
    """The second at which a mix begins, by how many semitones it is moved, and what draws the rest."""
    rng = np.random.default_rng([15, number])
    return float(rng.uniform(0, 4)), float(rng.uniform(-4, 4)), rng


def _mix(number: int) -> Sample:
    """A stretch of the song, each stem up to 6 dB louder or softer, the whole up to 4 semitones higher or lower."""
    import soxr

    from evaluation.synthetic.song import make_song

    begin, semitones, rng = _choices(number)
    song = make_song(MIX_SECONDS + 6, seed=1000 + number)
    start = int(begin * song.samplerate)
    pitch, length = 2 ** (semitones / 12), round(MIX_SECONDS * song.samplerate)
    reference = {}
    for name, stem in song.stems.items():
        wave = soxr.resample(stem.T[start:].astype(np.float64), song.samplerate, song.samplerate / pitch)[:length].T
        reference[name] = (0.5 * wave * 10 ** (rng.uniform(-6, 6) / 20)).astype(np.float32)
    mixture = np.sum(list(reference.values()), axis=0, dtype=np.float32)
    return Sample({"mixture": mixture, "samplerate": song.samplerate}, reference)


def _clip(number: int) -> Sample:
    from evaluation.synthetic.clip import make_clip

    clip = make_clip(2.0, width=320, height=180, rate=12, seed=1000 + number)
    step = [clip[index] for index in range(0, len(clip), 2)]
    frames, alphas = np.stack([frame.rgb for frame in step]), np.stack([frame.alpha for frame in step])
    return Sample({"frames": frames, "fps": 6}, alphas)


def _structures() -> list[tuple[str, Callable[[], Structure]]]:
    from evaluation.synthetic.proteins import beta_hairpin, helical_hairpin, ideal_helix

    helices = [(f"helix of {length}", partial(ideal_helix, length)) for length in range(14, 50, 5)]
    return [*helices, ("helical hairpin", helical_hairpin), ("β-hairpin", beta_hairpin)]


def _protein(number: int) -> Sample:
    structure = _structures()[number][1]()
    return Sample({"sequence": structure.sequence}, structure)


def _episode(number: int) -> Sample:
    from evaluation.synthetic.pictures import queries, shots

    examples = [(picture.png(), label) for label, kind in enumerate(KINDS) for picture in shots(kind, 6, 1000 + number)]
    questions = [picture for picture in queries(3, 1000 + number) if picture.kind]
    inputs = {
        "shots": [data for data, _ in examples],
        "labels": np.array([label for _, label in examples]),
        "queries": [picture.png() for picture in questions],
        "names": list(KINDS),
    }
    return Sample(inputs, np.array([KINDS.index(picture.kind) for picture in questions]))
