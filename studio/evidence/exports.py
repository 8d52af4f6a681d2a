"""What can be taken away of a study: tables, rows, the report, words for a paper."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st

from evaluation.report import svg, tables, words
from evaluation.studies.results import StudyResults
from studio.ui import downloads, formatting


def show(results: StudyResults, name: str) -> None:
    """The methods paragraph and every file."""
    st.markdown("**Methods, for a paper**")
    st.code(words.methods(results), language=None, wrap_lines=True)
    files = (
        ("Report", "one file that opens without a network and prints well", _report(results), "html", "text/html"),
        ("Table", "for a paper (LaTeX, booktabs)", lambda: tables.latex(results), "tex", "text/plain"),
        ("Summary", "a row a measure and system", lambda: tables.summary_csv(results), "csv", "text/csv"),
        ("Every row", "for other programs (Parquet)", _parquet(results), "parquet", "application/octet-stream"),
        ("Figure of the scores", "sharp at any size, for a paper", lambda: figure(results), "svg", "image/svg+xml"),
        ("All findings", "for programs", lambda: tables.findings_json(results), "json", "application/json"),
    )
    downloads.show(
        downloads.Download(
            f"{label} ({ending.upper()})", about, make=make, file_name=f"{name}.{ending}", media_type=kind
        )
        for label, about, make, ending, kind in files
    )
    st.caption("The buttons below each figure save it as SVG or PNG, or pin it to a finding.")


def figure(results: StudyResults) -> str:
    """The medians of the first measure, as the report draws them."""
    measured = results.measured[0]
    scale = measured.scale
    known = [system for system in results.findings(measured).systems if system.n]
    rows = [(system.system, system.median * scale, system.low * scale, system.high * scale) for system in known]
    return svg.medians(rows, measured.axis).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def facts(results: StudyResults) -> None:
    """What was measured on what, with which weights, and what keeps the numbers from saying more."""
    about = results.about
    for sentence in words.limits(results):
        st.markdown(f"- {formatting.escape(sentence)}")
    data = about["dataset"]
    st.caption(formatting.escape(f"Data: {data['title']}, “{data['split']}”; licence: {data['licence']}."))
    for name, system in about["systems"].items():
        origin = system.get("trained_on") or "needs no weights"
        st.caption(formatting.escape(f"{name}: {system['title']}. {origin}"))


def _parquet(results: StudyResults) -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        results.rows.to_parquet(file, index=False)
        return file.getvalue()

    return make


def _report(results: StudyResults) -> Callable[[], str]:
    def make() -> str:
        from evaluation.report.html import render

        return render([results])

    return make
