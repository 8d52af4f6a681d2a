"""The knob of songs: a rectangle wiped out of the spectrogram, and the stem that the model makes of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from studio import services
from studio.inside import address, asking, hearing, take_away
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.hearing import Stretch
from studio.library.library import Run
from studio.ui import excerpts
from viz.inside.sound import Box, pitch, spectrogram_with_map
from viz.separation.spectrogram import describe, log_mel, spectrogram_panels

CONTEXT_SECONDS = 6.0
"""How much of the song the model is given: one segment of most networks, not the whole song."""

USUAL_PITCHES = (200.0, 3200.0)
LADDER = (20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000)
"""Pitches in Hz to choose the rectangle's edges from."""


def show(run: Run, target: str, stretch: Box) -> None:
    """Choose the rectangle, and hear the stem before and after.

    Args:
        run: the finished run.
        target: the stem that is heard.
        stretch: the stretch of time that is chosen, over all pitches.
    """
    sound = context(run, stretch)
    box = _choose_box(run, sound, stretch)
    title = f"The {target} without {pitch(box.low)} to {pitch(box.high)} from {box.start:g} to {box.end:g} s"
    before, after = (_inquiry(run, target, each, title) for each in (sound, hearing.wiped(sound, box)))
    found = asking.all_answered([before, after], "Wipe it and listen", "two short passes", ":material/ink_eraser:")
    if found:
        _compare(target, sound, box, [stem_of(answer, sound) for answer in found])


def context(run: Run, stretch: Box) -> Stretch:
    """The part of the song around a stretch that the model is given."""
    middle = (stretch.start + stretch.end) / 2
    half = max(CONTEXT_SECONDS, stretch.end - stretch.start) / 2
    return hearing.read_stretch(services.library().only(run.id, "mix"), max(0.0, middle - half), middle + half)


def _choose_box(run: Run, sound: Stretch, stretch: Box) -> Box:
    """The rectangle: drawn on the spectrogram, or set by the sliders."""
    there = address.numbers("box", 4)
    box = Box(*there) if there else Box(stretch.start, stretch.end, *USUAL_PITCHES)
    ladder = [step for step in LADDER if step < sound.rate / 2] + [int(sound.rate / 2)]
    ends = tuple(min(ladder, key=lambda step: abs(np.log(step / max(edge, 1)))) for edge in (box.low, box.high))
    chosen: Any = st.select_slider(
        "Pitch to wipe out (Hz)", ladder, ends, key=f"inside-pitch-{run.id}-{there}",
        help="Or draw a rectangle on the spectrogram below.",
    )  # fmt: skip
    low, high = chosen
    if (low, high) != ends:  # the sliders were moved since the rectangle was drawn
        box = replace(box, low=float(low), high=float(high))
    figure, alt = spectrogram_with_map(log_mel(sound.samples, sound.rate, 400), begin=sound.start, box=box)
    key = f"inside-wipe-{run.id}-{sound.start:g}"
    event = take_away.chart(figure, alt, key, on_select="rerun", selection_mode="box")
    drawn = drawn_box(event)
    if drawn is not None and drawn != st.session_state.get(f"{key}-seen"):
        st.session_state[f"{key}-seen"] = drawn
        address.write("box", ",".join(f"{edge:.4g}" for edge in drawn))
        st.rerun()
    return box


def drawn_box(event: Any) -> tuple[float, float, float, float] | None:
    """The last rectangle that was drawn: start, end, low, high."""
    boxes = (event or {}).get("selection", {}).get("box", [])
    if not boxes:
        return None
    x, y = (sorted(float(edge) for edge in boxes[-1][axis]) for axis in ("x", "y"))
    return (x[0], x[-1], y[0], y[-1]) if x[-1] > x[0] and y[-1] > y[0] else None


def _inquiry(run: Run, target: str, sound: Stretch, title: str) -> Inquiry:
    """The stem of a stretch of sound, made by the model of the run."""
    return Inquiry(
        run, title, "separation", run.weights, {}, {"song": Content(sound.exact(), ".wav")}, explains=False,
        wanted=lambda kind, name: kind == "stem" and name == target,
    )  # fmt: skip


def stem_of(answer: Answer, sound: Stretch) -> Stretch:
    """The stem in an answer, at its place in the song."""
    content = next(iter(answer.files.values()), b"")
    stem = hearing.read_stretch(content)
    return Stretch(stem.samples, stem.rate, sound.start)


def _compare(target: str, sound: Stretch, box: Box, stems: list[Stretch]) -> None:
    before, after = stems
    inside, outside = hearing.change_decibels(before, after, box)
    st.markdown(
        f"Inside the rectangle the {target} changed by **{inside:+.0f} dB**, everywhere else by **{outside:+.0f} dB**, "
        "measured against what was there.",
        help="0 dB: the change is as strong as the sound was. -20 dB: a tenth of it, hard to hear.",
    )
    scale = hearing.CEILING / max(float(np.abs(stem.samples).max(initial=1e-9)) for stem in stems)
    played = [
        Stretch(stem.samples * min(scale, 1.0), stem.rate, stem.start).named(name)
        for name, stem in zip(("Before", "After"), stems, strict=True)
    ]
    said = f"The {target} before and after {pitch(box.low)} to {pitch(box.high)} was wiped out."
    excerpts.sounds(played, said, f"wiped-{box}")
    pictures = {
        name: log_mel(stem.samples, stem.rate, 300) for name, stem in zip(("before", "after"), stems, strict=True)
    }
    alt = describe(pictures)
    take_away.chart(spectrogram_panels(pictures), alt, f"inside-after-{box}")
