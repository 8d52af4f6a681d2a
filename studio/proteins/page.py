"""The proteins page: the ways to bring a protein, and what is known of it before it is folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backends.core.info import CardInfo, DeviceInfo, TaskInfo
from studio import services
from studio.proteins import estimates, fetching, form, model_choice, probe, samples, source, view
from studio.proteins.probe import Probe
from studio.proteins.source import Protein
from studio.ui import file_chooser, formatting, task_page
from studio.ui.task_page import Request, TaskPage

PASTE, FILE, FETCH, SAMPLE = "Paste", "Choose a file", "Fetch by id", "Well-known proteins"
PASTE_HINT = ">my protein\nMKTAYIAKQR…"


def bring() -> Protein | None:
    """The protein: pasted, a file, or a sample."""
    ways: dict[str, Callable[[], Protein | None]] = {PASTE: _paste, FILE: _file, FETCH: fetching.ask, SAMPLE: _sample}
    way = st.segmented_control(
        "Your protein", list(ways), default=PASTE, required=True, persist_state="session", key="protein-way"
    )
    protein = ways[way or PASTE]()
    if protein is not None and not protein.others:
        protein = _chains_or_proteins(protein)
    if way != FETCH or protein is not None:  # what fetching sends, and where to, is said beside its button
        _tell_privacy()
    return protein


def _chains_or_proteins(protein: Protein) -> Protein:
    """Several sequences are chains of one complex, or proteins of their own that are folded one after the other."""
    query = protein.probe.query
    if query is None or query.kind != "sequence" or len(query.chains) < 2:
        return protein
    ways = ["Chains of one complex", "Proteins of their own"]
    about = f"{len(query.chains)} sequences are"
    if st.radio(about, ways, horizontal=True, key=f"apart-{protein.key}") == ways[0]:
        return protein
    return source.apart(protein)


def _paste() -> Protein | None:
    text = st.text_area(
        "A sequence, FASTA, or an alignment (A3M, Stockholm)",
        height=140,
        max_chars=probe.MAX_PASTE_LETTERS,
        placeholder=PASTE_HINT,
        key="protein-text",
        persist_state="session",
        help="One-letter amino-acid codes. Each FASTA record is a chain; a colon also separates chains.",
    )
    return source.of_text(text) if text and text.strip() else None


def _file() -> Protein | None:
    # Of any ending: what a file holds decides, and what it cannot be used for is said in a sentence of our own.
    uploads = file_chooser.choose_files(
        "FASTA, alignment (A3M, Stockholm) or structure (PDB, mmCIF); one file or several",
        "protein-file",
        most_mb=probe.MAX_UPLOAD_MB,
        instead="Bring one structure or one alignment only, packed with gzip if it is long.",
    )
    if not uploads:
        return None
    proteins = [source.of_upload(upload, place) for place, upload in enumerate(uploads[: task_page.MOST_FILES + 1])]
    first, others = proteins[0], proteins[1:]
    first.others = others
    if first.probe.kind == "structure" and not others:
        _ask_for_confidence(first)
    return first


def _ask_for_confidence(protein: Protein) -> None:
    pae = file_chooser.choose_file(
        "Its confidence file, if there is one (PAE: JSON or NPZ)",
        f"pae-{protein.key}",
        most_mb=probe.MAX_UPLOAD_MB,
        help="From AlphaFold DB, ColabFold, AlphaFold 3, Boltz, Chai, Protenix or ESMFold. pLDDT is read from the "
        "structure file.",
    )
    problem = source.add_confidence_file(pae, protein) if pae is not None else ""
    if problem:
        st.error(f"The confidence file cannot be used: {problem}", icon=":material/error:")


def _sample() -> Protein:
    kinds = list(dict.fromkeys(sample.kind for sample in samples.samples()))
    kind = st.segmented_control("What to try", kinds, default=kinds[0], required=True, key="protein-sample-kind")
    by_name = {sample.name: sample for sample in samples.samples() if sample.kind == (kind or kinds[0])}
    first = next(iter(by_name))
    name = st.pills("Choose one", list(by_name), default=first, required=True, key=f"protein-sample-{kind}")
    sample = by_name[name or first]
    st.markdown(sample.sentence)
    if sample.expert:
        st.caption(f":material/science: {sample.expert}")
    if sample.credit:
        st.caption(f":material/copyright: {sample.credit}")
    return source.of_text(sample.text, sample.file)


def _tell_privacy() -> None:
    st.caption(f":material/shield: {view.privacy()}")


def tell(protein: Protein) -> None:
    """What was read, what was tidied up, and what to know about this protein."""
    if protein.run is not None:
        _tell_privacy()
    if protein.others:
        task_page.tell_probe(protein)
        return
    found = protein.probe
    if found.problem:
        st.error(found.problem, icon=":material/error:")
    if found.query is None:
        return
    st.caption(f":material/check_circle: {formatting.escape(f'{protein.name}: {found.text}')}")
    if found.query.alignment is not None:
        st.caption(f":material/layers: {probe.alignment_depth(found)}")
        with st.expander("Depth along the chain"):
            counts = {"sequences": found.query.alignment.depth, "residue": range(1, found.length + 1)}
            st.line_chart(counts, x="residue", y="sequences", height=180)
    for notice in found.query.notices:
        st.caption(f":material/cleaning_services: {formatting.escape(notice)}")
    for chain, warning in found.warnings:
        icon = ":material/warning:" if warning.level == "warning" else ":material/info:"
        lead = f"Chain {chain}: " if chain else ""
        st.caption(f"{icon} {formatting.escape(lead + warning.sentence)}")


def _probe(protein: Protein | None) -> Probe:
    return protein.probe if protein is not None else Probe()


def _cards(task: TaskInfo, protein: Protein | None) -> tuple[Sequence[CardInfo], str]:
    """The models that take this protein, and the one to begin with."""
    probes = [each.probe for each in protein.all] if protein is not None else [Probe()]
    cards = [card for card in task.cards if not any(model_choice.mismatch(card, probe) for probe in probes)]
    return cards, model_choice.default_model(cards, _probe(protein).kind)


def _explain_absence(cards: Sequence[CardInfo], protein: Protein | None) -> None:
    """Where no full model here can predict what was brought: what can be done now, and what more takes."""
    here = {card.tier for card in cards if card.here and model_choice.capabilities(card).takes == "sequence"}
    if _probe(protein).kind not in ("", "sequence") or here - {"starter"}:
        return
    st.info(
        "From a sequence alone, the folding starter, which comes with Fourfold, predicts helices, strands and turns, "
        "but not how they pack together. To predict a whole fold, add the weights of another model once; ESMFold is "
        "the simplest. You can also open a structure file (PDB or mmCIF), or fold from an alignment with Coevolution.",
        icon=":material/lightbulb:",
    )


def _estimate(card: CardInfo, protein: Protein | None, device: DeviceInfo) -> str:
    return estimates.estimate(card, _probe(protein).length, device)


def _unfit(card: CardInfo, protein: Protein, device: DeviceInfo) -> str:
    return next(filter(None, (model_choice.mismatch(card, each.probe) for each in protein.all)), "")


def _buttons(protein: Protein | None, card: CardInfo, request: Request) -> None:
    """The way to the job, with what it will take; where it cannot be started, the reason."""
    query = _probe(protein).query
    opens = model_choice.capabilities(card).takes == "structure"
    label, icon = "Open the structure" if opens else "Fold it", ":material/deployed_code:"
    if protein is None or query is None:
        st.button(label, type="primary", disabled=True, help=NOTHING, icon=icon)
        return
    device = services.backend().info().device
    # Of several the longest decides.
    length = max([form.length_of(query, request.options), *(each.probe.length for each in protein.others)])
    label = task_page.label_of(PAGE, protein, label)
    too_long = estimates.too_long(card, length, device)
    if too_long and not request.problem:
        st.error(too_long, icon=":material/error:")
    problem = request.problem or too_long
    if st.button(label, type="primary", disabled=bool(problem), help=problem or None, icon=icon):
        task_page.submit(PAGE, protein, card, request)
    cost = estimates.estimate(card, length, device, request.options.get("recycles"))
    largest = "up to " if protein.others else ""
    st.caption(f"{largest}{formatting.count(length, 'residue')} · {cost} · worked on by {services.backend().place}")


NOTHING = "Bring a protein first."

PAGE = TaskPage(
    run_page=view.PAGE,
    title="Fold a protein",
    intro="Bring a sequence, an alignment or a structure and see it in 3D, with how sure the model is of every part "
    "and whether the chain could be a protein at all.",
    bring=bring,
    of_run=source.of_run,
    another="Bring another protein",
    nothing=NOTHING,
    submit_label="Fold it",
    submit_icon=":material/deployed_code:",
    estimate=_estimate,
    unfit=_unfit,
    tell=tell,
    cards=_cards,
    advise=_explain_absence,
    form=form.ask,
    buttons=_buttons,
    noun="protein",
    verb="Work on",
)
