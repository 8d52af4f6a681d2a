"""Songs: which sounds made a stem, as a map on the spectrogram that can be heard, and what if a part were missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from studio import launch, services
from studio.inside import address, boards, explained, hearing, take_away, wiping
from studio.inside.answers import Answer
from studio.inside.attribution import Map
from studio.inside.explained import Choice
from studio.inside.hearing import Stretch
from studio.inside.questions import Question
from studio.inside.room import Room
from studio.library.library import Run
from studio.ui import excerpts, formatting
from viz.inside.inner import band_map, distance_curve, grouped_bars, moment_map
from viz.inside.parts import part_bars
from viz.inside.sound import Box, spectrogram_with_map
from viz.separation.spectrogram import log_mel

NETWORK = "demucs"
READS = {"attention_maps": "other moments", "attention_bands": "pitches"}
"""What the attention of the transformer can be drawn against, by the look into the model that gives it."""
LENGTHS = (0.25, 0.5, 1.0, 2.0, 3.0)


def start_sample() -> str:
    """Split the sample song with the best network at hand, for it has more to say than a method without learning."""
    from studio.songs import sample

    song = sample.song()
    card = launch.best_card("separation", NETWORK)
    return services.jobs().submit("separation", f"{song.title}.flac", song.mix, card, {})


def _seconds(run: Run) -> float:
    frames, rate = run.facts.get("frames"), run.facts.get("samplerate", 44100)
    return float(frames) / rate if frames else hearing.read_stretch(services.library().only(run.id, "mix")).seconds


def stems_of(run: Run) -> list[str]:
    """The stems of the model itself, however the run grouped them."""
    return list(run.card.get("outputs", ())) or list(run.facts.get("stems", ()))


def choose(run: Run, question: Question) -> tuple[str, str, Box]:
    """The stem that is asked about, the one that it is compared with, and the stretch of time (over all pitches)."""
    stems, seconds = stems_of(run), _seconds(run)
    against = ""
    columns = st.columns(4 if "against" in question.asks else 3)
    with columns[0]:
        target = address.choose("target", "Stem", stems, "vocals" if "vocals" in stems else stems[0], names=str.title)
    if "against" in question.asks:
        with columns[1]:
            others = [stem for stem in stems if stem != target]
            against = address.choose("against", "And not", others, others[-1] if others else "", names=str.title)
    with columns[-1]:
        usual = [length for length in LENGTHS if length <= seconds] or [seconds]
        text = address.choose(
            "for", "Seconds", [f"{length:g}" for length in usual], "1" if 1.0 in usual else f"{usual[-1]:g}",
            help="How long a stretch you ask about.",
        )  # fmt: skip
        length = float(text)
    with columns[-2]:
        last = max(0.0, round(seconds - length, 2))
        first = address.number("from", 0.0, last, min(last, round(seconds / 2 - length / 2, 1)))
        start = st.slider("From second", 0.0, max(last, 0.01), first, 0.05, key=f"inside-from-{run.id}-{length}")
        address.write("from", f"{start:g}")
    return target, against, Box(start, min(start + length, seconds), 0.0, np.inf)


def ask(run: Run, question: Question) -> Choice:
    """The question about a stretch of this run's song."""
    target, against, box = choose(run, question)
    region = f"{box.start:g}-{box.end:g}"
    when = f"from {box.start:g} to {box.end:g} s"
    sentence = {
        "heard": f"What in the song made the {target}, {when}?",
        "contrast": f"Why {target} and not {against}, {when}?",
        "leak": f"Which instruments are in the {target}, {when}?",
        "branches": f"Which half of the network heard the {target}, {when}?",
        "attention": f"Which moments does the network bring together, {when}?",
        "reach": f"How far around does the model listen for the {target}, {when}?",
    }[question.id]
    options = {"target": target, "region": region, **({"against": against} if against else {})}
    return Choice(sentence, options, {"song": services.library().only(run.id, "input", "input")})


def show_map(run: Run, question: Question) -> None:
    """The map on the spectrogram, and the song heard through it."""
    asked = ask(run, question)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        values = found.arranged("frequency", "time")
        frequency, time = found.axes["frequency"], found.axes["time"]
        sound = hearing.read_stretch(services.library().only(run.id, "mix"), *ends(time))
        figure, alt = spectrogram_with_map(
            log_mel(sound.samples, sound.rate, 400), values, frequency, time, begin=sound.start, scale=scale,
            unit=found.unit, box=_marked(asked),
        )  # fmt: skip
        take_away.chart(figure, alt, f"map-{key}", live=lambda: boards.on_sound(sound, found, alt))
        if not key.endswith("control"):
            _hear(sound, found, key)
        return figure, alt

    explained.show(run, question, asked, draw)


def ends(time: np.ndarray) -> tuple[float, float]:
    """Where the stretch begins and ends whose steps have these middles."""
    half = float(time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    return max(0.0, float(time[0]) - half), float(time[-1]) + half


def _marked(asked: Choice) -> Box:
    start, _, end = str(asked.options["region"]).partition("-")
    return Box(float(start), float(end), 1.0, 30_000.0)


def _hear(sound: Stretch, found: Map, key: str) -> None:
    """The song through the map, what is left, and the song itself, at one level."""
    passed, left, share = hearing.through_map(
        sound, found.arranged("frequency", "time"), found.axes["frequency"], found.axes["time"]
    )
    through, rest, whole = hearing.level_matched(passed, left, sound)
    played = (
        through.named("What mattered", f"The song through the map: {100 * share:.0f} % of its power."),
        rest.named("What is left", "The song without that."),
        whole.named("The song", "All of it, at the same level."),
    )
    alt = f"From {sound.start:.2f} to {sound.end:.2f} s: the song through the map, what is left, and the song itself."
    excerpts.sounds(played, alt, f"heard-{key}")


def show_parts(run: Run, question: Question) -> None:
    """What each part of the song adds to the stem's level."""
    asked = ask(run, question)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        names = [str(name).title() for name in next(iter(found.axes.values()))]
        total = f"Together {float(found.values.sum()):.1f} {found.unit} of {found.about.get('score', 0):.1f}."
        figure, alt = part_bars(names, found.values, found.unit, total)
        take_away.chart(figure, alt, f"parts-{key}", live=lambda: boards.of_parts(names, found, alt))
        return figure, alt

    explained.show(run, question, asked, draw)


def show_reach(run: Run, question: Question) -> None:
    """How much of the listening lies within each distance from the stretch that is asked about."""

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        figure, alt = distance_curve(found.axes["distance"], found.values)
        take_away.chart(figure, alt, f"reach-{key}")
        return figure, alt

    explained.show(run, question, ask(run, question), draw)


def show_branches(run: Run, question: Question) -> None:
    """Each half of the network against the whole, and the halves to listen to."""

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        values = found.arranged("stem", "branch")
        figure, alt = grouped_bars(found.axes["stem"].tolist(), found.axes["branch"].tolist(), values, "likeness")
        take_away.chart(figure, f"{alt} Likeness is the correlation of a half with the whole stem.", f"branches-{key}")
        return figure, alt

    def play(answer: Answer) -> None:
        halves = {name: hearing.read_stretch(data) for name, data in answer.files.items() if name.endswith(".wav")}
        peak = max((float(np.abs(half.samples).max(initial=0.0)) for half in halves.values()), default=1.0)
        scale = min(1.0, hearing.CEILING / max(peak, 1e-9))
        played = [
            Stretch(half.samples * scale, half.rate, half.start).named(
                f"{formatting.escape(name.removesuffix('.wav').replace('-', ', '))} branch alone"
            )
            for name, half in halves.items()
        ]
        excerpts.sounds(played, "Each half of the network alone.", f"halves-{run.id}")

    explained.show(run, question, ask(run, question), draw, play)


def show_attention(run: Run, question: Question) -> None:
    """From which moment to which other one, or to which pitches, a head of a layer passes numbers on."""
    reads = address.choose(
        "reads", "It looks at", list(READS), next(iter(READS)), names=lambda name: READS[name],
        help="The transformer joins moments of both halves; of the half that has a spectrogram it also reads pitches.",
    )  # fmt: skip
    question = replace(question, method=reads)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        layers = [str(name) for name in found.axes["layer"]]
        heads = [f"{number:g}" for number in found.axes["head"]]
        left, right = st.columns(2)
        with left:
            layer = address.choose("layer", "Layer", layers)
        with right:
            head = address.choose("head", "Head", ["mean of all", *heads])
        to = "band" if "band" in found.axes else "to"
        one = found.arranged("layer", "head", "from", to)[layers.index(layer)]
        values = one.mean(axis=0) if head not in heads else one[heads.index(head)]
        show_map = band_map if to == "band" else moment_map
        figure, alt = show_map(values, found.axes["from"], found.axes[to])
        take_away.chart(figure, alt, f"attention-{key}-{layer}-{head}")
        return figure, alt

    explained.show(run, question, ask(run, question), draw)


def show_wipe(run: Run, question: Question) -> None:
    """A rectangle of the spectrogram wiped out, and the stem heard before and after."""
    target, _, box = choose(run, question)
    wiping.show(run, target, box)


ROOM = Room(
    start_sample,
    {
        "map": show_map,
        "parts": show_parts,
        "branches": show_branches,
        "reach": show_reach,
        "attention": show_attention,
        "wipe": show_wipe,
    },
)
