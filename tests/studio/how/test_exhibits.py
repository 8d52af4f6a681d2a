"""The registry of exhibits, and the page that shows the one in the address."""

from __future__ import annotations

import pytest

from studio.how import exhibits
from tests.support.pages import fresh_services, studio_app, words_of


def test_ids_are_the_addresses_of_exhibits_and_every_one_says_what_it_is() -> None:
    offered = exhibits.all_exhibits()
    assert len(offered) == len(exhibits.MODULES)
    for exhibit in offered.values():
        assert exhibit.id.isidentifier() and exhibit.title and exhibit.sentence.endswith(".")


def test_the_page_shows_the_exhibit_in_the_address_and_the_first_for_an_unknown_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    offered = list(exhibits.all_exhibits().values())
    with fresh_services(wait=False):
        app = studio_app().run().switch_page("pages/how.py")
        app.query_params["exhibit"] = offered[-1].id
        app.run()
        assert not app.exception and offered[-1].sentence in words_of(app)
        app.query_params["exhibit"] = "nonsense"
        app.run()
        assert not app.exception and offered[0].sentence in words_of(app)
