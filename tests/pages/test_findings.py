"""The findings page: list, marks and trash, findings and stories, comparisons; all of it with no model server about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from studio import services
from studio.findings.compare_view import differences
from studio.library.findings import Evidence, Step
from tests.support.findings import fold, song
from tests.support.pages import click, fresh_services, studio_app, words_of
from tests.support.two_helices import structure
from viz.deck import plain


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The studio, whose model server is not there."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield studio_app()


def page(app: AppTest, **query: str) -> AppTest:
    app.run().switch_page("pages/findings.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and not app.error, [*app.exception, *app.error]
    return app


def listed(app: AppTest) -> list[str]:
    links = [link.proto.label for link in app.get("page_link")]
    return [label.removeprefix("**").split("**")[0] for label in links if label.startswith("**")]


def test_an_empty_list_leads_to_the_story_that_is_there(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    page(app)
    assert "Nothing yet" in words_of(app) and "A story that can be presented now is under Stories" in words_of(app)
    monkeypatch.setattr("studio.findings.builtin.BUNDLE", Path("nowhere"))
    assert "Nothing yet" in words_of(page(app)) and "presented now" not in words_of(app)


@pytest.mark.slow
def test_the_list_is_searched_filtered_and_paged_by_its_address(app: AppTest) -> None:
    for number in range(22):
        run = services.library().begin(task="separation", title=f"take {number:02}", engine="dsp")
        services.library().finish(run.id, "failed" if number == 5 else "done", 1.0)
    services.library().finish(services.library().begin(task="matting", title="clip", engine="dsp").id, "done")
    page(app)
    assert len(listed(app)) == 20 and listed(app)[0] == "clip" and "23 results" in words_of(app)
    app.text_input(key="q").set_value("take 2").run()
    assert listed(app) == ["take 21", "take 20"]
    app.text_input(key="q").set_value("").run()
    app.selectbox(key="choice-ending").set_value("failed").run()
    assert listed(app) == ["take 05"] and "failed" in app.query_params["ending"]
    assert listed(page(studio_app(), q="take 0", ending="failed")) == ["take 05"]
    assert listed(page(studio_app(), task="matting")) == ["clip"]


@pytest.mark.slow
def test_results_are_marked_and_come_back_from_the_trash(app: AppTest) -> None:
    first, second = song("first"), song("second")
    page(app)
    app.checkbox(key=f"choose-{first.id}").check()
    app.checkbox(key=f"choose-{second.id}").check().run()
    click(app, "Star")
    assert all(services.catalogue().get(run.id).starred for run in (first, second))
    app.checkbox(key=f"choose-{first.id}").check().run()
    next(button for button in app.button if button.label == "Delete" and not button.key).click().run()
    assert listed(app) == ["second"] and "“first” went to the trash" in words_of(app)
    click(app, "Undo")
    assert sorted(listed(app)) == ["first", "second"]
    app.session_state[f"more-{second.id}"] = True
    app.run().button(key=f"delete-{second.id}").click().run()
    app.toggle(key="trash").set_value(True).run()
    click(app, "Empty it")
    assert services.library().get(second.id) is None and services.library().get(first.id) is not None


@pytest.mark.slow
def test_what_is_seen_is_pinned_and_told_in_a_story(app: AppTest) -> None:
    run = song("a song")
    app.run().switch_page("pages/songs.py")
    app.query_params["run"] = run.id
    app.session_state[f"moment-{run.id}"] = {"position": 0.25, "solo": ["vocals"]}
    app.run()
    assert "vocals alone" in words_of(app)
    app.text_input(key=f"pin-claim-{run.id}").set_value("The <b>voice</b> is clear.")
    app.button(key=f"pin-{run.id}").click().run()
    (finding,) = services.findings().list()
    assert (finding.title, finding.claim) == ("a song", "The <b>voice</b> is clear.")
    assert finding.evidence[0].moment == {"position": 0.25, "solo": ["vocals"]}
    page(app, finding=finding.id)
    assert "voice" in words_of(app) and "was -20.5 dB when" not in words_of(app)
    services.library().note(run.id, metrics={"level": {"value": -18.0, "unit": "dB"}})
    app.run()
    assert "“level” was -20.5 dB when this was pinned; now it is -18 dB." in words_of(app)
    click(app, "Add")
    (story,) = services.findings().stories()
    assert story.steps == (Step("finding", finding.id),)
    page(studio_app(), story=story.id)
    services.library().delete(run.id)
    assert "not in the library any more" in words_of(page(studio_app(), finding=finding.id))


@pytest.mark.slow
def test_two_results_side_by_side_name_what_differs(app: AppTest) -> None:
    runs = [song("a", "dsp", shifts=0), song("a", "big", shifts=2)]
    page(app, compare=",".join(run.id for run in runs))
    assert differences(runs) == {"model": ("Model dsp", "Model big"), "shifts": ("0", "2")}
    assert "Can you hear the difference?" in words_of(app)
    app.button(key=f"pin-{runs[0].id}-{runs[1].id}").click().run()
    (finding,) = services.findings().list()
    assert [(one.source, one.caption) for one in finding.evidence] == [
        (runs[0].id, "Model dsp"),
        (runs[1].id, "Model big"),
    ]
    clip = services.library().begin(task="matting", title="clip", engine="dsp")
    services.library().finish(clip.id, "done")
    assert "of one task" in words_of(page(studio_app(), compare=f"{runs[0].id},{clip.id}"))


@pytest.mark.parametrize(("right", "percent"), [(10, 0.0977), (8, 5.47), (5, 62.3), (0, 100.0)])
def test_the_odds_of_a_blind_test_are_those_of_a_fair_coin(right: int, percent: float) -> None:
    from studio.songs.side_by_side import chance, verdict

    assert 100 * chance(right, 10) == pytest.approx(percent, rel=0.01)
    assert ("very likely hear" in verdict(right, 10)) == (right > 8)


def test_the_presenters_view_stands_alone(app: AppTest, own_home: Path) -> None:
    from studio.findings.deck import live_document

    run = song("a song")
    store = services.findings()
    shown = store.create("T", "A **claim**", "", "Ada", [Evidence("separation", run.id, {"position": 0.25})])
    steps = [Step("text", title="Hi", text="</script><img src=x onerror=alert(1)>"), Step("finding", shown.id)]
    document, nonce = live_document(store.create_story("talk", steps=steps).id)
    assert document.count("<script") == document.count("</script>") == 2 and f'nonce="{nonce}"' in document
    assert "<img src=x" not in document and "A <strong>claim</strong>" in document
    assert '"position":0.25' in document and f"/runs/{run.id}/files/" in document


@pytest.mark.slow
def test_every_file_of_a_run_lies_behind_one_button_that_asks_for_them_once_it_is_opened(app: AppTest) -> None:
    run = fold(structure())
    app.run().switch_page("pages/proteins.py")
    app.query_params["run"] = run.id
    app.run()
    apart = len(app.get("link_button"))
    app.session_state[f"downloads-{run.id}"] = True
    app.run()
    labels = [button.proto.label for button in app.get("link_button")]
    assert not app.exception and len(labels) == 2 * apart > 0 and any("mmCIF" in label for label in labels)


@pytest.mark.slow
def test_failed_runs_wait_for_another_try_on_the_page_of_their_task(app: AppTest) -> None:
    run = services.library().begin(task="separation", title="my *song*", engine="dsp")
    services.library().finish(run.id, "failed", 1.0, "The file ends in its middle.")
    app.run()
    assert "The file ends in its middle." in words_of(app) and r"my \*song\*" in words_of(app)
    assert any(button.key == f"retry-{run.id}" for button in app.button)


@pytest.mark.slow
def test_a_run_deleted_on_its_own_page_comes_back_from_there(app: AppTest) -> None:
    run = song("a song")
    app.run().switch_page("pages/songs.py")
    app.query_params["run"] = run.id
    app.run().segmented_control[0].set_value("About this run").run()
    click(app, "Delete this run")
    assert "lies in the trash" in words_of(app) and services.catalogue().get(run.id).trashed
    click(app, "Undo")
    assert "lies in the trash" not in words_of(app) and not services.catalogue().get(run.id).trashed
    click(app, "Delete this run")
    click(app, "Delete for good")
    assert not app.exception and services.library().get(run.id) is None


@pytest.mark.slow
def test_a_note_is_markdown_without_any_html_of_its_writer(app: AppTest) -> None:
    run = song("a song")
    services.catalogue().write_note(run.id, "**loud** <img src=x onerror=alert(1)> [go](javascript:alert(1))")
    (note,) = [html.proto.body for html in page(app).get("html") if "loud" in html.proto.body]
    assert "<strong>loud</strong>" in note and "<img" not in note and 'href="javascript' not in note


def test_a_text_step_is_listed_in_words_without_its_marks() -> None:
    assert plain("- **Songs** into\n  parts\n- [people](https://x)\n\n`done`") == "Songs into parts\npeople\ndone"
