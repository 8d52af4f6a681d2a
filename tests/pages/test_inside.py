"""The page inside the models as Streamlit runs it: every question of every task, over made runs and made answers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import BadInput
from backends.core.info import Info
from evaluation.atlas import files
from studio import services
from studio.findings import pin, snapshots
from studio.inside import answers, atlas, explained, page, pictures
from studio.inside.answers import Inquiry
from studio.inside.questions import QUESTIONS, Question, of_task
from studio.jobs import question
from studio.jobs.backend import Backend, BackendState
from studio.library.library import Run
from tests.support import inside
from tests.support.pages import click, studio_app, words_of

SHOWN = {
    "heard": ("lies around 1.0 kHz, and at 1.5 s", "**What mattered**", "**What is left**"),
    "contrast": ("lies around",),
    "leak": ("What each part adds: Vocals 2 dB and Drums 1.5 dB", "Together 3.5 dB"),
    "branches": ("vocals: spectrogram (0.90)", "drums: waveform (0.80)"),
    "reach": ("60 % of the listening lies in the stretch itself, 90 % within 0.4 s",),
    "attention": ("nearer than by chance", "not why the model answers"),
    "wipe": ("Inside the rectangle the vocals changed by", "**Before**", "**After**"),
    "person": ("speaks loudest for this place being part of the person", "belongs to the person by"),
    "views": ("**Semantics**", "**Detail**", "**Matte**"),
    "elsewhere": ("The matte changes most in the upper left", "white 25 % of the matte changes"),
    "steady": ("**0.00 s**", "**0.50 s**"),
    "paint": ("**0.0 %** inside the area",),
    "touch": ("The residues that count most: R7 (1)",),
    "unsure": ("The residues that count most", "confidence (pLDDT, 0 to 100)"),
    "heads": ("The best head is **layer", "merely lie near each other"),
    "change": ("Change at least one letter",),
    "film": (
        "stopped after round 1, block 2",
        "Round 1, block 2. Contacts: the strongest is",
        "Confidence goes from 40 after the first step to 80",
    ),
    "together": ("Pairs that hang together: the strongest is",),
    "broken": ("With 70 % of the residues exchanged, the fold is like its own by TM-score 0.40", "says so less"),
    "where": ("speaks loudest for star",),
    "rather": ("speaks loudest for",),
    "examples": ("What each part adds",),
    "looked": ("the picture: star (0.80)", "black: star (0.70)"),
    "words": ("“answer: star” looks most at the upper left of the picture, 2.8 times", "not why the model answers"),
    "latents": ("Latent 2 gathers most from the upper left; the answer reads 80 %",),
    "both": ("Of the words “2. star” adds most, 0.5", "speaks loudest for star"),
    "reword": ("Change the words to ask again.",),
    "gates": ("layer 1: attention (0.30)",),
    "drop": ("The classifier is taught without",),
    "erase": ("moves by **+0 percentage points**", "and stays the answer"),
}
"""Some of what the page says, by the question."""


class Known(Backend):
    """A model server that is known and never asked."""

    def __init__(self, info: Info) -> None:
        super().__init__("http://127.0.0.1:9")
        self._info = info
        self._state = BackendState("ready", "Ready.", self._address, 0, info)

    def state(self, fresh: bool = False) -> BackendState:
        return self._state


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Info:
    """What a real server says of itself."""
    from backends.serving.host import Host
    from backends.weights.store import WeightStore

    return Host(WeightStore(tmp_path_factory.mktemp("weights")), "cpu").info()


@pytest.fixture
def answered(info: Info, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The studio with that server; every question has its answer already."""
    services.stop()
    monkeypatch.setitem(services._instances, "backend", Known(info))
    monkeypatch.setattr(answers, "find", inside.made_answer)
    yield
    services.stop()


FIND = answers.find
"""As it is outside these tests."""

RUNS: dict[str, Callable[[Path], Run]] = {
    "separation": lambda folder: inside.made_song(services.library()),
    "matting": lambda folder: inside.made_cutout(services.library(), folder),
    "folding": lambda folder: inside.made_fold(services.library()),
    "fewshot": lambda folder: inside.made_sorting(services.library()),
}


def chosen(app: AppTest, name: str) -> str:
    """A choice in the address; "" where it is not there."""
    value = app.query_params.get(name, "")
    return value if isinstance(value, str) else value[0]


def text_of(app: AppTest) -> str:
    """What a reader sees, without the marks that keep Markdown from reading it as something else."""
    assert not app.exception
    return words_of(app).replace("\\", "")


def opened(run: Run, **address: str) -> AppTest:
    app = studio_app().run().switch_page("pages/inside.py")
    for name, value in {"run": run.id, **address}.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.slow
@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.id)
def test_every_question_is_answered_in_the_view_of_its_task(
    answered: None, info: Info, tmp_path: Path, asked: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RUNS[asked.task](tmp_path)
    if asked.engines and run.engine not in asked.engines:
        monkeypatch.setattr(page, "of_task", lambda task, engine: of_task(task, asked.engines[0]))
        monkeypatch.setattr(explained, "_offer", lambda run: info.tasks[run.task].explain.engines[asked.engines[0]])
    app = opened(run, ask=asked.id)
    shown = text_of(app)
    assert [error.value for error in app.error if "This map does not stand" not in error.value] == []
    if "does not know how yet" not in shown and "cannot be asked this" not in shown:
        assert [text for text in SHOWN[asked.id] if text not in shown] == [], shown
    assert asked.meaning in shown
    assert chosen(app, "run") == run.id


def test_a_map_that_fails_its_tests_is_shown_and_called_what_it_is(answered: None, tmp_path: Path) -> None:
    run = RUNS["separation"](tmp_path)
    app = opened(run, ask="heard", target="drums")
    shown = text_of(app)
    assert "This map does not stand: do not build on it." in shown and "gives nearly the same map (ρ 0.91)" in shown
    assert "**Against shuffled weights**: rank correlation 0.91" in shown
    assert "no better than random orders" in shown and "better than every random order" in shown
    assert any("--target drums" in block.value and "my song.wav" in block.value for block in app.code)
    assert {"Numbers (NPZ)", "Figure (interactive HTML)"} <= {each.label for each in app.get("download_button")}


def test_after_the_quick_tests_the_others_are_one_click_away(
    answered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(inquiry: Inquiry) -> answers.Answer | None:
        return None if inquiry.options.get("check") == "full" else inside.made_answer(inquiry)

    asked: list[Inquiry] = []
    monkeypatch.setattr(answers, "find", found)
    monkeypatch.setattr(answers, "ask", lambda inquiry, address: asked.append(inquiry))
    app = opened(RUNS["separation"](tmp_path), ask="heard")
    shown = text_of(app)
    assert "This map does not stand" in shown and "asks the model about 359 times" in shown
    click(app, "Test it further")
    assert [one.options["check"] for one in asked] == ["full"]
    monkeypatch.setattr(answers, "find", inside.made_answer)
    assert "Test it further" not in {
        button.label for button in opened(RUNS["separation"](tmp_path), ask="heard").button
    }


def test_attention_is_drawn_against_pitches_too(answered: None, tmp_path: Path) -> None:
    app = opened(RUNS["separation"](tmp_path), ask="attention", reads="attention_bands")
    shown = text_of(app)
    assert "Most is taken from around 1.0 kHz: 70 %, where an even look would take 25 %" in shown
    assert any("--method attention_bands" in block.value for block in app.code)


def test_a_model_that_folds_but_has_no_attention_is_asked_what_it_can_answer() -> None:
    offered = {one.id for one in of_task("folding", "alphafold2")}
    assert {"touch", "unsure", "change", "broken"} <= offered and not offered & {"heads", "film", "together"}


@pytest.mark.slow
def test_the_address_holds_every_choice(answered: None, tmp_path: Path) -> None:
    app = opened(RUNS["separation"](tmp_path), ask="contrast", target="drums", against="vocals", **{"for": "0.5"})
    boxes = {box.label: box.value for box in app.selectbox}
    assert boxes["Stem"] == "drums" and boxes["And not"] == "vocals" and boxes["Seconds"] == "0.5"
    next(box for box in app.selectbox if box.label == "Seconds").set_value("1").run()
    assert chosen(app, "for") in ("", "1")
    app.toggle[0].set_value(True).run()
    assert chosen(app, "expert") == "on" and "Method" in {box.label for box in app.selectbox}
    app.radio[0].set_value("leak").run()
    assert chosen(app, "ask") == "leak" and chosen(app, "target") == "drums", "the stem stays"


def test_a_change_of_residues_is_folded_and_laid_beside_the_first(answered: None, tmp_path: Path) -> None:
    run = RUNS["folding"](tmp_path)
    app = opened(run, ask="change")
    area = app.text_area[0]
    area.set_value("W" + area.value[1:]).run()
    assert not app.exception and "Changed: M1W." in text_of(app)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Same fold? (TM-score)"] == "1.00" and shown["Moved by (RMSD)"] == "0.0 Å"
    assert "69 before and 59 after" in text_of(app)
    app.text_area[0].set_value("MJ").run()
    assert "“J” is no amino acid" in text_of(app)


@pytest.mark.parametrize(
    ("task", "asked", "button", "names"),
    [
        ("separation", "heard", "Pin these sounds", ["What mattered", "What is left", "The song"]),
        ("separation", "wipe", "Pin these sounds", ["Before", "After"]),
        ("matting", "paint", "Pin these pictures", ["Painted out", "Matte before", "Matte after"]),
        ("fewshot", "erase", "Pin these pictures", ["Before", "After"]),
    ],
)
def test_what_is_heard_or_seen_of_an_answer_is_pinned_as_it_is(
    answered: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    asked: str,
    button: str,
    names: list[str],
) -> None:
    pinned: list[tuple[pin.Subject, Mapping[str, Any]]] = []
    monkeypatch.setattr(pin, "pin_snapshot", lambda about, moment, key: pinned.append((about, moment)))
    run = RUNS[task](tmp_path)
    app = click(opened(run, ask=asked), button)
    assert not app.exception and not [error for error in app.error if "does not stand" not in error.value]
    ((about, moment),) = pinned
    part = snapshots.part(moment, "k")
    assert part is not None and [one["name"] for one in part.data["excerpts"]] == names
    assert {one["kind"] for one in part.data["excerpts"]} == {"sound" if "sounds" in button else "picture"}
    assert about.source == run.id and part.alt


def test_an_experts_method_that_names_parts_is_shown_as_parts(answered: None, tmp_path: Path) -> None:
    app = opened(RUNS["separation"](tmp_path), ask="heard", expert="on", method="shapley")
    assert "What each part adds: vocals 2 dB and drums 1.5 dB." in text_of(app)


def test_examples_are_left_out_and_the_answer_is_asked_for_again(answered: None, tmp_path: Path) -> None:
    app = opened(RUNS["fewshot"](tmp_path), ask="drop")
    app.multiselect[0].set_value(["two.png"]).run()
    assert "**Without them**" in text_of(app) and "and stays the answer" in text_of(app)
    support = tmp_path / "support.zip"
    with zipfile.ZipFile(support, "w") as bundle:
        bundle.writestr("ball/one.png", b"1")
        bundle.writestr("ball/two.png", b"2")
    left = zipfile.ZipFile(io.BytesIO(pictures.without(support, ["ball/two.png"]).data))
    assert left.namelist() == ["ball/one.png"]
    before, after = pd.Series({"ball": 0.9, "star": 0.1}), pd.Series({"ball": 0.4, "star": 0.6})
    assert pictures.moved(before, after) == "“ball” moves by **-50 percentage points** and the answer is now “star”."


def test_other_words_for_an_answer_are_asked_beside_the_first_ones(
    answered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Inquiry] = []
    monkeypatch.setattr(answers, "find", lambda inquiry: asked.append(inquiry) or inside.made_answer(inquiry))
    app = opened(RUNS["fewshot"](tmp_path), ask="reword", target="star")
    app.text_input[0].set_value("a   five-pointed star").run()
    assert "and stays the answer" in text_of(app) and app.query_params["words"] in (
        "a five-pointed star",
        ["a five-pointed star"],
    )
    before, after = asked[-2:]
    assert "classes" not in before.files
    assert after.files["classes"].data.decode().splitlines() == ["ball", "star: a five-pointed star"]


@pytest.mark.slow
def test_what_was_not_asked_yet_has_its_cost_before_the_click(
    answered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Inquiry] = []
    monkeypatch.setattr(answers, "find", lambda inquiry: None)
    monkeypatch.setattr(answers, "ask", lambda inquiry, address: asked.append(inquiry))
    app = opened(RUNS["separation"](tmp_path), ask="heard")
    assert "asks the model 41 times" in text_of(app) and not app.get("plotly_chart")
    click(app, "Find out")
    assert asked[0].options == {
        "target": "vocals", "region": "1.5-2.5", "method": "coarse_to_fine", "detail": 8, "seed": 0, "check": "off",
    }  # fmt: skip


def test_the_page_offers_every_task_and_finished_runs(answered: None, tmp_path: Path) -> None:
    RUNS["separation"](tmp_path)
    app = studio_app().run().switch_page("pages/inside.py").run()
    assert not app.exception
    assert len([button for button in app.button if button.label == "Ask about the sample"]) == len(page.ROOMS)
    app.query_params["run"] = "0" * 32
    assert "There is no such run here" in words_of(app.run())


def test_each_dot_of_the_atlas_is_a_layer_that_opens(answered: None) -> None:
    app = studio_app().run().switch_page("pages/inside.py")
    app.query_params["view"], app.query_params["row"] = "atlas", "4"
    app.run()
    rows = files.load().rows
    shown = text_of(app)
    assert f"{rows[4]['model']}: {rows[4]['layer']}." in shown and "How widely a layer looks" in shown
    assert {metric.label: metric.value for metric in app.metric}["How widely it looks"] == f"{rows[4]['entropy']:.2f}"
    assert atlas.clicked({"selection": {"points": [{"customdata": [7]}]}}) == 7
    assert atlas.clicked({"selection": {"points": []}}) is None and atlas.clicked(None) is None


def test_what_a_model_cannot_be_asked_is_not_on_its_list(answered: None, tmp_path: Path) -> None:
    app = opened(RUNS["fewshot"](tmp_path))
    assert "Did it look, or did it guess?" not in app.radio[0].options
    assert "Did it look, or did it guess?" in {one.sentence for one in of_task("fewshot", "flamingo")}


def test_questions_have_ids_of_their_own_and_every_task_some() -> None:
    assert len({one.id for one in QUESTIONS}) == len(QUESTIONS) == len(SHOWN)
    assert all(of_task(task) for task in page.ROOMS)
    assert all(one.face in page.room(one.task).faces for one in QUESTIONS)


def test_an_answer_is_packed_and_found_again_and_its_key_tells_changed_files_apart(
    answered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "find", FIND)
    run = RUNS["separation"](tmp_path)
    one, same, other = (
        Inquiry(run, title, "separation", "made", {"target": "vocals"}, {"song": answers.Content(data, ".wav")})
        for title, data in (("Why?", b"a"), ("In other words", b"a"), ("Why?", b"b"))
    )
    assert one.key == same.key != other.key
    files = [question.AnswerFile("attribution", "attribution.npz", ".npz", b"numbers")]
    content = answers.pack(question.Answer(files, ["Mind this."], {"score": 1.0}))
    services.library().keep(run.id, answers.KIND, one.key, content)
    found = answers.find(same)
    assert found is not None and answers.find(other) is None
    assert found.files == {"attribution.npz": b"numbers"} and found.notices == ["Mind this."]
    with pytest.raises(BadInput, match="damaged"):
        answers.unpack(b"no zip")
