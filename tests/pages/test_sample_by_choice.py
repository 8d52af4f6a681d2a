"""The sample is run as the page says: by the model and with the options that are chosen beside its button."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import studio.songs.sample
import studio.videos.sample
from studio import services
from studio.library.library import Run
from tests.support.clips import Small
from tests.support.pages import click

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_samples(small: Small, short_song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = studio.videos.sample.SampleClip("Sample clip", small.video, small.alpha, "")
    song = studio.songs.sample.SampleSong("Sample song", short_song, {}, "")
    monkeypatch.setattr(studio.videos.sample, "clip", lambda: clip)
    monkeypatch.setattr(studio.songs.sample, "song", lambda: song)


@pytest.fixture
def started() -> Iterator[list[Run]]:
    """The runs that a test has begun; none of them works on beyond it."""
    runs: list[Run] = []
    yield runs
    for run in runs:
        services.jobs().cancel(run.id)


def choose(app: AppTest, label: str, value: str) -> None:
    next(radio for radio in app.radio if radio.label == label).set_value(value).run()
    assert not app.exception


def newest(app: AppTest) -> Run:
    assert not app.exception
    return services.library().list(limit=1)[0]


def test_the_sample_clip_is_cut_out_by_the_model_that_the_page_names(app: AppTest, started: list[Run]) -> None:
    app.run().switch_page("pages/videos.py").run()
    choose(app, "Model", "modnet-starter")
    click(app, "Or try the sample clip")
    started.append(newest(app))
    assert (started[0].title, started[0].weights) == ("Sample clip", "modnet-starter")
    assert started[0].options == {"export": "webm"}


def test_the_sample_song_is_split_by_the_model_and_into_the_stems_that_are_chosen(
    app: AppTest, started: list[Run]
) -> None:
    app.run().switch_page("pages/songs.py").run()
    choose(app, "Model", "htdemucs-starter")
    choose(app, "Stems", "Two: vocals, and everything but vocals")
    click(app, "Or try the sample song")
    started.append(newest(app))
    assert (started[0].title, started[0].weights) == ("Sample song", "htdemucs-starter")
    assert started[0].options["stems"] == "vocals"


def test_a_sample_waits_for_a_model_that_has_to_be_downloaded_first(app: AppTest) -> None:
    app.run().switch_page("pages/videos.py").run()
    choose(app, "Model", "modnet-photographic")
    way = next(button for button in app.button if button.label == "Or try the sample clip")
    assert way.disabled and "Download the model below first" in way.help
