"""Pictures: what in one of them speaks for an answer, which examples decided, and what if a part were missing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import open_image_collection
from backends.shared import images
from studio import launch, services
from studio.inside import address, areas, asking, boards, explained, take_away, words
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.attribution import Map
from studio.inside.explained import Choice
from studio.inside.questions import Question
from studio.inside.room import Room
from studio.library.library import FileGone, Run
from studio.pictures import sorted_run
from studio.ui import excerpts, formatting
from studio.ui.excerpts import Picture
from viz.fewshot.figures import bars
from viz.inside.inner import grouped_bars
from viz.inside.picture import picture_with_map

SHOWN_SIDE = 640
MAX_PICTURES = 200
"""Pictures of one run to choose from."""

FURTHER = ("support", "classes")
"""The inputs that teach the classifier."""


def start_sample() -> str:
    """Sort the sample pictures with the best model at hand."""
    from evaluation.synthetic.pictures import SENTENCES
    from studio.pictures.task import SAMPLE

    folder = SAMPLE.make()
    query = io.BytesIO()
    with zipfile.ZipFile(query, "w") as bundle:
        for path in sorted((folder / "questions").iterdir(), key=lambda path: int(path.stem.split()[-1])):
            bundle.write(path, path.name)
    query.seek(0)
    classes = io.BytesIO("\n".join(f"{name}: {sentence}" for name, sentence in SENTENCES.items()).encode())
    extra: dict[str, Any] = {"support": folder / "shots.zip", "classes": classes}
    card = launch.best_card("fewshot")
    return services.jobs().submit("fewshot", "Sample pictures.zip", query, card, {}, extra=extra)


@st.cache_data(max_entries=16, show_spinner=False)
def _names(path: str) -> list[str]:
    with open_image_collection(Path(path)) as gallery:
        return [item.name for item in gallery.items[:MAX_PICTURES]]


@st.cache_data(max_entries=16, show_spinner=False)
def _bytes(path: str, name: str) -> bytes:
    with open_image_collection(Path(path)) as gallery:
        for item in gallery.items:
            if item.name == name:
                return item.read()
    raise BadInput("This picture is not in the run any more.")


@st.cache_data(max_entries=16, show_spinner=False)
def _pixels(data: bytes) -> np.ndarray:
    return images.read(data, SHOWN_SIDE).rgb


def chosen_picture(run: Run) -> tuple[str, bytes, np.ndarray]:
    """The name, file and pixels of the picture that is asked about."""
    path = str(services.library().only(run.id, "input", "input"))
    names = _names(path)
    if len(names) == 1:  # one picture, which the library keeps under a name of its own
        data = _bytes(path, names[0])
        st.image(_pixels(data), alt=f"The picture: {run.title}", width=160)
        return run.title, data, _pixels(data)
    name = address.choose("picture", "Picture", names)
    data = _bytes(path, name)
    st.image(_pixels(data), alt=f"The picture: {name}", width=160)
    return name, data, _pixels(data)


def first_picture(run: Run) -> tuple[str, bytes, np.ndarray]:
    """The name, file and pixels of the picture that the page proposes."""
    path = str(services.library().only(run.id, "input", "input"))
    name = _names(path)[0]
    data = _bytes(path, name)
    return name, data, _pixels(data)


def files_of(run: Run, data: bytes) -> dict[str, Path | Content]:
    """The picture, and what the classifier of the run was taught with."""
    library = services.library()
    taught = {item.name: library.local(run.id, item) for item in library.artifacts(run.id, "input")}
    return {"query": Content(data, ".img"), **{name: taught[name] for name in FURTHER if name in taught}}


def classes_of(run: Run) -> list[str]:
    return [str(name) for name in run.facts.get("classes", ())]


def answer_of(run: Run, name: str) -> str:
    """What the run said of a picture."""
    try:
        found = sorted_run.table(run)
    except FileGone:
        return ""
    if found is None or not len(found):
        return ""
    rows = found if len(found) == 1 else found[found["file"] == name]
    return str(rows["class"].iloc[0]) if len(rows) else ""


def ask(run: Run, question: Question) -> tuple[Choice, np.ndarray]:
    """The question about one picture, and that picture."""
    columns = st.columns(3 if "against" in question.asks else 2)
    with columns[0]:
        name, data, rgb = chosen_picture(run)
    classes = classes_of(run)
    with columns[1]:
        target = address.choose("target", "Answer", classes, answer_of(run, name))
    against = ""
    if "against" in question.asks:
        with columns[2]:
            against = address.choose("against", "And not", [each for each in classes if each != target])
    title = {
        "where": f"What in “{name}” speaks for {target}?",
        "rather": f"Why is “{name}” {target} and not {against}?",
        "examples": f"Which examples made “{name}” {target}?",
    }[question.id]
    options = {"target": target, **({"against": against} if against else {})}
    return Choice(title, options, files_of(run, data), teaching_files(run, data)), rgb


def teaching_files(run: Run, data: bytes) -> dict[str, str]:
    """What the classifier was taught with, as arguments of the command line."""
    endings = {"support": ".zip", "classes": ".txt"}
    return {name: f"{name}{endings[name]}" for name in files_of(run, data) if name in FURTHER}


def show_map(run: Run, question: Question) -> None:
    """The map on the picture."""
    asked, rgb = ask(run, question)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        values, x, y = found.on_picture()
        figure, alt = picture_with_map(
            rgb, values, x, y, scale=scale, unit=found.unit,
            answer=str(asked.options["target"]),
        )  # fmt: skip
        take_away.chart(figure, alt, f"map-{key}", live=lambda: boards.on_picture(rgb, found, alt))
        return figure, alt

    explained.show(run, question, asked, draw)


def show_parts(run: Run, question: Question) -> None:
    """What each example adds."""
    asked, _ = ask(run, question)
    explained.show(run, question, asked, explained.draw_parts)


def show_look_or_guess(run: Run, question: Question) -> None:
    """How probable each class is with the picture, a black one and a wrong one."""

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        values = found.arranged("picture", "class")
        names, classes = found.axes["picture"].tolist(), found.axes["class"].tolist()
        figure, alt = grouped_bars(names, classes, values, "probability")
        take_away.chart(figure, alt, f"looked-{key}")
        return figure, alt

    look(run, question, draw)


def show_gates(run: Run, question: Question) -> None:
    """How far each gate is open."""

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        layers = [f"layer {number:g}" for number in found.axes["layer"]]
        figure, alt = grouped_bars(layers, found.axes["gate"].tolist(), found.arranged("layer", "gate"), "open")
        take_away.chart(figure, alt, f"gates-{key}")
        return figure, alt

    look(run, question, draw)


def look(run: Run, question: Question, draw: explained.Draw) -> None:
    """A look into the model at one picture."""
    name, data, _ = chosen_picture(run)
    explained.show(run, question, choice(run, question, name, data), draw)


def choice(run: Run, question: Question, name: str, data: bytes, **options: Any) -> Choice:
    """A question about one picture, in words and as it travels."""
    return Choice(f"{question.sentence} “{name}”", options, files_of(run, data), teaching_files(run, data))


def show_erase(run: Run, question: Question) -> None:
    """The answer before and after an area is painted out."""
    name, _, rgb = chosen_picture(run)
    area = areas.choose(rgb, f"{run.id}-{name}", (0.35, 0.35, 0.3, 0.3))
    changed = areas.painted_out(rgb, area)
    title = f"“{name}” without the area {areas.text(area)}"
    before, after = (classify(run, each, title) for each in (rgb, changed))
    found = asking.all_answered(
        [before, after], "Paint it out and ask again", "two short looks", ":material/ink_eraser:"
    )
    if not found:
        return
    shares = [probabilities(answer) for answer in found]
    for column, heading, picture, share in zip(st.columns(2), ("Before", "After"), (rgb, changed), shares, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            st.image(picture, alt=f"{heading}: the picture", width=280)
            figure, alt = bars(list(share.index), share.to_numpy())
            take_away.chart(figure, alt, f"erase-{heading}-{area}")
    said = moved(*shares)
    st.markdown(said)
    both = (Picture("Before", rgb), Picture("After", changed))
    excerpts.pin_pictures(both, f"{title}: {said.replace('**', '')}", f"erased-{area}")


def moved(before: pd.Series, after: pd.Series) -> str:
    """How far the first answer moves, and whether it stays, as Markdown."""
    best, now = str(before.idxmax()), str(after.idxmax())
    gap = 100 * (float(after.get(best, 0.0)) - float(before[best]))
    end = "and stays the answer" if now == best else f"and the answer is now “{formatting.escape(now)}”"
    return f"“{formatting.escape(best)}” moves by **{round(gap):+d} percentage points** {end}."


def show_drop(run: Run, question: Question) -> None:
    """The answer with all examples, and without those that are chosen."""
    _, _, rgb = chosen_picture(run)
    support = files_of(run, b"").get("support")
    if not isinstance(support, Path):
        st.info("This classifier was taught with words alone: there is no example to leave out.")
        return
    with zipfile.ZipFile(support) as bundle:
        names = [entry.filename for entry in bundle.infolist() if not entry.is_dir()]
    left_out = st.multiselect("Examples to leave out", names, key=f"inside-drop-{run.id}")
    if not left_out:
        return
    title = f"Without {', '.join(left_out[:3])}{' …' if len(left_out) > 3 else ''}"
    inquiries = [classify(run, rgb, title), classify(run, rgb, title, without(support, left_out))]
    found = asking.all_answered(inquiries, "Ask again without them", "two short looks", ":material/person_remove:")
    if not found:
        return
    shares = [probabilities(answer) for answer in found]
    for column, heading, share in zip(st.columns(2), ("With all", "Without them"), shares, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            figure, alt = bars(list(share.index), share.to_numpy())
            take_away.chart(figure, alt, f"drop-{heading}-{inquiries[-1].key}")
    st.markdown(moved(*shares))


def without(support: Path, names: Collection[str]) -> Content:
    """The zip of examples without some of them; the same choice gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(support) as given, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as left:
        for entry in given.infolist():
            if not entry.is_dir() and entry.filename not in names:
                left.writestr(zipfile.ZipInfo(entry.filename), given.read(entry))
    return Content(buffer.getvalue(), ".zip")


def classify(run: Run, rgb: np.ndarray, title: str, support: Content | None = None, **changed: Any) -> Inquiry:
    """The classifier of the run on one picture.

    Args:
        run: whose classifier is asked.
        rgb: the picture, `(H, W, 3)` uint8.
        title: what is asked, in words.
        support: other examples to teach it with.
        changed: other `classes`, as a file, and other options by their names.
    """
    files = {**files_of(run, b""), "query": Content(areas.png(rgb), ".png")}
    if support is not None:
        files["support"] = support
    if "classes" in changed:
        files["classes"] = changed.pop("classes")
    options = {**{name: value for name, value in run.options.items() if name != "explain"}, **changed}
    return Inquiry(
        run, title, "fewshot", run.weights, options, files, explains=False,
        wanted=lambda kind, name: kind == "predictions",
    )  # fmt: skip


def probabilities(answer: Answer) -> pd.Series:
    """The probability of each class, of an answer about one picture."""
    row = pd.read_csv(io.BytesIO(answer.file("predictions.csv")), keep_default_na=False, encoding="utf-8-sig").iloc[0]
    return row.iloc[len(sorted_run.FIXED) :].astype(float)


ROOM = Room(
    start_sample,
    {
        "map": show_map,
        "parts": show_parts,
        "looked": show_look_or_guess,
        "gates": show_gates,
        "words": words.show_words,
        "latents": words.show_latents,
        "both": words.show_both,
        "reword": words.show_reword,
        "drop": show_drop,
        "erase": show_erase,
    },
)
