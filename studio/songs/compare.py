"""A separation against true stems: those of the sample song are known, others can be given."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import streamlit as st

from backends.core.errors import BadInput, UserError
from evaluation.metrics.separation.bss_eval import METRICS
from studio import services
from studio.jobs.uploads import copy_upload
from studio.library.library import Library, Run
from studio.songs.results import mix_file, stem_files
from studio.songs.sample import song as sample_song
from studio.ui import charts, compare, file_chooser
from studio.web.upload_limit import MAX_UPLOAD_MB

REFERENCE_KIND = "reference"
SCORE_KINDS = {"totals": "score-totals", "along": "score-along"}

MEANINGS = {metric.name: metric.meaning for metric in METRICS}
"""What each measure against true stems means, by its name."""


def show(run: Run) -> None:
    """SI-SDR and museval's measures where true stems are known, and the way to give some."""
    library, estimates = services.library(), stem_files(run)
    truth = {name: path for name, path in true_stems(library, run).items() if name in estimates}
    scores = [
        compare.Score(
            SCORE_KINDS["totals"], partial(_score, truth, run, "totals"), _totals, "Comparing with the true stems…"
        ),
        compare.Score(
            SCORE_KINDS["along"],
            partial(_score, truth, run, "along"),
            _along,
            "Measuring second by second; this takes about as long as the song plays…",
        ),
    ]
    form = compare.TruthForm(
        title="Give the true stems to compare with",
        other="Use other true stems",
        about="If you have the original tracks of this song, give one or more here; lengths must match the song.",
        ask=partial(_ask, library, run, tuple(estimates)),
    )
    compare.show(run, scores, form, known=bool(truth))


def _ask(library: Library, run: Run, stems: tuple[str, ...]) -> compare.Truth:
    given = {
        name: file_chooser.choose_file(f"True {name}", f"truth-{run.id}-{name}", most_mb=MAX_UPLOAD_MB)
        for name in stems
    }
    uploads = {name: upload for name, upload in given.items() if upload is not None}
    save = partial(keep_references, library, run, uploads)
    return compare.Truth(save, "" if uploads else "Choose at least one file first.")


def _score(truth: Mapping[str, Path], run: Run, measure: str) -> dict[str, Any]:
    return score(truth, stem_files(run), mix_file(run), measure)


def _totals(scores: dict[str, Any]) -> None:
    st.caption("Wanted over unwanted sound in decibels: higher is better; at 0 dB both are equally loud.")
    for note in scores["notes"]:
        st.caption(f":material/info: {note}")
    columns = st.columns(len(scores["stems"]))
    for column, (name, score) in zip(columns, scores["stems"].items(), strict=True):
        gain = None if score["improvement"] is None else f"{score['improvement']:+.1f} dB over the mix"
        value = "silent" if score["si_sdr"] is None else f"{score['si_sdr']:.1f} dB"
        column.metric(f"SI-SDR {name}", value, gain, border=True, help=MEANINGS["SI-SDR"])


def _along(scores: dict[str, Any]) -> None:
    from viz.separation.scores import over_time

    measure = st.segmented_control("Along the song", ["SDR", "SIR", "SAR"], default="SDR", required=True) or "SDR"
    st.caption(MEANINGS[measure])
    for note in scores["notes"]:
        st.caption(f":material/info: {note}")
    figure, alt = over_time(scores, measure)
    charts.show(figure, alt=alt, key="scores")


def true_stems(library: Library, run: Run) -> dict[str, Path]:
    """Reference stems of a run: those the user uploaded, or the known ones where the input is the sample song."""
    uploaded = library.artifacts(run.id, REFERENCE_KIND)
    if uploaded:
        return {stored.name: library.local(run.id, stored) for stored in uploaded}
    sample = sample_song()
    if run.inputs and run.inputs[0]["sha256"] == sample.sha256:
        return sample.stems
    return {}


def keep_references(library: Library, run: Run, uploads: Mapping[str, IO[bytes]]) -> None:
    """Keep uploaded true stems with the run, in place of earlier ones. Raises BadInput where one cannot be read."""
    from backends.separation.io.audio import open_song

    with tempfile.TemporaryDirectory(prefix="fourfold-truth-") as folder:
        paths = {}
        for index, (name, upload) in enumerate(uploads.items()):
            paths[name] = Path(folder) / str(index)
            copy_upload(upload, paths[name])
            try:
                open_song(paths[name])
            except UserError as error:
                raise BadInput(f"The file given as true {name} cannot be used: {error.sentence}") from error
        library.drop(run.id, REFERENCE_KIND)
        for name, path in paths.items():
            library.keep(run.id, REFERENCE_KIND, name, path, move=True)


def score(truth: Mapping[str, Path], estimates: Mapping[str, Path], mix: Path, measure: str) -> dict[str, Any]:
    """Scores of the stems that have a truth: `measure` is "totals" or "along" of
    `evaluation.metrics.separation.scores`.
    """
    import soundfile

    from evaluation.metrics.separation import scores

    stems = scores.align_files(truth, estimates, mix, soundfile.info(str(mix)).samplerate)
    return scores.whole_song_scores(stems) if measure == "totals" else scores.scores_over_time(stems)
