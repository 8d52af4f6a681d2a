"""Which ideas live in which model, and the way to the visitor's own last result of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from studio.how import elsewhere
from studio.inside import questions
from tests.support import findings
from tests.support.pages import fresh_services, studio_app, words_of


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield


def exhibit(name: str) -> AppTest:
    app = studio_app().run().switch_page("pages/how.py")
    app.query_params["exhibit"] = name
    app.run()
    assert not app.exception
    return app


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


@pytest.mark.slow
def test_each_model_says_of_each_idea_whether_it_is_there_and_leads_to_the_last_run_of_it() -> None:
    older = findings.sorted_zip("Old pictures", [("a.png", "cat", 0.9, "")])
    run = findings.sorted_zip("New pictures", [("a.png", "cat", 0.9, "")])
    app = exhibit("elsewhere")
    words, shown = words_of(app), links(app)
    for inhabitant in elsewhere.INHABITANTS:
        assert inhabitant.name in words and len(inhabitant.ideas) == len(elsewhere.IDEAS)
    way = shown["Look inside your last one: New pictures"]
    assert run.id in way and "ask=where" in way and older.id not in str(shown)
    assert "Make something with it, then look inside" in shown, "where nothing was made yet"


@pytest.mark.slow
def test_the_attention_exhibit_leads_to_attention_in_what_was_made_and_says_how_to_get_there() -> None:
    assert "the page Inside shows this in your own result" in words_of(exhibit("attention"))
    findings.sorted_zip("My pictures", [("a.png", "cat", 0.9, "")])
    assert "CLIP (pictures): My pictures" in links(exhibit("attention"))


def test_every_question_that_a_model_leads_to_is_one_of_the_page_inside() -> None:
    known = {(question.task, question.id) for question in questions.QUESTIONS}
    for one in elsewhere.INHABITANTS:
        assert not one.question or (one.task, one.question) in known
