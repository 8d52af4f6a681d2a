"""Asking as in a conversation: the same examples shown to a model that answers in words, beside the classifier."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backends.core.info import CardInfo, TaskInfo
from backends.fewshot.flamingo.interleave import ASK_CAPTION, ASK_NAME
from backends.fewshot.flamingo.options import DEFAULT_SHOTS, MAX_ORDERS, MAX_QUESTION_LENGTH
from backends.fewshot.flamingo.rices import draw_balanced, most_similar
from backends.shared.spreadsheet import ENCODING, plain_cell
from studio import services
from studio.pictures import image_tiles, predictions_panel
from studio.pictures.feature_loader import FeatureLoader, line
from studio.pictures.fitted import FittedProject
from studio.pictures.inference_client import TASK, InferenceCall
from studio.pictures.model_picker import FLAMINGO
from studio.pictures.project import Project
from studio.pictures.project_archive import bundled, folders, sent_name
from studio.ui import charts, formatting, model_picker
from viz.fewshot.figures import bars

ASK = {"names": "Which class is it?", "caption": "Describe it", "question": "A question of mine"}
MAX_SHOTS = 16
THUMB = 96
SMALL = "starter"
"""The tier of the Flamingo that is always here: the usual one only where there is no other, and its limits are told."""


@dataclass(frozen=True)
class FlamingoQuestion:
    """What is asked, of which picture, with how many examples chosen how, in how many orders."""

    sha: str
    ask: str = "names"
    question: str = ""
    shots: int = DEFAULT_SHOTS
    pick: str = "similar"
    orders: int = 1

    def options(self) -> dict[str, Any]:
        """As the model server takes them."""
        wanted = {"ask": self.ask, "shots": self.shots, "pick": self.pick}
        if self.ask == "names":
            return {**wanted, "orders": self.orders}
        return {**wanted, "question": self.question} if self.question else wanted

    @property
    def question_text(self) -> str:
        return self.question or (ASK_CAPTION if self.ask == "caption" else ASK_NAME)


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """What is asked, the conversation, and its answer beside the classifier's."""
    st.markdown(
        "A Flamingo is a language model that sees: it is shown your examples as a conversation and goes on with it. "
        "Nothing is taught; it reads the examples anew each time."
    )
    sha = st.session_state.get(f"question-{project.token}")
    if sha is None or sha not in fitted.questions:
        st.caption("Choose a question above to ask it about.")
        return
    task = services.backend().info().tasks.get(TASK, TaskInfo())
    cards = [card for card in task.cards if card.engine == FLAMINGO]
    if not cards:
        st.info("This model server has no model that converses.", icon=":material/info:")
        return
    wish = _ask(project, sha)
    here = [card for card in cards if model_picker.is_here(card)]
    with st.expander("Which Flamingo", icon=":material/tune:", expanded=not here):
        usual = min(here or cards, key=lambda one: one.tier == SMALL).id
        card = model_picker.choose_card(cards, usual, lambda each: "converses", key=f"flamingo-{project.token}")
        if not model_picker.is_here(card):
            model_picker.offer_download(card)
    if not model_picker.is_here(card):
        st.markdown("**What it would be shown**")
        _conversation(project, preview(fitted, wish), "")
        return
    if card.tier == SMALL:
        st.caption(formatting.escape(card.weak_at))
    _answered(project, fitted, card, wish)


def _ask(project: Project, sha: str) -> FlamingoQuestion:
    """What to ask about the picture, and which examples to show with it."""
    key = f"flamingo-{project.token}"
    left, middle, right = st.columns([3, 2, 2], gap="medium")
    ask = left.segmented_control(
        "Ask", list(ASK), default="names", required=True, format_func=lambda one: ASK[one], key=f"{key}-ask"
    )
    question = ""
    if ask == "question":
        question = (
            left.text_input("Your question", max_chars=MAX_QUESTION_LENGTH, placeholder="What colour is it?") or ""
        )
    shots = middle.slider("Examples it is shown", 0, MAX_SHOTS, DEFAULT_SHOTS, key=f"{key}-shots")
    alike = middle.toggle(
        "The most alike ones",
        True,
        key=f"{key}-alike",
        help="Examples like the picture help most (RICES); otherwise they are drawn evenly from all classes.",
    )
    orders = 1
    if ask == "names":
        orders = right.slider(
            "In how many orders",
            1,
            MAX_ORDERS,
            1,
            key=f"{key}-orders",
            help="Such models are swayed by the order of the examples. Several orders show by how much.",
        )
    return FlamingoQuestion(sha, ask or "names", question, int(shots), "similar" if alike else "drawn", int(orders))


def preview(fitted: FittedProject, wish: FlamingoQuestion) -> list[dict[str, str]]:
    """The turns that it would read, with examples chosen by the features that are here."""
    count = min(wish.shots, len(fitted.shots))
    rows = np.zeros(0, int)
    if count and wish.pick == "similar":
        rows = most_similar(fitted.query_features(wish.sha), fitted.support.image_features, count)
    elif count:
        rows = draw_balanced(fitted.labels, count, 0)
    turns = []
    for row in rows.tolist():
        each = fitted.classes[int(fitted.labels[row])]
        answer = (each.sentence or each.name) if wish.ask == "caption" else each.name
        turns.append({"picture": fitted.shots[row], "question": wish.question_text, "answer": answer})
    return [*turns, {"picture": wish.sha, "question": wish.question_text, "answer": ""}]


def _answered(project: Project, fitted: FittedProject, card: CardInfo, wish: FlamingoQuestion) -> None:
    if wish.ask == "question" and not wish.question:
        st.caption("Write what you want to know about the picture.")
        return
    key = _key(project, card, wish)
    if not st.session_state.get(key):
        if st.button("Ask the Flamingo", icon=":material/forum:", type="primary"):
            st.session_state[key] = True
            st.rerun()
        _conversation(project, preview(fitted, wish), "")
        return
    doing = "The Flamingo reads the examples and answers; a large one takes minutes without a graphics card…"
    found = image_tiles.background_answer(key, asker(project, fitted, card, wish), doing)
    if found is None:
        return
    told = json.loads(found["prompt"])["queries"][0]
    left, right = st.columns([3, 2], gap="large")
    with left:
        own = {sent_name(name).replace("_", " "): name for name in fitted.names}
        turns = [{**turn, "answer": own.get(turn["answer"], turn["answer"])} for turn in told["turns"]]
        answer = told["answer"].replace("_", " ")
        _conversation(project, turns, own.get(answer, told["answer"]))
    with right:
        _beside(project, fitted, found, wish)


def _key(project: Project, card: CardInfo, wish: FlamingoQuestion) -> str:
    told = json.dumps([wish.sha, wish.options(), project.revision])
    return f"flamingo-{project.token}-{card.id}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def asker(
    project: Project, fitted: FittedProject, card: CardInfo, wish: FlamingoQuestion
) -> Callable[[], dict[str, bytes]]:
    """What asks the model server; the examples go along as a zip of folders, the classes as a file."""

    def make() -> dict[str, bytes]:
        with tempfile.TemporaryDirectory(prefix="fourfold-flamingo-") as folder:
            here = Path(folder)
            bundled(project, [wish.sha], here / "query.zip")
            (here / "classes.txt").write_text(
                "\n".join(line(one.name, one.sentence) for one in fitted.classes), "utf-8"
            )
            sent = {"query": here / "query.zip", "classes": here / "classes.txt"}
            if fitted.shots:
                folders(project, fitted.classes, here / "support.zip")
                sent["support"] = here / "support.zip"
            return InferenceCall(services.backend(), card.id, project.token).results(sent, wish.options())

    return make


def _conversation(project: Project, turns: Sequence[Mapping[str, str]], answer: str) -> None:
    """The prompt as a chat: each picture with its question, each answer after it; the last one is the model's own."""
    with st.container(border=True, height=520, autoscroll=False):
        for turn in turns:
            with st.chat_message("user", avatar=":material/person:"):
                sha = sha_of(turn["picture"])
                if sha in project.state.pictures:
                    st.image(str(project.thumb(sha)), width=THUMB, alt=project.state.title(sha))
                st.markdown(formatting.escape(turn["question"]))
            if turn["answer"]:
                with st.chat_message("assistant", avatar=":material/school:"):
                    st.caption("as you taught it")
                    st.markdown(formatting.escape(turn["answer"]))
        with st.chat_message("assistant", avatar=":material/smart_toy:"):
            st.markdown(f"**{formatting.escape(answer)}**" if answer else "*its answer comes here*")


def sha_of(name: str) -> str:
    """The picture behind a file name that went to the server."""
    found = re.search(r"[0-9a-f]{64}", name)
    return found.group() if found else ""


def _beside(project: Project, fitted: FittedProject, found: Mapping[str, bytes], wish: FlamingoQuestion) -> None:
    """The Flamingo's answer and the classifier's on the same examples."""
    tile = predictions_panel.answer_tile(project, fitted, wish.sha)
    assert fitted.prediction is not None
    if wish.ask == "names":
        answers = io.BytesIO(found["predictions"])
        table = pd.read_csv(answers, keep_default_na=False, encoding=ENCODING, dtype={"class": str})
        row = table.rename(columns=plain_cell).iloc[0]
        sent = [sent_name(name) for name in fitted.names]
        shares = np.array([float(row[_column(row, name)]) for name in sent])
        st.markdown("**The Flamingo**")
        figure, alt = bars(fitted.names, shares)
        charts.show(figure, alt=alt, key=f"flamingo-bars-{wish.sha}")
        if wish.orders > 1:
            st.caption(
                f"{100 * float(row['agreement']):.0f} % of {wish.orders} orders of the examples give this answer; from "
                f"order to order its probability moves by {100 * float(row[f'{_best(sent, shares)} (spread)']):.0f} "
                "percentage points (one standard deviation)."
            )
    st.markdown(f"**The classifier**: {formatting.escape(tile.verdict)}")
    figure, alt = bars(fitted.names, fitted.prediction.probabilities[fitted.questions.index(wish.sha)])
    charts.show(figure, alt=alt, key=f"classifier-bars-{wish.sha}")


def _column(row: pd.Series, name: str) -> str:
    """A class called like one of the fixed columns has a longer title."""
    return f"{name} (class)" if f"{name} (class)" in row.index else name


def _best(names: Sequence[str], shares: np.ndarray) -> str:
    return names[int(shares.argmax())]
