"""What the page says about trust: the model's own confidence and the check of the geometry, side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import streamlit as st

from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.scores import ESTIMATED_CONFIDENCE, IPTM, PLDDT, PTM
from studio.library.library import Run
from studio.proteins import run_data
from studio.proteins.run_data import FoldData
from studio.proteins.samples import samples
from studio.ui import formatting

VERDICTS: Mapping[str, tuple[str, str]] = {
    "good": (":green-badge[:material/check: possible protein]", "The chain is built like real proteins."),
    "doubtful": (":orange-badge[:material/warning: look closer]", "Some of its geometry is unusual."),
    "broken": (":red-badge[:material/close: not a possible protein]", "No real protein is built like this."),
}
GATE = (
    "These checks compare the coordinates alone with what is known of real proteins. They ignore the model's "
    "confidence and may contradict it."
)
CONFIDENT = 70.0


def show_verdicts(run: Run, fold: FoldData) -> None:
    """Confidence and geometry in two boxes of one size, and in words where the second overrules the first."""
    if rule := sample_note(run):
        st.info(f"Built by rule, not predicted. {rule}", icon=":material/architecture:")
    if origin := _origin(fold.structure):
        st.caption(formatting.escape(origin))
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _confidence(fold, run_data.is_estimated(run))
    with right.container(border=True, height="stretch"):
        _geometry(fold)
    if contradicts_confidence(fold):
        st.error(
            "The geometry check overrules the confidence: the model says it is sure of this chain, but no such chain "
            "can exist. Do not rely on these coordinates.",
            icon=":material/gavel:",
        )


def _origin(structure: Structure) -> str:
    """What the file says of itself: its title, how it was measured, and what it holds beside the protein."""
    words = [structure.title, structure.experiment.capitalize().replace("nmr", "NMR")]
    if structure.resolution:
        words.append(f"{structure.resolution:.2f} Å resolution")
    about = " · ".join(word for word in words if word)
    return " ".join(part for part in (f"{about}." if about else "", structure.others.sentence()) if part)


def sample_note(run: Run) -> str:
    """How the structure was made where it is one of the samples that are built by rule; else ""."""
    brought = run.inputs[0]["sha256"] if run.inputs and run.card.get("engine", run.engine) == "structure" else ""
    rule_built = (sample for sample in samples() if sample.built)
    return next((one.sentence for one in rule_built if hashlib.sha256(one.text.encode()).hexdigest() == brought), "")


def contradicts_confidence(fold: FoldData) -> bool:
    """Whether a model that says it is sure made a chain that cannot be."""
    mean = fold.structure.mean_confidence
    sure = (mean is not None and mean >= CONFIDENT) or (fold.confidence.ptm or 0) >= 0.7
    return sure and fold.sanity["verdict"] == "broken"


def _confidence(fold: FoldData, estimated: bool) -> None:
    """`estimated`: by a method without training, which has no pLDDT in the word's own sense."""
    st.markdown("**How sure the model is**", help="The model's own estimate, which may be wrong.")
    mean, confidence = fold.structure.mean_confidence, fold.confidence
    numbers = [
        (metric, value)
        for metric, value in (
            (ESTIMATED_CONFIDENCE if estimated else PLDDT, mean), (PTM, confidence.ptm), (IPTM, confidence.iptm),
        )
        if value is not None
    ]  # fmt: skip
    if not numbers:
        measured = fold.structure.method == "experiment"
        st.caption(
            "This is an experiment, not a prediction: no model's confidence belongs to it."
            if measured
            else "This structure comes without any confidence scores."
        )
        return
    with st.container(horizontal=True):
        for metric, value in numbers:
            st.metric(metric.name, metric.format(value), help=metric.meaning, width="content")


def _geometry(fold: FoldData) -> None:
    st.markdown("**Could it be a protein?**", help=GATE)
    badge, short = VERDICTS[fold.sanity["verdict"]]
    st.markdown(badge, help=short)
    st.caption(formatting.escape(fold.sanity["sentence"]))
