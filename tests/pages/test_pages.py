"""Pages as Streamlit runs them, against a real backend: what stands there, what a click does, what bad input says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from studio import services
from studio.jobs.view import JobView
from tests.support.pages import click, studio_app, words_of
from tests.support.waiting import PATIENCE, wait_for


def test_home_says_what_it_does_and_offers_the_sample(app: AppTest) -> None:
    app.run()
    assert not app.exception and app.title[0].value == "Fourfold"
    assert "Nothing yet" in words_of(app)
    assert {"Try the sample song", "Use a song of your own"} <= {button.label for button in app.button}


@pytest.mark.slow
def test_the_songs_page_lists_every_model_with_its_size_and_what_it_is_weak_at(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py").run()
    assert not app.exception
    model = next(radio for radio in app.radio if radio.label == "Model")
    assert model.value == "dsp" and len(model.options) >= 4
    assert "Weak at:" in words_of(app)
    split = next(button for button in app.button if button.label == "Split the song")
    assert split.disabled


@pytest.mark.slow
def test_a_model_that_is_not_here_is_an_explained_state_with_its_size_and_licence(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py").run()
    next(radio for radio in app.radio if radio.label == "Model").set_value("htdemucs").run()
    assert not app.exception
    assert "is not on the model server yet" in words_of(app) and "research" in words_of(app)
    assert any("Download Demucs (84" in button.label for button in app.button)
    assert not any(button.label == "Split the song" for button in app.button)


def test_a_picture_named_mp3_gets_a_sentence_and_cannot_be_run(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py").run()
    app.file_uploader[0].upload("holiday.mp3", PNG).run()
    assert not app.exception and len(app.error) == 1
    assert "sound" in app.error[0].value or "audio" in app.error[0].value
    assert next(button for button in app.button if button.label == "Split the song").disabled


def split(app: AppTest, song: Path) -> str:
    """Upload the song, split it, and stay on its finished run; returns the run's id."""
    app.run().switch_page("pages/songs.py").run()
    app.file_uploader[0].upload("my *song*.wav", song.read_bytes()).run()
    assert "8 s, stereo, 44.1 kHz" in words_of(app)
    click(app, "Split the song")
    run = services.library().list()[0]
    wait_for(lambda: (view := services.jobs().get(run.id)) is None or view.ended, 120)
    app.run()
    assert services.library().get(run.id).status == "done", services.library().get(run.id).error
    return run.id


@pytest.mark.slow
def test_a_song_is_split_listened_to_judged_and_deleted(app: AppTest, short_song: Path) -> None:
    run_id = split(app, short_song)
    assert not app.exception and r"my \*song\*" in words_of(app)
    wait_for(lambda: "Do the stems add up" in words_of(app.run()), 120)
    assert services.library().count(run_id, "quality") and "The whole song" in words_of(app)
    app.segmented_control[0].set_value("Compare with true stems").run()
    assert "original tracks" in words_of(app)
    app.segmented_control[0].set_value("About this run").run()
    assert "SHA-256 of the file" in words_of(app) and "my *song*.wav" in [text.value for text in app.text]
    click(app, "Delete this run")
    assert "lies in the trash" in words_of(app) and services.catalogue().get(run_id).trashed
    click(app, "Undo")
    assert "lies in the trash" not in words_of(app) and services.library().list()[0].id == run_id
    click(app, "Delete this run")
    click(app, "Delete for good")
    assert not app.exception and services.library().get(run_id) is None


@pytest.mark.slow
def test_a_song_is_split_again_with_other_options_from_its_earlier_run(app: AppTest, short_song: Path) -> None:
    first = split(app, short_song)
    app.segmented_control[0].set_value("About this run").run()
    click(app, "Run it with other options")
    assert not app.exception and "8 s, stereo, 44.1 kHz" in words_of(app)
    assert not [box for box in app.file_uploader if box.label.startswith("Your songs")]
    next(radio for radio in app.radio if radio.label == "Stems").set_value("Two: vocals, and everything but vocals")
    click(app, "Split the song")
    second = services.library().list()[0]
    assert second.id != first and second.options == {"stems": "vocals"} and second.title == "my *song*"
    assert second.inputs == services.library().get(first).inputs
    wait_for(lambda: (view := services.jobs().get(second.id)) is None or view.ended, 120)
    app.switch_page("pages/songs.py")
    app.query_params.pop("run", None)
    app.query_params["from"] = second.id
    app.run()
    assert next(radio for radio in app.radio if radio.label == "Stems").value.startswith("Two: vocals")
    click(app, "Choose another song")
    assert [box for box in app.file_uploader if box.label.startswith("Your songs")]


@pytest.mark.slow
def test_true_stems_of_another_song_get_a_sentence_and_the_right_ones_a_score(
    app: AppTest, short_song: Path, tmp_path: Path
) -> None:
    run_id = split(app, short_song)
    app.segmented_control[0].set_value("Compare with true stems").run()
    soundfile.write(tmp_path / "short.wav", np.full((44100, 2), 0.1), 44100)
    give(app, (tmp_path / "short.wav").read_bytes())
    wait_for(lambda: app.run().error, 2 * PATIENCE)
    assert "same song" in app.error[0].value and not app.exception
    give(app, (short_song.parent / "vocals.wav").read_bytes())
    wait_for(lambda: app.run().metric, 2 * PATIENCE)  # it is kept a moment before it is shown
    assert services.library().count(run_id, "score-totals")
    (metric,) = app.metric
    assert metric.label == "SI-SDR vocals" and float(metric.delta.split()[0]) > 2


def give(app: AppTest, vocals: bytes) -> None:
    """Hand in true vocals and compare."""
    next(box for box in app.file_uploader if box.label == "True vocals").upload("vocals.wav", vocals).run()
    click(app, "Compare")


def test_an_address_of_a_run_that_is_gone(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py")
    app.query_params["run"] = "no-such-run-of-anybody"
    app.run()
    assert not app.exception and "no such run" in words_of(app)


@pytest.mark.slow
def test_a_run_that_ends_while_its_page_is_drawn_is_not_taken_for_somebody_elses(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, jobs = services.library(), services.jobs()
    run = library.begin(task="separation", title="a", engine="dsp", weights="dsp", card={}, options={}, inputs=[])
    jobs._start(run.id, JobView(run.id, "separation", "a", "dsp"), lambda job: job.cancelled.wait())
    real = library.get

    def read_just_before_the_end(run_id: str) -> Any:
        monkeypatch.setattr(library, "get", real)
        read = real(run_id)
        jobs.cancel(run_id)
        wait_for(lambda: jobs.get(run_id).ended)
        return read

    monkeypatch.setattr(library, "get", read_just_before_the_end)
    app.run().switch_page("pages/songs.py")
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception and "Cancelled." in words_of(app) and "another studio" not in words_of(app)


def test_without_a_model_server_old_results_and_words_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    services.stop()
    services.backend().state(fresh=True)
    app = studio_app().run()
    assert "does not answer" in words_of(app) and "Finished results stay" in words_of(app)
    app.switch_page("pages/songs.py").run()
    assert not app.exception and "Finished results are on the home page" in words_of(app)
    services.stop()


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
