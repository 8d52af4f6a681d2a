"""The chooser of models says which of them setting up did not bring."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def choose(here: bool) -> None:
    from backends.core.info import CardInfo
    from studio.ui.model_picker import choose_card

    cards = [
        CardInfo(id="net", title="The *Net*", preference=2, packaged=True, here=here, download_bytes=5_000_000),
        CardInfo(id="plain", title="Plain", preference=1, tier="builtin", here=True),
    ]
    choose_card(cards, "net" if here else "plain", lambda card: "quick")


@pytest.mark.parametrize("here", [True, False])
def test_a_model_that_setting_up_did_not_bring_is_named(here: bool) -> None:
    page = AppTest.from_function(choose, args=(here,), default_timeout=60).run()
    assert not page.exception
    assert page.radio[0].value == ("net" if here else "plain")
    sentences = [caption.value for caption in page.caption]
    assert sentences == ([] if here else [r"Setting up did not bring The \*Net\*: choose it to download it."])


def in_line(here: bool) -> None:
    from backends.core.info import CardInfo
    from studio.ui.model_picker import choose_card_in_line

    card = CardInfo(id="small", title="Small", here=here, download_bytes=447_000)
    choose_card_in_line([card], "small", lambda card: "", "model", lambda: None)


@pytest.mark.parametrize("here", [True, False])
def test_the_one_line_says_how_much_has_to_be_downloaded(here: bool) -> None:
    page = AppTest.from_function(in_line, args=(here,), default_timeout=60).run()
    assert not page.exception
    said = "on the model server" if here else "download of 447 kB"
    assert f"Model: **Small** · {said}" in [each.value for each in page.markdown]
