"""The questions that the proteins page asks before a job, and their answers as `FormValues`."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backends.core.errors import UserError
from backends.core.info import CardInfo, DeviceInfo
from backends.core.options import OptionInfo
from backends.folding.options import EXTRA_MEANINGS
from studio import launch, services
from studio.proteins import estimates, model_choice, probe, samples
from studio.proteins import source as protein_source
from studio.proteins.form_values import FormValues
from studio.proteins.probe import Probe
from studio.proteins.source import Source
from studio.ui import formatting

PASTE, FILE, SAMPLE = "Paste", "Choose a file", "Well-known proteins"
EXTRA_LABELS = {"attention": "Keep attention", "mutations": "Scan all mutations", "distogram": "Keep the distogram"}
CHUNK_LABELS = {"auto": "automatic", "off": "all at once"}
PASTE_HINT = ">my protein\nMKTAYIAKQR…"


def choose_source() -> Source | None:
    """Ask for the protein: pasted, a file, or a sample."""
    ways = [PASTE, FILE, SAMPLE]
    way = st.segmented_control(
        "Your protein", ways, default=PASTE, required=True, persist_state="session", key="protein-way"
    )
    if way == FILE:
        return _file()
    if way == SAMPLE:
        return _sample()
    text = st.text_area(
        "A sequence, FASTA, or an alignment (A3M, Stockholm)",
        height=140,
        max_chars=probe.MAX_PASTE_LETTERS,
        placeholder=PASTE_HINT,
        key="protein-text",
        persist_state="session",
        help="One-letter codes of amino acids. Several FASTA records are several chains; a colon parts chains too.",
    )
    return protein_source.from_text(text) if text and text.strip() else None


def _file() -> Source | None:
    upload = st.file_uploader(
        "FASTA, alignment (A3M, Stockholm) or structure (PDB, mmCIF)",
        type=list(probe.TYPES),
        max_upload_size=probe.MAX_UPLOAD_MB,
        key="protein-file",
    )
    if upload is None:
        return None
    source = protein_source.from_upload(upload)
    if source.probe.kind == "structure":
        _ask_pae(source)
    return source


def _ask_pae(source: Source) -> None:
    pae = st.file_uploader(
        "Its confidence file, if there is one (PAE, JSON)",
        type=["json"],
        max_upload_size=probe.MAX_UPLOAD_MB,
        key=f"pae-{source.key}",
        help="As AlphaFold DB, ColabFold, AlphaFold 3 and ESMFold write it. pLDDT is read from the structure file.",
    )
    if pae is None:
        source.pae = None
        return
    problem = protein_source.add_confidence_file(pae, source)
    if problem:
        st.error(f"The confidence file cannot be used: {problem}", icon=":material/error:")


def _sample() -> Source:
    by_name = {sample.name: sample for sample in samples.samples()}
    name = st.pills("Choose one", list(by_name), default=next(iter(by_name)), required=True, key="protein-sample")
    sample = by_name[name or next(iter(by_name))]
    st.caption(sample.sentence)
    return protein_source.from_text(sample.text, sample.file)


def show_probe(found: Probe, name: str) -> None:
    """What was read, what was tidied up, and what to know about this protein."""
    if found.problem:
        st.error(found.problem, icon=":material/error:")
        return
    if found.query is None:
        return
    st.caption(f":material/check_circle: {formatting.plain(f'{name}: {found.text}')}")
    if found.query.alignment is not None:
        st.caption(f":material/layers: {probe.alignment_depth(found)}")
        with st.expander("Depth along the chain"):
            counts = {"sequences": found.query.alignment.depth, "residue": range(1, found.length + 1)}
            st.line_chart(counts, x="residue", y="sequences", height=180)
    for notice in found.query.notices:
        st.caption(f":material/cleaning_services: {formatting.plain(notice)}")
    for chain, warning in found.warnings:
        icon = ":material/warning:" if warning.level == "warning" else ":material/info:"
        lead = f"Chain {chain}: " if chain else ""
        st.caption(f"{icon} {formatting.plain(lead + warning.sentence)}")


def options(source: Source, card: CardInfo, before: FormValues) -> FormValues:
    """The options that this model has, each with what it means."""
    known, query = model_choice.options(card), source.probe.query
    chain = before.chain
    if query is not None and len(query.chains) > 1 and not model_choice.capabilities(card).complexes:
        names = [one.name for one in query.chains]
        lengths = {one.name: len(one.sequence) for one in query.chains}
        chain = st.selectbox(
            "Chain",
            names,
            names.index(before.chain) if before.chain in names else 0,
            format_func=lambda each: f"{each} ({formatting.count(lengths[each], 'residue')})",
            help="Which of the chains to work on.",
            key=f"chain-{source.key}",
        )
    elif query is None or len(query.chains) < 2:
        chain = ""
    if not {"recycles", "seed", "extras"} & known.keys():
        return FormValues(chain=chain)
    with st.expander("Options"):
        return _options(card, before, chain)


def _options(card: CardInfo, before: FormValues, chain: str) -> FormValues:
    known, key = model_choice.options(card), card.id
    recycles, chunk, models, seed = before.recycles, before.chunk, before.models, before.seed
    if info := known.get("recycles"):
        first = estimates.recycles(card, recycles)
        recycles = st.slider(info.title, *_range(info), first, help=info.meaning, key=f"recycles-{key}")
    if info := known.get("models"):
        models = st.slider(info.title, *_range(info), models, help=info.meaning, key=f"models-{key}")
    if info := known.get("chunk"):
        sizes = [*info.choices, "128", "64", "32", "16"]
        chunk = st.selectbox(
            info.title,
            sizes,
            sizes.index(chunk) if chunk in sizes else 0,
            format_func=lambda each: CHUNK_LABELS.get(each, f"{each} rows"),
            help=info.meaning,
            key=f"chunk-{key}",
        )
    extras = _extras(card, before.extras)
    if info := known.get("seed"):
        seed = int(st.number_input(info.title, *_range(info), seed, help=info.meaning, key=f"seed-{key}"))
    return FormValues(recycles, chunk, extras, chain, models, seed)


def _range(info: OptionInfo) -> tuple[int, int]:
    """From where to where a slider goes; an option without a bound ends at a round number."""
    return int(info.least or 0), 100 if info.most is None else int(info.most)


def _extras(card: CardInfo, before: tuple[str, ...]) -> tuple[str, ...]:
    """A box to tick for each array that this model can keep; the contacts always come."""
    extras = list(before)
    for name in model_choice.capabilities(card).extras:
        if name == "contacts":
            continue
        label, meaning = EXTRA_LABELS.get(name, f"Keep {name}"), EXTRA_MEANINGS.get(name)
        ticked = st.checkbox(label, name in before, help=meaning, key=f"{name}-{card.id}")
        extras = [*(one for one in extras if one != name), *([name] if ticked else [])]
    return tuple(extras)


def length_of(source: Source, chosen: FormValues, card: CardInfo) -> int:
    """The residues that will be worked on."""
    query = source.probe.query
    if query is None:
        return 0
    if chosen.chain and not model_choice.capabilities(card).complexes:
        return next((len(one.sequence) for one in query.chains if one.name == chosen.chain), query.length)
    return query.length


def button(source: Source | None, card: CardInfo, chosen: FormValues, device: DeviceInfo) -> None:
    """The way to the job, with what it will take; where it cannot be, the reason."""
    opens = model_choice.capabilities(card).takes == "structure"
    label = "Open the structure" if opens else "Fold it"
    if source is None or source.probe.query is None:
        st.button(label, type="primary", disabled=True, help="Bring a protein first.", icon=":material/deployed_code:")
        return
    length = length_of(source, chosen, card)
    problem = model_choice.mismatch(card, source.probe) or estimates.too_long(card, length, device)
    if problem:
        st.error(problem, icon=":material/error:")
    if st.button(label, type="primary", disabled=bool(problem), help=problem or None, icon=":material/deployed_code:"):
        _start(source, card, chosen, opens)
    place = services.backend().place
    cost = estimates.estimate(card, length, device, chosen.recycles)
    st.caption(f"{formatting.count(length, 'residue')} · {cost} · worked on by {place}")


def _start(source: Source, card: CardInfo, chosen: FormValues, opens: bool) -> None:
    try:
        extra = {"pae": source.pae} if opens and source.pae else {}
        launch.start("folding", source.name, source.path, card.id, chosen.to_options(card), extra=extra)
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")


def explain_absence(cards: Sequence[CardInfo], found: Probe) -> None:
    """Where no full model here can predict what was brought: what can be done now, and what more takes."""
    here = {card.tier for card in cards if card.here and model_choice.capabilities(card).takes == "sequence"}
    if found.kind not in ("", "sequence") or here - {"starter"}:
        return
    st.info(
        "From a sequence alone the folding starter, which comes with Fourfold, tells helices, strands and turns, not "
        "how they pack. To predict a whole fold, add the weights of one of the other models once; ESMFold is the "
        "simplest. Or open a structure file (PDB or mmCIF), or fold from an alignment with Coevolution.",
        icon=":material/lightbulb:",
    )
