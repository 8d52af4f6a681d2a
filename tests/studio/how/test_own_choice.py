"""A choice that the address of the page holds: it goes there, and an address that changes wins."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from studio.how import own_choice

    own_choice.choose("Own", {"a": "First", "b": "Second"}, parameter="from", key="own", placeholder="Choose")
    st.write(f"asked: {st.query_params.get('from', 'nothing')}")


def test_the_address_holds_the_choice_and_a_link_wins_over_it() -> None:
    app = AppTest.from_function(page).run()
    assert app.selectbox[0].options == ["First", "Second"] and app.selectbox[0].value is None
    app.selectbox[0].set_value("b").run()
    assert app.markdown[0].value == "asked: b" and not app.exception
    app.query_params["from"] = "a"
    app.run()
    assert app.selectbox[0].value == "a" and app.markdown[0].value == "asked: a"


def test_an_address_of_something_that_is_gone_chooses_nothing() -> None:
    app = AppTest.from_function(page)
    app.query_params["from"] = "gone"
    app.run()
    assert app.selectbox[0].value is None and not app.exception
