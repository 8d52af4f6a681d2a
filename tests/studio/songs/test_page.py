"""What the songs page asks before a job: the stems, and under Advanced all that the model's engine can be told."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from backends.separation.demucs.options import DemucsOptions


def page(before: dict) -> None:  # its text runs as a script of its own
    import streamlit as st

    from backends.core.info import CardInfo
    from backends.separation.demucs.options import DemucsOptions
    from studio.songs.page import ask

    outputs = ("drums", "bass", "other", "vocals")
    card = CardInfo(id="htdemucs", task="separation", outputs=outputs, options=DemucsOptions.described())
    st.session_state.request = ask(card, None, before)


def asked(before: dict[str, object]) -> AppTest:
    app = AppTest.from_function(page, kwargs={"before": before}).run(timeout=30)
    assert not app.exception
    return app


def test_the_options_of_demucs_stand_under_advanced_and_are_sent_where_they_differ() -> None:
    app = asked({})
    assert [expander.label for expander in app.expander] == ["Advanced"]
    assert {"Overlap", "Shifted runs"} <= {slider.label for slider in app.slider}
    assert {"Precision"} == {box.label for box in app.selectbox}
    assert app.session_state.request.options == {}
    next(slider for slider in app.slider if slider.label == "Shifted runs").set_value(2)
    app.selectbox[0].set_value("half")
    app.radio[0].set_value("Two: vocals, and everything but vocals").run()
    options = app.session_state.request.options
    assert options == {"stems": "vocals", "shifts": 2, "precision": "half"}
    read = DemucsOptions.read(options)
    assert (read.shifts, read.precision, read.overlap, read.stems) == (2, "half", 0.25, "vocals")


def test_the_options_of_an_earlier_run_are_there_again() -> None:
    before = {"stems": "bass", "overlap": 0.5, "seed": 11, "segment": 5.0}
    assert asked(before).session_state.request.options == before
