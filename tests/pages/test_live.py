"""The live page as Streamlit runs it: what it says, which model it begins with, and one that is not here."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def test_the_page_says_what_leaves_the_browser_and_explains_a_model_that_is_not_here(app: AppTest) -> None:
    app.run().switch_page("pages/live.py").run()
    assert not app.exception and "Live camera" in app.title[0].value
    said = "\n".join(str(each.value) for each in app.markdown)
    assert "Small pictures" in said and "Nothing is stored" in said and "a GPU machine" in said
    model = app.radio(key="live-model")
    assert model.value == "classical" and "Model: **Built-in cut-out** · built in" in said
    # What can run here comes first.
    assert model.options.index("Built-in cut-out") < model.options.index("Selfie segmentation")
    model.set_value("selfie").run()
    assert not app.exception
    assert any("is not on the model server yet" in str(info.value) for info in app.info)
