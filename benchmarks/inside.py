"""What explanations cost and whether they are right: `python -m benchmarks.inside WHAT [--few]`.

`usual` times the method by which the page asks each model, and a knob, on inputs of usual size. `cost` times every
method, with deletion and insertion against random orders. `content` measures where relevance falls on made inputs whose
truth is known, beside a network with shuffled weights. `contacts --data FOLDER` compares attention, influence, the
categorical Jacobian and distance alone with the contacts of real chains.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from backends.attribution.coalitions import Coalitions
from backends.attribution.probe import ProbeRequest
from backends.attribution.question import Question
from backends.attribution.registry import METHODS, attribute
from backends.attribution.trust import curves, parts_of
from backends.attribution.types import Meter, Subject, Unsupported
from backends.core.task import task_named
from backends.serving.host import Host
from evaluation.localisation import (
    BODY,
    HEAD,
    WHOLE,
    Case,
    by_question,
    frame_case,
    picture_cases,
    pointing,
    share,
    song_case,
)
from evaluation.statistics import intervals
from evaluation.synthetic.clip import make_clip
from evaluation.synthetic.pictures import write_sample
from evaluation.synthetic.proteins import KNOWN
from evaluation.synthetic.song import make_song
from evaluation.synthetic.song import write_sample as write_song

HOST = Host(device="cpu")
MODELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("separation", "htdemucs-starter", {"target": "vocals", "region": "3-5"}),
    ("separation", "dsp", {"target": "vocals", "region": "3-5"}),
    ("matting", "modnet-starter", {"region": "0.45,0.4,0.1,0.1"}),
    ("matting", "classical", {"region": "0.45,0.4,0.1,0.1"}),
    ("folding", "esmfold-starter", {"target": "10,50"}),
    ("fewshot", "clip-starter", {}),
    ("fewshot", "prototypes", {}),
    ("fewshot", "flamingo-starter", {}),
)
RESIDUES = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("usual", "cost", "content", "contacts"))
    parser.add_argument("--few", action="store_true", help="small inputs, for a look in a minute")
    parser.add_argument("--only", default="", help="cards by their ids, separated by commas")
    parser.add_argument("--cases", type=int, default=4, help="songs, or moments of the clip, for content")
    parser.add_argument("--data", type=Path, help="folder of structure files, for contacts")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    lines = {"usual": usual, "cost": costs, "content": content, "contacts": contacts}[given.what](given)
    for line in lines:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def engine_of(card_id: str) -> Any:
    task, card = HOST.any_card(card_id)
    *_, engine = HOST.engine(task, card, HOST.paths(card))
    return engine


def usual(given: argparse.Namespace) -> Iterator[str]:
    """A row a model: what a visitor waits for, in seconds of the clock and, in brackets, of the processor."""
    yield "| model | method | evaluations | first map | whole map | knob |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for card_id, engine, subject in _subjects(given):
        method = task_named(engine.card.task).load_explainable().offers[engine.name].default
        meter, watch, looks = Meter(), Stopwatch(), list[str]()

        def look(_: Any, looks: list[str] = looks, watch: Stopwatch = watch) -> None:
            looks.append(str(watch))

        attribute(replace(subject, meter=meter, preview=look), [method])
        looks.append(str(watch))
        yield f"| {card_id} | {method} | {meter.count} | {looks[0]} | {looks[-1]} | {_knob_seconds(subject)} |"


class Stopwatch:
    """Seconds since it was made: of the clock and, in brackets, of the processor, which a busy machine changes less."""

    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        return f"{time.perf_counter() - self._clock:.1f} ({time.process_time() - self._processor:.1f})"


def _knob_seconds(subject: Subject) -> str:
    """What the input as it is takes, and the same with a part taken away: what a knob asks."""
    parts = subject.cells
    assert parts is not None
    keep = np.ones((2, *parts.shape))
    keep[1].flat[0] = 0
    watch = Stopwatch()
    for one in keep:
        parts.score(one[None])
    return str(watch)


def _subjects(given: argparse.Namespace) -> Iterator[tuple[str, Any, Subject]]:
    """Each model that was chosen with a question about an input of usual size."""
    with tempfile.TemporaryDirectory() as name:
        for task, card_id, usual_question in MODELS:
            if given.only and card_id not in given.only.split(","):
                continue
            inputs = _inputs(task, Path(name), given.few)
            engine = engine_of(card_id)
            asked = {**usual_question, "target": "3,12"} if given.few and task == "folding" else usual_question
            asked = {**asked, "region": "0.2-0.6"} if given.few and task == "separation" else asked
            question = Question.read({**asked, "detail": 3 if given.few else 8})
            yield card_id, engine, task_named(task).load_explainable().load()(engine, inputs, question)


def costs(given: argparse.Namespace) -> Iterator[str]:
    """A row a pair."""
    yield "| model | method | evaluations | CPU s | deletion: map, random (band) | insertion: map, random (band) |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for card_id, engine, subject in _subjects(given):
        offer = task_named(engine.card.task).load_explainable().offers[engine.name]
        for method in METHODS:
            if not offer.reason(method):
                yield _cost_row(subject, card_id, method)


def _cost_row(subject: Subject, card_id: str, method: str) -> str:
    meter, started = Meter(), time.process_time()
    try:
        found = attribute(replace(subject, meter=meter), [method])
    except Unsupported as reason:
        return f"| {card_id} | {method} | – | – | {reason} | |"
    seconds = time.process_time() - started  # on a busy machine too the same
    deletion, insertion = curves(Coalitions(subject, parts_of(subject, found)), found.values.shape, found.values)
    cells = [f"{one.area:.3g}, {one.random_areas.mean():.3g} ({one.random_areas.min():.3g} to "
             f"{one.random_areas.max():.3g})" for one in (deletion, insertion)]  # fmt: skip
    return f"| {card_id} | {method} | {meter.count} | {seconds:.1f} | {cells[0]} | {cells[1]} |"


def _inputs(task: str, folder: Path, few: bool) -> dict[str, Path]:
    """Inputs of usual size: a song, a frame of 512 pixels, 120 residues, a picture with its examples."""
    if task == "separation":
        return {"song": write_song(folder / "song", make_song(1.0 if few else 8.0), ".wav")["mix"]}
    if task == "matting":
        Image.fromarray(make_clip(0.1, *((128, 96) if few else (512, 288)))[0].rgb).save(folder / "frame.png")
        return {"media": folder / "frame.png"}
    if task == "folding":
        sequence = next(known for known in KNOWN if known.id == "lysozyme").chains[0]
        (folder / "chain.fasta").write_text(f">chain\n{sequence[: 20 if few else RESIDUES]}\n")
        return {"query": folder / "chain.fasta"}
    pictures = folder / "pictures"
    if not pictures.exists():
        write_sample(pictures, 2)
    query = sorted((pictures / "questions").iterdir())[0]
    return {"query": query, "support": pictures / "shots"}


def content(given: argparse.Namespace) -> Iterator[str]:
    """A row a figure of where relevance falls."""
    yield "| what | method | figure | shuffled weights |"
    yield "| --- | --- | --- | --- |"
    only = given.only.split(",") if given.only else ["htdemucs-starter", "dsp", "modnet-starter", "clip-starter"]
    for card_id in ("htdemucs-starter", "dsp"):
        if card_id in only:
            yield from _song_content(card_id, given)
    if "modnet-starter" in only:
        yield from _frame_content(given)
    if "clip-starter" in only:
        yield from _picture_content(given.few)


def _song_content(card_id: str, given: argparse.Namespace) -> Iterator[str]:
    """Two rows a stem. Of each passage every stem is asked about: the second row tells what the question changes."""
    seconds, detail, seeds = (1.0, 6, 1) if given.few else (3.0, 6, given.cases)
    engine, stems = engine_of(card_id), ("vocals", "bass", "drums")
    passages = [[song_case(engine, stem, seconds, detail, seed) for stem in stems] for seed in range(seeds)]
    known = passages[0][0].subject.control is not None
    found = [_shares(passage, seed) for seed, passage in enumerate(passages)]
    control = [_shares(passage, seed, control=True) for seed, passage in enumerate(passages)] if known else []
    for column, stem in enumerate(stems):
        areas = [float(passage[column].truth.mean()) for passage in passages]
        most = np.mean([1 / area for area in areas])
        yield _row(
            f"{card_id}: {stem} on its own cells, times their area, at most {most:.1f}",
            *([each[column, column] / area for each, area in zip(shares, areas, strict=False)]
              for shares in (found, control)),
        )  # fmt: skip
        asked = ([by_question(each)[column] for each in shares] for shares in (found, control))
        yield _row(f"the same, times what lies there on average of {len(stems)} questions", *asked)


def _row(what: str, found: list[float], control: list[float]) -> str:
    return f"| {what} | occlusion | {_mean(found)} | {_mean(control) if control else '–'} |"


def _shares(passage: list[Case], seed: int, control: bool = False) -> np.ndarray:
    """`(questions, stems)`: share of the relevance of each question on the cells of each stem."""
    maps = [case.relevance("occlusion", seed, control) for case in passage]
    return np.array([[share(values, case.truth) for case in passage] for values in maps])


def _frame_content(given: argparse.Namespace) -> Iterator[str]:
    engine = engine_of("modnet-starter")
    few, moments = given.few, [0.5 * number for number in range(1 if given.few else given.cases)]
    size = {"width": 128, "height": 96, "detail": 4} if few else {"width": 512, "height": 288}
    for place, rectangle in (("chest", BODY), ("top of the head", HEAD)):
        cases = [frame_case(engine, moment=moment, rectangle=rectangle, **size) for moment in moments]
        yield _enrichment(f"modnet-starter: a point of the {place} on the person, times its area", cases)
        both = ([case.beyond_nearness("occlusion", seed, control) for seed, case in enumerate(cases)]
                for control in (False, True))  # fmt: skip
        yield _row("the same, times what nearness to the point alone gives", *both)
    cases = [frame_case(engine, moment=moment, rectangle=WHOLE, **size) for moment in moments]
    yield _enrichment("modnet-starter: the whole matte on the person, times its area", cases)


def _picture_content(few: bool) -> Iterator[str]:
    engine = engine_of("clip-starter")
    with tempfile.TemporaryDirectory() as folder:
        cases = picture_cases(engine, Path(folder) / "sample", 12 if few else 60)
        for methods in (["occlusion"], ["attention", "gradcam"], ["gradient"]):
            found, control = pointing(cases, methods), pointing(cases, methods, control=True)
            low, high = wilson(found.hits, found.games)
            yield (
                f"| clip-starter: points at the right one of two things | {' or '.join(methods)} | "
                f"{100 * found.rate:.0f} % ({100 * low:.0f} to {100 * high:.0f}, n = {found.games}) | "
                f"{100 * control.rate:.0f} % |"
            )


def _enrichment(what: str, cases: list[Case]) -> str:
    """A row: the mean over cases with its 95 % interval, and that of networks without knowledge, another each time."""
    found = [case.enrichment("occlusion") for case in cases]
    control = [case.enrichment("occlusion", seed, control=True) for seed, case in enumerate(cases)]
    most = np.mean([1 / max(float(case.truth.mean()), 1e-9) for case in cases])
    return _row(f"{what}, at most {most:.1f}", found, control)


def _mean(values: list[float]) -> str:
    interval = intervals.mean(values)
    if len(values) < 2:
        return f"{interval.estimate:.2f}"
    return f"{interval.text(2)[:-1]}, n = {len(values)})"


def wilson(hits: int, games: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    from scipy.stats import binomtest

    interval = binomtest(hits, games).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def contacts(given: argparse.Namespace) -> Iterator[str]:
    """Precision of the L strongest pairs, at least six residues apart, against the contacts of real chains. The best
    head is the best of every other chain, so that it is chosen on others."""
    engine = engine_of("esmfold-starter")
    files = sorted(path for path in given.data.iterdir() if path.suffix in (".pdb", ".cif"))
    chains = [_chain_precisions(engine, path) for path in files[: 2 if given.few else 60]]
    yield "| chain | residues | influence | Jacobian | best head of the other chains | distance alone | chance |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for number, (name, length, influence, jacobian, heads, near, chance) in enumerate(chains):
        others = np.mean([chain[4] for index, chain in enumerate(chains) if index != number], axis=0)
        head = heads[np.unravel_index(int(others.argmax()), others.shape)]
        figures = " | ".join(f"{100 * value:.0f} %" for value in (influence, jacobian, head, near, chance))
        yield f"| {name} | {length} | {figures} |"


def _chain_precisions(engine: Any, path: Path) -> tuple[str, int, float, float, np.ndarray, float, float]:
    """Name, length, and the precision of the influence, of the Jacobian, of each head `(layers, H)`, of the distance
    alone, and by chance."""
    from backends.folding.engines import esm_trunk, language
    from backends.folding.explanation.probes import far_pairs, influence, jacobian, precisions
    from backends.folding.structure.geometry import contact_map
    from backends.folding.structure.reader import read_structure

    structure = read_structure(path)
    first = structure.chains == structure.chains[0]
    touching, sequence = (
        contact_map(structure)[np.ix_(first, first)],
        "".join(np.array(list(structure.sequence))[first]),
    )
    with tempfile.TemporaryDirectory() as name:
        query = Path(name) / "chain.fasta"
        query.write_text(f">chain\n{sequence}\n")
        request = ProbeRequest(engine, {"query": query}, Question(), Path(name), Meter())
        hidden, exchanged = (
            precisions(probe(request).attribution.values, touching)[0] for probe in (influence, jacobian)
        )
    aatype = esm_trunk.tokens(sequence, engine.device)
    with torch.inference_mode(), language.record_attention(engine.network.esm) as recorder:
        esm_trunk.embed(engine.network, aatype)
    assert recorder is not None
    heads = np.array([[precisions(head, touching)[0] for head in layer] for layer in recorder.maps()])
    places = np.arange(len(sequence))
    near = precisions(-np.abs(places[:, None] - places[None]).astype(np.float32), touching)[0]
    chance = float(touching[far_pairs(len(sequence))].mean())
    return path.stem, len(sequence), hidden, exchanged, heads, near, chance


if __name__ == "__main__":
    main()
