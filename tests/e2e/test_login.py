"""Two visitors log in at a real provider: each sees their own library, and neither the other's by its address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import services, visitors
from studio.findings import builtin
from studio.web import urls
from tests.support.browser import SLOW_MS, Studio, free_port
from tests.support.findings import song
from tests.support.oidc import provider, secrets_toml
from tests.support.pages import fresh_services

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def lab(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a studio that asks visitors to log in; its model server is away."""
    pytest.importorskip("authlib", reason="Authlib is not installed: pip install -r requirements-login.txt")
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with provider() as issuer, fresh_services(wait=False):
        port = free_port()
        secrets = own_home / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        secrets.write_text(secrets_toml(issuer, f"http://127.0.0.1:{port}"))
        (own_home / "samples").mkdir(exist_ok=True)
        (own_home / "samples" / f"story-{builtin.BUNDLE.stat().st_size}").touch()  # the built-in story stays away
        with monkeypatch.context() as patch:
            patch.setenv("HOME", str(own_home))
            running = Studio(own_home, port)
        yield running.address
        running.stop()


def log_in(page: Any, studio: str, name: str) -> None:
    page.goto(studio)
    page.get_by_role("button", name="Log in").click(timeout=SLOW_MS)
    page.get_by_role("link", name=name).click(timeout=SLOW_MS)
    page.get_by_text(f"Logged in as {name}@lab.example").wait_for(timeout=SLOW_MS)


def test_each_visitor_has_their_own_library(lab: str, page: Any, chromium: Any) -> None:
    page.goto(f"{lab}/findings")
    page.get_by_role("button", name="Log in").wait_for(timeout=SLOW_MS)
    assert "Findings" not in page.inner_text("body"), "nothing of the studio is shown before"
    log_in(page, lab, "ada")

    issuer = next(iter(services.library().list()), None)
    assert issuer is None, "logging in makes nothing"
    _, _, who = page.evaluate("[1, 2, document.cookie]")
    assert "_streamlit_user" not in who, "no script reads who it is"

    # What the pages of Ada would make; the provider's name for her is what makes it hers.
    hers = song_of(page, lab, "id-ada", "Ada's song")
    page.goto(f"{lab}/findings")
    page.get_by_role("link", name="Ada's song").first.wait_for(timeout=SLOW_MS)
    (upload,) = services.library().artifacts(hers, "input")
    address = f"{lab}{urls.file_url(hers, upload)}"
    assert page.request.get(address).body() == b"fLaC of the visitor"

    other = chromium.new_context()
    try:
        stranger = other.new_page()
        assert stranger.request.get(address).status == 404
        log_in(stranger, lab, "bob")
        assert stranger.request.get(address).status == 404
        stranger.goto(f"{lab}/findings")
        stranger.get_by_text("Logged in as bob@lab.example").wait_for(timeout=SLOW_MS)
        assert "Ada's song" not in stranger.inner_text("body")
        stranger.goto(f"{lab}/songs?run={hers}")
        stranger.get_by_text("There is no such run here").wait_for(timeout=SLOW_MS)
        assert "Ada's song" not in stranger.inner_text("body")
    finally:
        other.close()

    page.goto(lab)
    page.get_by_role("button", name="Log out").click(timeout=SLOW_MS)
    page.get_by_role("button", name="Log in").wait_for(timeout=SLOW_MS)
    assert page.request.get(address).status == 404


def song_of(page: Any, lab: str, subject: str, title: str) -> str:
    """The id of a finished song of the visitor whom the provider calls `subject`."""
    secrets = Path(services.library().storage.root).parent / ".streamlit" / "secrets.toml"
    issuer = secrets.read_text().partition('server_metadata_url = "')[2].partition("/.well-known")[0]
    with visitors.acting(f"{issuer}|{subject}"):
        return song(title).id
