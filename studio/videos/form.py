"""The form of the videos page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.info import CardInfo
from backends.matting.video.exports import EXPORTS
from studio import launch, services
from studio.library.library import Run
from studio.ui import batch, file_chooser, formatting
from studio.videos import estimates, export_names, form_values, probe, timecode
from studio.videos import source as video_source
from studio.videos.form_values import MEANINGS, FormValues
from studio.videos.source import VideoSource

COLOUR, BLUR, OWN = "A colour", "The old one, blurred", "A picture or video of yours"


def draw(source: VideoSource, before: FormValues) -> tuple[FormValues, str]:
    """Draw the form, filled in as `before`; returns its values, and one sentence where something is missing."""
    part = _part(source, before) if source.probe.seconds and not source.others else before
    length = estimates.seconds_of(source) if source.others else _length(source, part)
    kinds = exports(source, before.exports, length, source.key)
    chosen = replace(part, exports=kinds or before.exports)
    problem = "" if kinds else "Choose at least one thing to make."
    if chosen.composite:
        chosen, background_problem = background(source.key, source.run, chosen)
        problem = problem or background_problem
    if before.hints and not st.checkbox(
        f"With the {formatting.count(len(before.hints), 'correction')} of before",
        True,
        key=f"hints-{source.key}",
        help="What was pointed out in the workbench; it is carried through its scenes anew.",
    ):
        chosen = replace(chosen, hints=(), person=0)
    if source.probe.picture:
        return _edge(source.key, chosen), problem
    left, right = st.columns([1, 3], gap="large")
    with left:
        temporal = st.toggle("Smooth flicker", before.temporal, key=f"calm-{source.key}", help=MEANINGS["temporal"])
        chosen = replace(chosen, temporal=temporal)
    with right:
        return _edge(source.key, chosen), problem


def _length(source: VideoSource, chosen: FormValues) -> float:
    return (chosen.end or source.probe.seconds) - chosen.start


def _part(source: VideoSource, before: FormValues) -> FormValues:
    """The range to work on, with the frames at its ends."""
    whole, last = source.probe.seconds, timecode.as_clock(source.probe.seconds)
    if whole < 0.5:
        return before
    shown = st.slider(
        "Part to work on",
        timecode.as_clock(0),
        last,
        (timecode.as_clock(before.start), timecode.as_clock(min(before.end or whole, whole))),
        step=timecode.TENTH,
        format="mm:ss.S" if whole < 3600 else "H:mm:ss.S",
        key=f"part-{source.key}",
        help="Minutes, seconds and tenths from the beginning of the video.",
    )
    start, end = timecode.from_clock(shown[0]), timecode.from_clock(shown[1])
    all_of_it = start == 0 and shown[1] == last
    end = max(end, start + 0.1)
    frames = st.columns(4)
    step = float(1 / source.probe.info.rate) if source.probe.info else 0.04
    for column, moment, what in zip(frames, (start, max(start, end - 1.5 * step)), ("First", "Last"), strict=False):
        picture = source.still(moment)
        if picture:
            column.image(picture, caption=f"{what} frame, {timecode.clock(moment)}")
    with frames[2]:
        st.caption(f"{formatting.duration(end - start)} of {formatting.duration(whole)}")
    return replace(before, start=start, end=0.0 if all_of_it else end)


def exports(
    source: VideoSource, before: Sequence[str], seconds: float, key: str, there: Collection[str] = ()
) -> tuple[str, ...]:
    """One checkbox for each export, with what opens it, its caveat and how large it will be.

    Args:
        source: what is cut out.
        before: the kinds that are ticked at first.
        seconds: the length of the part.
        key: tells this form from others.
        there: the kinds that exist already, and are not offered.

    Returns:
        The kinds that were chosen.
    """
    st.markdown("**What to make**")
    if source.probe.picture:
        st.caption("A cut-out and a matte as PNG are always made.")
        title, opens_in = export_names.composite_named(picture=True)
        composite = st.checkbox(title, "composite" in before, key=f"export-composite-{key}", help=opens_in)
        return ("png", "composite") if composite else ("png",)
    chosen = []
    columns = st.columns(2)
    offered = [(kind, export) for kind, export in EXPORTS.items() if kind not in there]
    for index, (kind, export) in enumerate(offered):
        with columns[index % 2]:
            if st.checkbox(export.title, kind in before, key=f"export-{kind}-{key}", help=export.caveat):
                chosen.append(kind)
            info = source.probe.info
            size = f" Will weigh {estimates.size_text([kind], info, seconds)}." if info and seconds else ""
            st.caption(f"{export.opens_in}{size}")
    return tuple(chosen)


def background(key: str, run: Run | None, chosen: FormValues) -> tuple[FormValues, str]:
    """The choice of a background: a colour, the blurred scene or a file; and a sentence where the file is unusable."""
    previous = _background_of(run)
    default = 2 if previous else 1 if chosen.background == "blur" else 0
    way = st.radio("New background", [COLOUR, BLUR, OWN], default, horizontal=True, key=f"behind-{key}")
    if way == COLOUR:
        from backends.matting.finishing.background import COLOURS

        first = COLOURS.get(chosen.background, chosen.background)
        first = first if first.startswith("#") else form_values.GREEN
        return replace(chosen, background=st.color_picker("Colour", first, key=f"colour-{key}")), ""
    if way == BLUR:
        return replace(chosen, background="blur"), ""
    upload = file_chooser.choose_file("Background", f"behind-file-{key}", most_mb=probe.BACKGROUND_MB)
    if upload is None:
        if previous is None:
            return chosen, "Choose the picture or video that is to lie behind."
        st.caption("The background of before is used unless you choose another one.")
        return _with_file(chosen, previous), ""
    uploaded = video_source.of_upload(upload, "background")
    if uploaded.probe.problem:
        st.error(f"The background cannot be used: {uploaded.probe.problem}", icon=":material/error:")
    else:
        st.caption(f":material/check_circle: {formatting.escape(f'{uploaded.name}: {uploaded.probe.text}')}")
    return _with_file(chosen, uploaded.path), uploaded.probe.problem


def _with_file(chosen: FormValues, path: Path) -> FormValues:
    return replace(chosen, background=form_values.OWN, files={**chosen.files, "background": path})


def _background_of(run: Run | None) -> Any:
    """The background file of an earlier run, None where it had none."""
    if run is None:
        return None
    library = services.library()
    stored = [item for item in library.artifacts(run.id, "input") if item.name == "background"]
    return library.local(run.id, stored[0]) if stored else None


def _edge(key: str, before: FormValues) -> FormValues:
    with st.expander("Edge", expanded=bool(before.edge or before.softness or before.despill != 1)):
        st.caption("The best setting is found on the finished result, where its effect shows at once.")
        columns = st.columns(3)
        spans = {"edge": (-20.0, 20.0, 0.5), "softness": (0.0, 20.0, 0.5), "despill": (0.0, 1.0, 0.05)}
        labels = {
            "edge": "Shrink or grow (pixels)",
            "softness": "Softness (pixels)",
            "despill": "Remove spilled colour",
        }
        values = {
            name: column.slider(
                labels[name], low, high, float(getattr(before, name)), step, key=f"{name}-{key}", help=MEANINGS[name]
            )
            for column, (name, (low, high, step)) in zip(columns, spans.items(), strict=True)
        }
    return replace(before, edge=values["edge"], softness=values["softness"], despill=values["despill"])


def buttons(source: VideoSource, card: CardInfo, chosen: FormValues, problem: str) -> None:
    """The buttons that start a trial or the whole, each with its cost.

    Args:
        source: to work on.
        card: the chosen model.
        chosen: the values of the form.
        problem: one sentence that disables the buttons, or "".
    """
    info, length = source.probe.info, _length(source, chosen)
    reusable = reusable_matte(source.run, card.id, chosen)
    worth = length > form_values.WORTH_TRYING and not source.probe.picture and not reusable
    moment = _moment(source, chosen, length) if worth else 0.0
    whole = "Make it" if source.probe.picture or not source.probe.seconds else "Make the whole part"
    cost = _cost(source, card, chosen, length)
    if reusable:
        chosen = replace(chosen, files={**chosen.files, "matte": reusable})
        cost = "Goes without the model: the mattes of before are used."
    tried = bool(source.run and source.run.facts.get("asked", {}).get("trial"))
    left, right = st.columns(2)
    if worth and info is not None:
        part = form_values.trial(chosen.start, chosen.end or source.probe.seconds, moment)
        first = replace(chosen, start=part[0], end=part[1])
        with left:
            if st.button(
                "Try 3 seconds first",
                type="secondary" if tried else "primary",
                disabled=bool(problem),
                help=problem,
                icon=":material/experiment:",
            ):
                asked = {"trial": {"start": chosen.start, "end": chosen.end}}
                _start(source, card, first, asked)
            st.caption(_cost(source, card, first, part[1] - part[0]))
    with right if worth else left:
        if st.button(
            whole,
            type="secondary" if worth and not tried else "primary",
            disabled=bool(problem),
            help=problem,
            icon=":material/content_cut:",
        ):
            _start(source, card, chosen, None)
        st.caption(cost)


def button_for_several(source: VideoSource, card: CardInfo, chosen: FormValues, problem: str, label: str) -> None:
    """The button that starts a job for each of several files; pictures get what a picture can be made into."""
    if st.button(label, type="primary", disabled=bool(problem), help=problem or None, icon=":material/content_cut:"):
        still = replace(chosen, exports=("png", *(kind for kind in chosen.exports if kind == "composite")))
        runs = [
            services.jobs().submit(
                "matting",
                each.name,
                each.path,
                card.id,
                (still if each.probe.picture else chosen).to_options(),
                extra=chosen.files,
            )
            for each in source.all
        ]
        batch.go_to("matting", runs)
    st.caption(_cost(source, card, chosen, estimates.seconds_of(source)))


def _moment(source: VideoSource, chosen: FormValues, length: float) -> float:
    """The moment that the trial is around: the middle of the part, unless moved."""
    end = chosen.start + length
    least, most = timecode.as_clock(chosen.start), timecode.as_clock(end)
    shown = st.slider(
        "Moment to try",
        least,
        most,
        timecode.as_clock(chosen.start + length / 2),
        step=timecode.TENTH,
        format="mm:ss.S" if end < 3600 else "H:mm:ss.S",
        key=f"moment-{source.key}-{chosen.start:g}-{end:g}",
        help="Choose a moment that is hard: waving arms, loose hair, a busy background.",
    )
    return timecode.from_clock(shown)


def _cost(source: VideoSource, card: CardInfo, chosen: FormValues, seconds: float) -> str:
    info = source.probe.info
    if info is None or not seconds or source.probe.picture:
        return ""
    takes = estimates.estimate(card, info, seconds) or "time not measured yet on this machine"
    return f"{formatting.duration(seconds)} of video · {takes} · {estimates.size_text(chosen.exports, info, seconds)}"


def reusable_matte(run: Run | None, card: str, chosen: FormValues) -> Any:
    """The raw mattes of an earlier run, where this model would find the same for this part again; else None."""
    if run is None or run.weights != card or run.status != "done":
        return None
    before = FormValues.from_options(run.options)
    if (before.start, before.end) != (round(chosen.start, 3), round(chosen.end, 3)):
        return None
    return raw_mattes(run, before)


def raw_mattes(run: Run, made: FormValues) -> Any:
    """The mattes of a run as the model found them, before any correction; None where it did not keep them.

    A corrected run got them from an earlier one, or else has them beside its corrected mattes.
    """
    library = services.library()
    kinds = (("input", "matte"), ("base", "base")) if made.hints else (("matte", "matte"),)
    stored = [item for kind, name in kinds for item in library.artifacts(run.id, kind) if item.name == name]
    return library.local(run.id, stored[0]) if stored else None


def _start(source: VideoSource, card: CardInfo, chosen: FormValues, asked: dict[str, Any] | None) -> None:
    launch.start("matting", source.name, source.path, card.id, chosen.to_options(), extra=chosen.files, asked=asked)
