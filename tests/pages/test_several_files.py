"""Several files at once: a run for each, one place where they stand, and their results in one zip."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backends.folding.structure.writer import to_pdb
from studio import services
from studio.web.many_runs import zip_entries, zip_stream
from tests.support.clips import Small
from tests.support.folding import helix
from tests.support.pages import click, words_of
from tests.support.waiting import wait_for


def png() -> bytes:
    """A picture of two halves."""
    target = io.BytesIO()
    Image.fromarray(np.repeat(np.array([[40, 200]], np.uint8), 96, 0).repeat(64, 1)).save(target, "PNG")
    return target.getvalue()


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.url for link in app.get("link_button")}


def ids_of(app: AppTest) -> list[str]:
    value = app.query_params["runs"]
    return (value if isinstance(value, str) else value[0]).split(",")


def wait_for_all(app: AppTest) -> list[str]:
    ids = ids_of(app)
    wait_for(lambda: all((run := services.library().get(one)) and run.finished for one in ids), 120)
    app.run()
    assert not app.exception
    return ids


@pytest.mark.slow
def test_two_structures_are_opened_and_taken_away_together(app: AppTest) -> None:
    app.run().switch_page("pages/proteins.py").run()
    next(item for item in app.segmented_control if "Paste" in item.options).set_value("Choose a file").run()
    files = [
        (f"{name}.pdb", to_pdb(helix(letters)).encode())
        for name, letters in (("one", "AEAAAK" * 3), ("two", "AAAAEK" * 4))
    ]
    app.file_uploader[0].set_value([(name, data, "chemical/x-pdb") for name, data in files]).run()
    assert not app.exception
    assert "one.pdb: a structure file, 18 residues" in words_of(app).replace("\\", "")
    click(app, "Work on 2 proteins")
    ids = wait_for_all(app)
    assert [services.library().get(one).facts["sequence"] for one in ids] == ["AEAAAK" * 3, "AAAAEK" * 4]
    assert "2 proteins" in words_of(app) and words_of(app).count(":material/check_circle: Done") == 2
    assert links(app)["Download all results (ZIP)"].endswith(f"/runs.zip?ids={','.join(ids)}")

    entries = zip_entries(services.library(), ids)
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_stream(entries)))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {"one/model.pdb", "one/model.cif", "two/model.pdb", "two/sanity.json"} <= set(names)
        assert not any("input" in name for name in names)
        library = services.library()
        stored = next(item for item in library.artifacts(ids[1], "structure") if item.name == "model.pdb")
        assert archive.read("two/model.pdb") == library.local(ids[1], stored).read_bytes()


@pytest.mark.slow
def test_the_sequences_of_one_file_are_folded_one_by_one_where_they_are_proteins_of_their_own(app: AppTest) -> None:
    app.run().switch_page("pages/proteins.py").run()
    app.text_area[0].set_value(">alpha\nAEAAAKAEAAAK\n>beta\nTVTVTVKGTVTVTV\n").run()
    choice = next(radio for radio in app.radio if radio.label == "2 sequences are")
    assert choice.value == "Chains of one complex"
    choice.set_value("Proteins of their own").run()
    assert not app.exception
    click(app, "Work on 2 proteins")
    ids = wait_for_all(app)
    runs = [services.library().get(one) for one in ids]
    assert [(run.title, run.facts.get("sequence")) for run in runs] == [
        ("alpha", "AEAAAKAEAAAK"),
        ("beta", "TVTVTVKGTVTVTV"),
    ]


@pytest.mark.slow
def test_a_video_and_a_picture_are_each_made_into_what_they_can_be(app: AppTest, small: Small) -> None:
    app.run().switch_page("pages/videos.py").run()
    app.file_uploader[0].set_value(
        [("still.png", png(), "image/png"), ("clip.mp4", small.video.read_bytes(), "video/mp4")]
    ).run()
    assert not app.exception and "Part to work on" not in {slider.label for slider in app.slider}
    click(app, "Cut out 2 files")
    ids = wait_for_all(app)
    made = {run.title: run for run in map(services.library().get, ids)}
    assert {title: run.status for title, run in made.items()} == {"clip": "done", "still": "done"}
    assert made["clip"].options["export"] == "prores4444" and made["still"].options["export"] == "png"
    names = {name for name, _ in zip_entries(services.library(), ids)}
    assert any(name.startswith("clip/") and name.endswith(".mov") for name in names)
    assert any(name.startswith("still/") and name.endswith(".png") for name in names)


@pytest.mark.slow
def test_runs_that_did_not_finish_say_why_and_can_be_tried_again(app: AppTest) -> None:
    library = services.library()
    runs = [library.begin(task="separation", title=title, engine="dsp", weights="dsp") for title in ("a", "b", "c")]
    library.finish(runs[0].id, "failed", 1.0, "The song is silent.")
    library.finish(runs[1].id, "cancelled", 1.0)
    library.keep(runs[2].id, "stem", "vocals", b"x" * 10, file="vocals.wav")
    library.finish(runs[2].id, "done", 2.0)
    app.run().switch_page("pages/songs.py")
    app.query_params["runs"] = ",".join(run.id for run in runs)
    app.run()
    assert not app.exception
    shown = words_of(app)
    assert "Did not work: The song is silent." in shown and "Cancelled" in shown and "Done, took 2 s" in shown
    assert sum(button.label == "Try again" for button in app.button) == 2
    assert links(app)["Download what is done (1)"].endswith(runs[2].id)


def test_an_address_without_runs_leads_back(app: AppTest) -> None:
    app.run().switch_page("pages/songs.py")
    app.query_params["runs"] = "nothing,there"
    app.run()
    assert not app.exception and "There are no such runs here" in words_of(app)
