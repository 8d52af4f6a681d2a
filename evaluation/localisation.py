"""Does relevance fall where the truth is known? Made inputs whose answer lies in a known place, for each task.

- *Songs*: a voice from 500 to 2,500 Hz between a bass under 250 Hz and drums over 4 kHz: relevance of a stem should
  fall on its cells. Each stem has about a third of them: one with half of them could never hold twice its share.
- *Videos*: the rendered clip: relevance of a point on the person should fall on the person.
- *Pictures*: two drawn things side by side: the highest value for a thing should lie in its half (the pointing game,
  Zhang et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution.parts import mean_of_cells, resized
from backends.attribution.registry import attribute
from backends.attribution.types import Subject

BANDS = {"bass": (0.0, 250.0), "vocals": (500.0, 2500.0), "drums": (4000.0, np.inf)}
"""Where each stem lies, in Hz."""

OWN_SHARE = 0.9
"""Of the energy of a cell that a stem has to have for the cell to be its own."""

TOUCHED = 0.2
"""Of the area of a cell that the person fills where the cell counts as hers."""

BODY, HEAD, WHOLE = (0.48, 0.45, 0.56, 0.58), (0.44, 0.19, 0.5, 0.29), (0.0, 0.0, 1.0, 1.0)
"""Small rectangles on the chest of the rendered person and at the top of her head, and all of the frame. Around the
chest there is nothing but the person; around the top of the head there is mostly background."""

AUDIBLE = 1e-3
"""Cells with less than this share of the loudest one's energy are nobody's."""


@dataclass(frozen=True)
class Case:
    """A subject, and where its relevance should fall: `(rows, columns)` bool over its cells; `spot` is the place that
    is asked about, down and across, None where it is no place."""

    subject: Subject
    truth: np.ndarray
    spot: tuple[float, float] | None = None

    def enrichment(self, method: str, seed: int = 0, control: bool = False) -> float:
        """Share of the positive relevance that falls on the truth, over its share of the area; 1 is chance.

        With `control`, that of the network with weights shuffled by the seed.
        """
        return enrichment(self.relevance(method, seed, control), self.truth)

    def beyond_nearness(self, method: str, seed: int = 0, control: bool = False) -> float:
        """The same over what nearness to the spot alone would give; arguments as for `enrichment`."""
        assert self.spot is not None
        return beyond_nearness(self.relevance(method, seed, control), self.truth, self.spot)

    def relevance(self, method: str, seed: int = 0, control: bool = False) -> np.ndarray:
        """The map by a method; with `control`, that of the network with shuffled weights."""
        subject = self.subject
        if control:
            assert subject.control is not None
            subject = subject.control(1.0, seed)
        return attribute(subject, [method], seed).values


def enrichment(values: np.ndarray, truth: np.ndarray) -> float:
    """Share of the positive values on `truth` over the truth's share of the area; 0 where nothing is positive.

    >>> enrichment(np.array([3.0, 1.0, -5.0, 0.0]), np.array([True, False, False, False]))
    3.0
    """
    return share(values, truth) / float(truth.mean())


def share(values: np.ndarray, truth: np.ndarray) -> float:
    """Share of the positive values that lies on `truth`; 0 where nothing is positive."""
    positive = np.clip(resized(values, truth.shape), 0, None)
    total = float(positive.sum())
    return float(positive[truth].sum()) / total if total > 0 else 0.0


def beyond_nearness(values: np.ndarray, truth: np.ndarray, spot: tuple[float, float]) -> float:
    """Share of the positive values on `truth`, over what it would be if only the distance from a spot counted.

    A network that knows nothing looks near the place that it is asked about, too. So the cells are put into rings
    around the spot: with r(d) the relevance and a(d) the truth's share of the cells of ring d, the share that falls on
    the truth is divided by Σ r(d) a(d) / Σ r(d). 1 is chance; 0 where nothing is positive.

    Args:
        values: `(h, w)`.
        truth: `(rows, columns)` bool.
        spot: down and across, as shares of the picture.

    >>> beyond_nearness(np.array([[0.0, 1.0, 0.0]]), np.array([[True, False, False]]), (0.5, 0.5))
    0.0
    """
    positive = np.clip(resized(values, truth.shape), 0, None)
    rows, columns = (np.arange(side) + 0.5 - share * side for side, share in zip(truth.shape, spot, strict=True))
    ring = np.hypot(rows[:, None], columns[None]).round().astype(int).ravel()
    relevance, own, count = (np.bincount(ring, weights.ravel().astype(float)) for weights in
                             (positive, truth, np.ones(truth.shape)))  # fmt: skip
    by_distance = float((relevance * own / np.maximum(count, 1)).sum())
    return float(positive[truth].sum()) / by_distance if by_distance > 0 else 0.0


def by_question(shares: np.ndarray) -> np.ndarray:
    """How much more of the relevance lies on a truth when it is asked about than on average over all questions.

    A network that knows nothing may look at one place, such as the loudest, whatever it is asked: that gives it more
    than the place's share of the area, yet 1 here. At most the number of questions.

    Args:
        shares: `(questions, truths)`, of the positive relevance; the question about each truth lies on the diagonal.

    >>> by_question(np.array([[0.9, 0.1], [0.3, 0.7]])).round(2).tolist()
    [1.5, 1.75]
    >>> by_question(np.array([[0.2, 0.8], [0.2, 0.8]])).tolist()
    [1.0, 1.0]
    """
    return np.diag(shares) / np.maximum(shares.mean(0), np.finfo(float).tiny)


def song_case(engine: Any, stem: str = "vocals", seconds: float = 3.0, detail: int = 4, seed: int = 0) -> Case:
    """Voice, bass and drums that share no frequencies, with the level of one of them as the score.

    Args:
        engine: a loaded separation engine.
        stem: of `BANDS`.
        seconds: of the passage.
        detail: cells along time and along frequency.
        seed: of the song.
    """
    from backends.separation.explanation.passage import Passage
    from backends.separation.explanation.subject import passage_subject
    from evaluation.synthetic.song import make_song

    rate = engine.samplerate
    song = make_song(seconds + 2.0, rate, seed)
    begin = round(2.0 * rate)  # nobody sings in the first two seconds
    frames = song.stems["vocals"].shape[1] - begin
    parts = {name: _band(song.stems[name][:, begin:], rate, *band) for name, band in BANDS.items()}
    mixture = np.stack(list(parts.values())).sum(axis=0, dtype=np.float32)
    passage = Passage(mixture, rate, 0.0, 0, frames, detail)
    energy = {}
    for name, part in parts.items():
        alone = replace(passage, samples=part)
        energy[name] = passage.summed(alone.spectrum.abs().square().mean(0).numpy())
    total = np.sum(list(energy.values()), axis=0)
    truth = (energy[stem] >= OWN_SHARE * total) & (energy[stem] >= AUDIBLE * energy[stem].max())
    return Case(passage_subject(engine, passage, stem), truth)


def _band(samples: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    """What of `(2, T)` lies between two frequencies."""
    spectrum = np.fft.rfft(samples, axis=-1)
    frequencies = np.fft.rfftfreq(samples.shape[-1], 1 / rate)
    spectrum[:, (frequencies < low) | (frequencies > high)] = 0
    return np.fft.irfft(spectrum, samples.shape[-1], axis=-1).astype(np.float32)


def frame_case(
    engine: Any,
    *,
    width: int = 512,
    height: int = 288,
    detail: int = 8,
    moment: float = 0.0,
    rectangle: tuple[float, float, float, float] = BODY,
) -> Case:
    """The rendered clip, with the alpha of a rectangle as the score.

    A network without knowledge looks near the place it is asked about, too: of a point its relevance falls on the
    person by no merit of its own, see `beyond_nearness`.

    Args:
        engine: a matting engine; MODNet need not be loaded.
        width, height: of the frame, which is taken as it is.
        detail: cells along the shorter side.
        moment: of the clip, in seconds.
        rectangle: left, top, right and bottom as shares, such as BODY or WHOLE.
    """
    from backends.matting.explanation.subject import frame_subject, modnet_of, network_mattes
    from evaluation.synthetic.clip import make_clip

    clip = make_clip(moment + 0.1, width, height)
    rendered = clip[round(moment * float(clip.rate))]
    network = modnet_of(engine)
    mattes = None if network is None else network_mattes(network)
    subject = frame_subject(engine, network, rendered.rgb, rectangle, mattes=mattes, detail=detail)
    assert subject.given_cells is not None
    truth = mean_of_cells(rendered.alpha, subject.given_cells.shape) > TOUCHED
    left, top, right, bottom = rectangle
    spot = None if rectangle == WHOLE else ((top + bottom) / 2, (left + right) / 2)
    return Case(_by_single_cells(subject), truth, spot)


def _by_single_cells(subject: Subject) -> Subject:
    """The subject, and its control, with covers of one cell: wider ones smear relevance over the outline."""
    assert subject.given_cells is not None
    cells, control = replace(subject.given_cells, window=(1, 1)), subject.control
    again = None if control is None else lambda share, seed=0: _by_single_cells(control(share, seed))
    return replace(subject, given_cells=cells, control=again)


@dataclass(frozen=True)
class Pointing:
    """The pointing game: `hits` of `games` highest values lie on the thing that was asked about."""

    hits: int
    games: int

    @property
    def rate(self) -> float:
        return self.hits / max(1, self.games)


def picture_cases(engine: Any, folder: Path, count: int, detail: int = 8, seed: int = 0) -> list[Case]:
    """Pairs of drawn things side by side, each asked about one of them against the other.

    Args:
        engine: a loaded feature engine.
        folder: an empty one, for the examples.
        count: number of cases.
        detail: cells a side.
        seed: of the pictures.
    """
    from PIL import Image

    from backends.attribution.question import Question
    from backends.fewshot.explanation.subject import choose_classes, picture_subject, read_classifier
    from evaluation.synthetic.pictures import SENTENCES, queries, write_sample

    write_sample(folder, 5, seed)
    drawn = [picture for picture in queries(-(-count // 2), seed) if picture.kind]
    by_kind = {kind: [picture.rgb for picture in drawn if picture.kind == kind] for kind in SENTENCES}
    cases = []
    for number, (own, other) in enumerate(pairs(list(SENTENCES), count)):
        left = number % 2 == 0
        pair = [by_kind[own][number // 2 % len(by_kind[own])], by_kind[other][number // 2 % len(by_kind[other])]]
        path = folder / f"pair-{number}.png"
        Image.fromarray(_side_by_side(pair if left else pair[::-1])).save(path)
        asked = read_classifier(engine, {"query": path, "support": folder / "shots"})
        row = engine.encode_images(asked.picture.pixels[None])
        target, against = choose_classes(asked.classifier, row, Question(target=own, against=other))
        subject = picture_subject(engine, asked, target, against, detail)
        truth = np.zeros((detail, detail), bool)
        truth[:, : detail // 2] = left
        truth[:, detail // 2 :] = not left
        cases.append(Case(subject, truth))
    return cases


def pairs(kinds: Sequence[str], count: int) -> list[tuple[str, str]]:
    """Who is asked about, and the other, `count` times: each thing in turn, and another beside it each time round.

    >>> pairs("abc", 5)
    [('a', 'b'), ('b', 'c'), ('c', 'a'), ('a', 'c'), ('b', 'a')]
    """
    size = len(kinds)
    return [(kinds[number % size], kinds[(number + 1 + number // size % (size - 1)) % size]) for number in range(count)]


def _side_by_side(pair: Sequence[np.ndarray]) -> np.ndarray:
    """Two square pictures in one, which has bars of their mean colour above and below so that it is square too."""
    both = np.concatenate(pair, axis=1)
    bar = np.broadcast_to(both.mean((0, 1)).astype(np.uint8), (both.shape[0] // 2, both.shape[1], 3))
    return np.concatenate([bar, both, bar])


def pointing(cases: Sequence[Case], methods: Sequence[str], control: bool = False) -> Pointing:
    """Play the pointing game with the first of `methods` that applies; with `control` each time by another network
    whose weights are shuffled."""
    hits = 0
    for number, case in enumerate(cases):
        subject = case.subject
        if control:
            assert subject.control is not None
            subject = subject.control(1.0, number)
        values = resized(attribute(subject, methods).values, case.truth.shape)
        hits += bool(case.truth[np.unravel_index(int(values.argmax()), values.shape)])
    return Pointing(hits, len(cases))
