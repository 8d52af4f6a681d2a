"""The form of a card's options: a widget of each kind, what it sends, and how an earlier run fills it again."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.options import OptionInfo
from studio.ui import form
from tests.support.form_options import MixOptions


def page(before: dict) -> None:  # its text runs as a script of its own
    import streamlit as st

    from studio.ui import form
    from tests.support.form_options import MixOptions

    st.session_state.sent = form.draw(MixOptions.described(), before, "f", without=("note",))


def shown(before: dict[str, Any]) -> AppTest:
    app = AppTest.from_function(page, kwargs={"before": before}).run(timeout=30)
    assert not app.exception
    return app


def test_an_untouched_form_sends_nothing_and_explains_every_option() -> None:
    app = shown({})
    assert app.session_state.sent == {}
    assert [slider.label for slider in app.slider] == ["Softness (pixels)", "Overlap", "Shifts"]
    assert app.slider[1].help == "Shared with the next." and app.slider[1].value == 0.25
    assert [box.label for box in app.selectbox] == ["Head", "Chunk"] and app.toggle[0].value is True
    assert [number.value for number in app.number_input] == [None, 0]
    assert not app.text_input
    assert [expander.label for expander in app.expander] == ["Advanced"]


def test_what_is_chosen_is_sent_and_what_is_put_back_is_not() -> None:
    app = shown({})
    app.slider[1].set_value(0.5)
    app.toggle[0].set_value(False)
    app.selectbox[0].set_value("b")
    app.multiselect[0].set_value(["y"])
    app.number_input[0].set_value(3)
    app.run()
    sent = {"overlap": 0.5, "smooth": "off", "head": "b", "extras": "y", "recycles": 3}
    assert app.session_state.sent == sent
    assert MixOptions.read(sent).extras == ("y",)
    app.slider[1].set_value(0.25).run()
    assert "overlap" not in app.session_state.sent


def test_the_options_of_an_earlier_run_fill_the_form_and_come_out_again() -> None:
    before = {
        "overlap": 0.4,
        "shifts": 2,
        "seed": 7,
        "smooth": "off",
        "head": "b",
        "extras": "x,y",
        "chunk": 128,
        "recycles": 4,
        "softness": 1.5,
    }
    assert shown(before).session_state.sent == before


@pytest.mark.parametrize(
    ("name", "given"),
    [("overlap", 3), ("shifts", "many"), ("shifts", 1.5), ("head", "z"), ("recycles", 1e400), ("overlap", "")],
)
def test_what_an_option_does_not_take_any_more_becomes_the_default(name: str, given: Any) -> None:
    info = next(info for info in MixOptions.described() if info.name == name)
    assert form.starting_value(info, given) == info.default


def test_a_task_may_draw_an_option_itself() -> None:
    def own() -> None:
        import streamlit as st

        from backends.core.options import OptionInfo
        from studio.ui import form

        def colour(info: OptionInfo, value: str, key: str) -> str:
            return st.color_picker(info.title, value, key=key)

        options = [OptionInfo(name="behind", title="Behind", default="#000000")]
        st.session_state.sent = form.draw(options, {"behind": "#ff0000"}, "f", widgets={"behind": colour})

    app = AppTest.from_function(own).run(timeout=30)
    assert not app.exception and app.session_state.sent == {"behind": "#ff0000"}


def test_an_option_without_a_title_is_called_by_its_name() -> None:
    assert form.label(OptionInfo(name="edge", unit="pixels")) == "edge (pixels)"
