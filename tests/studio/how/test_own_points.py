"""Points out of finished runs: angles of a fold, pitch and loudness of a song."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from backends.core.errors import BadInput
from studio import services
from studio.how import own_points
from tests.support import findings
from tests.support.pages import fresh_services, studio_app, words_of
from tests.support.two_helices import structure


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield


def test_the_angles_of_two_helices_lie_where_helices_do() -> None:
    points, names = own_points.fold_points(findings.fold(structure()))
    assert names == ("φ in degrees", "ψ in degrees")
    assert np.median(points, axis=0) == pytest.approx([-60, -45], abs=15)


@pytest.mark.slow
def test_a_voice_that_sings_an_a_lies_at_its_pitch() -> None:
    points, _ = own_points.song_points(findings.song("An A"))
    assert np.median(points[:, 0]) == pytest.approx(69, abs=0.2)
    assert points[:, 1].max() == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=1)


def test_a_song_without_sound_says_so() -> None:
    library = services.library()
    run = library.begin(task="separation", title="Gone", engine="dsp", weights="dsp")
    with pytest.raises(BadInput, match="not in the library"):
        own_points.song_points(run)


@pytest.mark.slow
def test_the_page_offers_them_and_a_run_that_is_gone_becomes_a_sentence() -> None:
    run = findings.fold(structure())
    app = studio_app().run().switch_page("pages/how.py")
    app.query_params.update({"exhibit": "gan", "from": run.id})
    app.run()
    assert not app.exception
    assert next(box for box in app.selectbox if "learn what you made" in box.label).value == run.id
    app.query_params["from"] = "nothing"
    app.run()
    assert not app.exception and "not here" in words_of(app)
