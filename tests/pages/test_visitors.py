"""Pages of two visitors who logged in: neither sees what is the other's, whatever address they open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from studio import services, streamlit_patches, visitors
from studio.pictures.schema import ProjectState
from studio.pictures.task import projects
from tests.support.findings import song, told
from tests.support.pages import fresh_services, studio_app, words_of

ISSUER = "https://id.example"
ADA = f"{ISSUER}|ada"


@dataclass
class Door:
    """Whoever comes in next."""

    claims: dict[str, Any] = field(default_factory=dict)

    def enter(self, name: str) -> None:
        who = {"iss": ISSUER, "sub": name, "email": f"{name}@lab.example", "is_logged_in": True}
        self.claims = who if name else {}


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A studio that asks for a log-in; a test says who comes."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    settings = {"client_id": "fourfold", "server_metadata_url": ISSUER}
    made, read = Door(), streamlit_patches.page_claims
    monkeypatch.setattr(streamlit_patches, "auth_settings", lambda: settings)
    monkeypatch.setattr(streamlit_patches, "page_claims", lambda: None if read() is None else made.claims)
    with fresh_services(wait=False):
        yield made


def words(page: str, **query: str) -> str:
    """What a page shows to whoever stands at the door."""
    app = studio_app()
    if page != "pages/home.py":
        app.run().switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    links = [link.proto.label for link in app.get("page_link")]
    return "\n".join([words_of(app), *links, *(field.value or "" for field in app.text_area)])


TITLE = "Moonlight of Ada"


@pytest.fixture
def hers(door: Door) -> dict[str, dict[str, str]]:
    """What the addresses of Ada's things hold, by page."""
    with visitors.acting(ADA):
        run = song(TITLE)
        finding, story = told(run)
        token = projects().create(ProjectState(name=f"Pictures: {TITLE}")).token
    return {
        "pages/songs.py": {"run": run.id},
        "pages/findings.py": {},
        "pages/findings.py?finding": {"view": "findings", "finding": finding.id},
        "pages/findings.py?story": {"view": "stories", "story": story.id},
        "pages/findings.py?compare": {"compare": f"{run.id},{run.id}"},
        "pages/findings.py?search": {"q": "moon"},
        "pages/inside.py": {"run": run.id},
        "pages/how.py": {"exhibit": "vae", "stem": f"{run.id}.vocals"},
        "pages/pictures.py": {"project": token},
        "pages/home.py": {},
    }


@pytest.mark.slow
def test_no_page_shows_what_is_anothers(door: Door, hers: dict[str, dict[str, str]]) -> None:
    seen = {}
    for name in ("ada", "bob"):  # in this order: what her pages have read is in the studio's memory by then
        door.enter(name)
        seen[name] = {page: words(page.partition("?")[0], **query) for page, query in hers.items()}
    for page, text in seen["bob"].items():
        assert TITLE not in text and "It can be heard" not in text, page
    for page in ("pages/songs.py", "pages/findings.py", "pages/inside.py", "pages/pictures.py", "pages/home.py"):
        assert TITLE in seen["ada"][page], page
    assert "Logged in as bob" in seen["bob"]["pages/home.py"]


def test_whoever_has_not_logged_in_is_shown_the_way_in_and_nothing_else(
    door: Door, hers: dict[str, dict[str, str]]
) -> None:
    door.enter("")
    app = studio_app()
    app.query_params["run"] = hers["pages/songs.py"]["run"]
    app.run()
    assert not app.exception and [button.label for button in app.button] == ["Log in"]
    assert TITLE not in words_of(app)
    assert services.library().total() == 1, "upkeep sees everything all the same"


def test_a_studio_without_a_log_in_says_nothing_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        song(TITLE)
        text = words("pages/home.py")
        assert TITLE in text and "Log" not in text
