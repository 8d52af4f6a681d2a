"""Pictures and words: where each word looks, what is kept of a picture, and what if the words were others."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from backends.fewshot.data.class_list import prompts, read_classes
from studio.inside import address, asking, explained, take_away
from studio.inside.answers import Content
from studio.inside.attribution import Map
from studio.inside.questions import Question
from studio.library.library import Run
from studio.ui import formatting
from viz.fewshot.figures import bars
from viz.inside.parts import word_bars
from viz.inside.picture import picture_with_map, strongest_place
from viz.inside.style import reach

SHOWN_LATENTS, IN_A_ROW = 6, 3
PATCH = "patch "
MAX_SENTENCE = 200
USUAL_QUESTION = "What is in this picture?"


def show_words(run: Run, question: Question) -> None:
    """Where a word looks, one word at a time, on one scale of colours for all of them."""
    from studio.inside import pictures

    name, data, rgb = pictures.chosen_picture(run)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        layers, names = ([str(each) for each in found.axes[axis]] for axis in ("layer", "word"))
        layer = layers[0]
        if address.read("expert") == "on":
            layer = address.choose("layer", "Layer", layers, help="By their gates: how far each lets the picture in.")
        maps = found.arranged("layer", "word", "y", "x")[layers.index(layer)]
        word = address.pick("word", "Word", names, names[-1])
        values = maps[names.index(word)]
        figure, _ = picture_with_map(
            rgb, values, found.axes["x"], found.axes["y"], scale=reach(maps), unit="share", rising=True
        )
        alt = (
            f"“{word}” looks most at the {strongest_place(values)} of the picture, {values.max() * values.size:.1f} "
            "times as much as an even look. This is what is read, not why the model answers."
        )
        take_away.chart(figure, alt, f"words-{key}-{layer}-{word}")
        return figure, alt

    explained.show(run, question, pictures.choice(run, question, name, data), draw)


def show_latents(run: Run, question: Question) -> None:
    """Of the latents that the answer reads most, from where in the picture each gathers."""
    from studio.inside import pictures

    name, data, rgb = pictures.chosen_picture(run)

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        maps, labels = found.arranged("latent", "y", "x"), [str(label) for label in found.axes["latent"]]
        order = sorted(range(len(labels)), key=lambda place: -_share(labels[place]))[:SHOWN_LATENTS]
        first: tuple[Any, str] = (None, "")
        for start in range(0, len(order), IN_A_ROW):
            for column, place in zip(st.columns(IN_A_ROW), order[start : start + IN_A_ROW], strict=False):
                number, _, share = labels[place].partition(": ")
                figure, _ = picture_with_map(
                    rgb, maps[place], found.axes["x"], found.axes["y"], scale=scale, unit="share", rising=True
                )
                figure.update_layout(height=260)
                alt = f"Latent {number} gathers most from the {strongest_place(maps[place])}; the answer reads {share}."
                with column:
                    take_away.chart(figure, alt, f"latent-{key}-{place}")
                first = first if first[0] is not None else (figure, alt)
        if len(labels) > len(order):
            st.caption(f"The {len(order)} of {len(labels)} latents that the answer reads most.")
        return first

    explained.show(run, question, pictures.choice(run, question, name, data), draw)


def _share(label: str) -> float:
    """Of a label such as “3: 31 %”."""
    return float(label.partition(": ")[2].removesuffix(" %"))


def show_both(run: Run, question: Question) -> None:
    """What each word and each patch of the picture add, on one scale."""
    from studio.inside import pictures

    left, right = st.columns(2)
    with left:
        name, data, rgb = pictures.chosen_picture(run)
    with right:
        target = address.choose("target", "Answer", pictures.classes_of(run), pictures.answer_of(run, name))

    def draw(found: Map, scale: float, key: str) -> tuple[Any, str]:
        names = np.array(found.parts)
        patches = np.array([name.startswith(PATCH) for name in names])
        side = round(float(patches.sum()) ** 0.5)
        figure, said = word_bars([str(name) for name in names[~patches]], found.values[~patches], found.unit, scale)
        take_away.chart(figure, said, f"both-words-{key}")
        x, y = _middles(found, side)
        picture, alt = picture_with_map(
            rgb, found.values[patches].reshape(side, side), x, y, scale=scale, unit=found.unit, answer=target
        )
        take_away.chart(picture, alt, f"both-picture-{key}")
        return picture, f"{said} {alt}"

    explained.show(run, question, pictures.choice(run, question, name, data, target=target), draw)


def _middles(found: Map, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The middles of the patches, across and down, as shares of the whole picture, of which a model may see a part."""
    facts = found.about.get("facts") or {}
    left, top, right, bottom = (
        float(facts.get(name, usual)) for name, usual in (("left", 0), ("top", 0), ("right", 1), ("bottom", 1))
    )
    steps = (np.arange(side) + 0.5) / side
    return left + steps * (right - left), top + steps * (bottom - top)


def show_reword(run: Run, question: Question) -> None:
    """The answer with the words of the run, and with others."""
    from studio.inside import pictures

    left, right = st.columns(2)
    with left:
        name, _, rgb = pictures.chosen_picture(run)
    with right:
        changed = _other_question(run) if run.engine == "flamingo" else _other_sentence(run, name)
    if changed is None:
        return
    title = f"“{name}” in other words"
    inquiries = [pictures.classify(run, rgb, title), pictures.classify(run, rgb, title, **changed)]
    found = asking.all_answered(inquiries, "Ask with these words", "two short looks", ":material/edit_note:")
    if not found:
        return
    shares = [pictures.probabilities(answer) for answer in found]
    for column, heading, share in zip(st.columns(2), ("Before", "After"), shares, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            figure, alt = bars(list(share.index), share.to_numpy())
            take_away.chart(figure, alt, f"reword-{heading}-{inquiries[-1].key}")
    st.markdown(pictures.moved(*shares))


def _other_question(run: Run) -> dict[str, Any] | None:
    """A Flamingo is asked a question; None while it is the one of the run."""
    before = str(run.options.get("question") or USUAL_QUESTION)
    words = _typed("Question", before, run)
    return None if words == before else {"question": words}


def _other_sentence(run: Run, name: str) -> dict[str, Any] | None:
    """Other networks compare the picture with a sentence for each answer; None while it is the one of the run."""
    from studio.inside import pictures

    classes = pictures.classes_of(run)
    given = pictures.files_of(run, b"").get("classes")
    sentences = {} if given is None or isinstance(given, Content) else read_classes(given)
    target = address.choose("target", "Answer", classes, pictures.answer_of(run, name))
    before = sentences.get(target) or prompts(target, "", "photo")[0]
    words = _typed(f"The sentence for “{formatting.escape(target)}”", before, run)
    if words == before:
        return None
    lines = {each: sentences.get(each, "") for each in classes} | {target: words}
    text = "\n".join(f"{each}: {sentence}" if sentence else each for each, sentence in lines.items())
    return {"classes": Content(text.encode(), ".txt")}


def _typed(label: str, before: str, run: Run) -> str:
    """A line of text whose words stand in the address; those of the run where nothing was typed."""
    key = f"inside-reword-{run.id}-{before}"
    typed = st.text_input(label, address.read("words", before), MAX_SENTENCE, key=key)
    words = " ".join(str(typed).split()) or before
    address.write("words", words, before)
    if words == before:
        st.caption(":material/info: Change the words to ask again.")
    return words
