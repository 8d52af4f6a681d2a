"""Below a finished separation: other results beside it, and a stem that becomes a song of its own."""

from __future__ import annotations

import io

import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from studio import services
from studio.library.library import Run
from studio.songs import results
from tests.support import findings
from tests.support.pages import click, words_of

pytestmark = pytest.mark.slow


def song(title: str, model: str = "dsp") -> Run:
    """A finished separation whose stems can be taken further."""
    run = findings.song(title, model)
    for name in findings.PITCHES:
        target = io.BytesIO()
        soundfile.write(target, findings.tone(name).T, findings.RATE, format="WAV", subtype="FLOAT")
        services.library().keep(run.id, "stem", name, target.getvalue(), file=f"{name}.wav")
    return run


def opened(app: AppTest, run: Run) -> AppTest:
    app.run().switch_page("pages/songs.py")
    app.query_params["run"] = run.id
    app.run()
    next(one for one in app.segmented_control if "Go further" in one.options).set_value("Go further").run()
    assert not app.exception
    return app


def test_a_stem_is_split_further_as_a_song_that_knows_where_it_is_from(app: AppTest) -> None:
    run = song("my *song*.flac")
    opened(app, run)
    next(box for box in app.selectbox if box.label == "Stem").set_value("drums").run()
    click(app, "Split it")
    made = services.library().list(limit=1)[0]
    assert made.id != run.id and made.title == "my *song* (drums)"
    assert made.facts["asked"] == {"stem": "drums", "of": run.id}
    stored = services.library().only(made.id, "input", "input")
    assert stored.read_bytes() == results.stem_files(run)["drums"].read_bytes()
    services.jobs().cancel(made.id)


def test_another_result_of_the_same_song_is_played_on_one_clock(app: AppTest) -> None:
    other, run = song("a.flac", "big"), song("a.flac")
    opened(app, run)
    assert next(one for one in app.button if one.label == "Play them on one clock").disabled
    (choice,) = app.multiselect
    assert choice.options == ["a.flac (Model big)"]
    choice.set_value([other.id]).run()
    click(app, "Play them on one clock")
    assert not app.exception and app.title[0].value == "Side by side"
    assert "Can you hear the difference?" in words_of(app)
