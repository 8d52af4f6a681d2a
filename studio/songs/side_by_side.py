"""Separations side by side: every stem of all of them on one clock, and a blind test of two."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import pandas as pd
import streamlit as st

from studio import services
from studio.library.library import Run, StoredArtifact
from studio.ui import charts, formatting
from studio.web import urls
from viz.components.stem_player.manifest import MAX_LANES, Lane, Segment, manifest

TRIALS = 10
SIGNIFICANCE = 0.05
"""A result that guessing reaches less often than this counts as hearing a difference."""

LETTERS = "ABCD"


def show(runs: Sequence[Run]) -> None:
    """The player with the stems of all runs, then the blind test."""
    from viz.components.stem_player import stem_player

    lengths = {(run.facts.get("frames"), run.facts.get("samplerate")) for run in runs}
    if len(lengths) > 1:
        st.warning("These songs are not equally long, so they cannot play on one clock: compare results of one song.",
                   icon=":material/info:")  # fmt: skip
        return
    st.caption("S plays one lane alone: go from A to B at the same moment. All lanes run on one clock.")
    stem_player(_player(runs), key=f"together-{'-'.join(run.id[:8] for run in runs)}")
    if len(runs) == 2:
        st.subheader("Can you hear the difference?")
        _blind(runs)


def _segments(run: Run) -> dict[str, list[tuple[StoredArtifact, StoredArtifact]]]:
    """Sound and tile of each segment, by lane."""
    kept = services.library().artifacts(run.id)
    tiles = {(item.name, item.index): item for item in kept if item.kind == "tile"}
    lanes: dict[str, list[tuple[StoredArtifact, StoredArtifact]]] = {}
    for item in kept:
        if item.kind == "segment" and (item.name, item.index) in tiles:
            lanes.setdefault(item.name, []).append((item, tiles[item.name, item.index]))
    return lanes


def _player(runs: Sequence[Run]) -> dict[str, Any]:
    """The stems one below the other, A above B; one original for all."""
    found = [_segments(run) for run in runs]
    names = [name for name in dict.fromkeys(name for lanes in found for name in lanes) if name != "mix"]
    lanes = [
        _lane(f"{LETTERS[place]} {name}", runs[place], found[place][name])
        for name in names
        for place in range(len(runs))
        if name in found[place]
    ]
    if "mix" in found[0]:
        lanes = [*lanes[: MAX_LANES - 1], _lane("mix", runs[0], found[0]["mix"], "mix")]
    first = runs[0].facts
    return manifest(
        "-".join(run.id for run in runs),
        runs[0].title,
        lanes[:MAX_LANES],
        samplerate=first.get("samplerate", 44100),
        frames=first.get("frames"),
    )


def _lane(name: str, run: Run, parts: Sequence[tuple[StoredArtifact, StoredArtifact]], kind: str = "stem") -> Lane:
    from viz.separation.palette import stem_colour

    segments = [Segment(urls.file_url(run.id, sound), urls.file_url(run.id, tile)) for sound, tile in parts]
    return Lane(name, segments, colour=stem_colour(name.split(" ", 1)[-1]), kind=kind)


def _blind(runs: Sequence[Run]) -> None:
    """The choice of what to listen to, the test, and what its result means."""
    from viz.components.blind_test import blind_test

    found = [_segments(run) for run in runs]
    shared = [name for name in found[0] if name in found[1] and name != "mix"]
    if not shared:
        st.caption("The two have no stem in common to listen to.")
        return
    left, right = st.columns(2)
    stem = left.selectbox("Stem", shared, key="blind-stem")
    seconds = _seconds(runs[0])
    count = min(len(found[0][stem]), len(found[1][stem]))
    place = right.selectbox(
        "Seconds", range(count), format_func=lambda index: f"{index * seconds:.0f} to {(index + 1) * seconds:.0f} s",
        key="blind-place",
    )  # fmt: skip
    name = f"{runs[0].id[:12]}-{runs[1].id[:12]}-{stem}-{place}-{st.session_state.get('blind-again', 0)}"
    sides = [urls.file_url(run.id, lanes[stem][place][0]) for run, lanes in zip(runs, found, strict=True)]
    data = {"run": name, "a": sides[0], "b": sides[1], "trials": TRIALS}
    score = blind_test({**data, "samplerate": runs[0].facts.get("samplerate", 44100)}, key=f"blind-{name}")
    if score is not None:
        said = verdict(*score)
        st.info(said, icon=":material/hearing:")
        charts.pin_table(_scored(runs, stem, score), f"A blind test of the {stem}: {said}", f"blind-{name}")
        st.caption(" · ".join(f"{LETTERS[k]} is {formatting.escape(model(run))}" for k, run in enumerate(runs)))
        if st.button("Once more", icon=":material/replay:"):
            st.session_state["blind-again"] = st.session_state.get("blind-again", 0) + 1
            st.rerun()


def _scored(runs: Sequence[Run], stem: str, score: tuple[int, int]) -> pd.DataFrame:
    """The result of a blind test as it can be pinned."""
    right, trials = score
    named = {LETTERS[place]: model(run) for place, run in enumerate(runs)}
    odds = f"{100 * chance(right, trials):.2g} %"
    return pd.DataFrame([{**named, "stem": stem, "right": right, "of": trials, "by guessing, at least": odds}])


def _seconds(run: Run) -> float:
    """How long a segment is; the player's manifest has the same number of frames."""
    return (1 << 18) / run.facts.get("samplerate", 44100)


def model(run: Run) -> str:
    """What made a run, in words."""
    return str(run.card.get("title") or run.weights)


def chance(right: int, trials: int) -> float:
    """How probable at least `right` of `trials` are by guessing: the tail of the binomial with p = 1/2."""
    return sum(comb(trials, k) for k in range(right, trials + 1)) / 2**trials


def verdict(right: int, trials: int) -> str:
    """What a score says, with its odds."""
    odds = chance(right, trials)
    often = f"{100 * odds:.2g} %"
    said = f"{right} of {trials} right. Somebody who only guesses gets that many or more in {often} of such tests"
    if odds < SIGNIFICANCE:
        return f"{said}: you very likely hear a difference."
    return f"{said}: this does not show that you hear a difference."
