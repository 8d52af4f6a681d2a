"""The proteins page as Streamlit runs it, against a real backend: from what people paste to scores and files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import BadInput
from backends.folding.structure.geometry import contact_map
from backends.folding.structure.plausibility_checks import check_structure
from backends.folding.structure.reader import read_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_cif, to_pdb
from studio import services
from studio.library.library import Run, Status
from studio.proteins import databases, results, run_data
from studio.proteins import view as protein_view
from studio.proteins.samples import Sample, of_id
from studio.ui import formatting
from tests.support.folding import helix
from tests.support.pages import click, finished, words_of
from tests.support.servers import ModelServer
from tests.support.waiting import wait_for

BUNDLE = "SPEDLVRRALELAKEAAKEGNEELVKLALEIAKRALELAGDPRLVELALRIAIEALRLQ"
"""Three helices with short turns between them, drawn by hand."""


def open_page(app: AppTest) -> AppTest:
    app.run().switch_page("pages/proteins.py").run()
    assert not app.exception
    return app


def paste(app: AppTest, text: str) -> AppTest:
    next(area for area in app.text_area).set_value(text).run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next((button for button in app.button if label in button.label), None)


def model(app: AppTest):
    return next(radio for radio in app.radio if radio.label == "Model")


def look(app: AppTest, view: str) -> AppTest:
    control = next(item for item in app.segmented_control if "Compare" in item.options)
    control.set_value(view).run()
    assert not app.exception and not app.error
    return app


@pytest.fixture(scope="module")
def sample() -> Sample:
    return of_id("helices")


def test_what_cannot_be_read_is_a_sentence_and_cannot_be_run(app: AppTest) -> None:
    open_page(app)
    assert button(app, "Fold it") is None or button(app, "Fold it").disabled
    assert "stays on this computer" in words_of(app) or "is sent to" in words_of(app)
    paste(app, "<html><body>404 Not Found</body></html>")
    assert "web page" in app.error[0].value
    paste(app, "ATGGCCATTGTAATGGGCCGC")
    assert len(app.error) == 1 and "looks like DNA" in app.error[0].value


def test_an_entry_is_fetched_by_its_id_only_when_asked(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    model = to_cif(helix(BUNDLE)).encode()

    def fetch(entry_id: str, source: str, addresses: databases.Addresses) -> databases.Entry:
        asked.append((entry_id, source))
        if entry_id == "9ZZZ":
            raise BadInput("The Protein Data Bank has no entry “9ZZZ”: check the id.")
        return databases.Entry("1UBQ", source, "1UBQ.cif", model, note="From the Protein Data Bank (wwPDB).")

    monkeypatch.setattr(databases, "fetch", fetch)
    open_page(app)
    next(item for item in app.segmented_control if "Fetch by id" in item.options).set_value("Fetch by id").run()
    assert button(app, "Fetch").disabled and "nothing is sent anywhere" not in words_of(app)
    app.text_input[0].set_value("MKTAYIAK").run()
    assert "This is no id of these databases" in words_of(app) and button(app, "Fetch").disabled
    app.text_input[0].set_value("1ubq").run()
    assert "sends the id, and nothing else, to files.rcsb.org" in words_of(app) and not asked
    click(app, "Fetch")
    assert asked == [("1ubq", databases.PDB)] and not app.exception
    assert rf"1UBQ.cif\: a structure file, {len(BUNDLE)} residues" in words_of(app) and button(
        app, "Open the structure"
    )
    app.text_input[0].set_value("9ZZZ").run()
    click(app, "Fetch")
    assert "has no entry “9ZZZ”" in app.error[0].value and "1UBQ.cif" not in words_of(app)


def test_a_sequence_is_told_in_words_and_models_say_what_they_need(app: AppTest) -> None:
    paste(open_page(app), ">two words\nmktayiakqrqisfvkshfsrqleerlgl\nIEVQAPILSRVGDGTQDNLSGAEKAVQ")
    shown = words_of(app)
    assert r"two.txt\: a sequence, 56 residues" in shown and "read as capitals" in shown
    assert "the folding starter, which comes with Fourfold, predicts helices" in shown
    assert model(app).value == "esmfold-starter" and not button(app, "Fold it").disabled
    model(app).set_value("esmfold").run()
    assert "up to 1,000 residues here" in " ".join(map(str, model(app).proto.captions))
    assert not any("Open a structure" in option for option in model(app).options)
    assert button(app, "Download ESMFold (8.44 GB)") is not None and button(app, "Fold it") is None
    model(app).set_value("openfold-ptm").run()
    assert "install it from its own repository" in words_of(app) and button(app, "Download") is None


@pytest.mark.slow
def test_a_sequence_folds_on_a_fresh_machine_and_says_how_little_is_sure(app: AppTest) -> None:
    paste(open_page(app), f">bundle\n{BUNDLE}")
    assert not [slider for slider in app.slider if slider.label == "Recycles"], "it was trained without"
    click(app, "Fold it")
    run = finished(app)
    structure = run_data.load_fold(run).structure
    assert structure.sequence == BUNDLE and (assign_secondary_structure(structure) == "H").mean() > 0.5
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Mean pLDDT"] == f"{structure.confidence.mean():.0f}" and structure.confidence.mean() < 80
    look(app, "About this run")
    assert run.card["id"] == "esmfold-starter"
    assert formatting.WEIGHTS["starter"] in {str(text.value) for text in app.text}


def test_of_several_chains_one_is_chosen_and_the_estimate_is_for_that_one(app: AppTest) -> None:
    paste(open_page(app), f"{BUNDLE}:MKTAYIAKQRQISFVKSHFSRQ")
    chain = next(box for box in app.selectbox if box.label == "Chain")
    assert chain.value == "A" and chain.options == [f"A ({len(BUNDLE)} residues)", "B (22 residues)"]
    assert f"{len(BUNDLE)} residues · takes" in words_of(app)
    chain.set_value("B").run()
    assert not app.exception and "22 residues · takes" in words_of(app)


def test_an_alignment_is_for_coevolution(app: AppTest) -> None:
    rows = ["MKTAYIAKQRQISFVKSHFSRQ", "MKTA-IAKQRQVSFVKSHF-RQ", "MRTAYIAKQKQISFLKSHFSRE"]
    paste(open_page(app), "".join(f">s{k}\n{row}\n" for k, row in enumerate(rows)))
    assert "an alignment, 22 residues, 3 sequences" in words_of(app)
    assert "Half of the residues have 3 sequences or more; the fewest, 2, are at residue 5" in words_of(app)
    assert model(app).value == "coevolution" and not button(app, "Fold it").disabled


@pytest.mark.slow
def test_a_sample_opens_with_confidence_geometry_and_files(app: AppTest, sample: Sample) -> None:
    open_page(app)
    app.segmented_control[0].set_value("Well-known proteins").run()
    next(item for item in app.segmented_control if item.label == "What to try").set_value(sample.kind).run()
    assert model(app).value == "structure" and "neither predicted nor measured" in words_of(app)
    click(app, "Open the structure")
    run = finished(app)
    assert run.title == sample.name and run.facts["length"] == 36
    shown = words_of(app)
    assert "Built by rule, not predicted" in shown and "turned by rule from ideal angles" in shown
    assert "How sure the model is" in shown and "without any confidence" in shown
    assert "possible protein]" in shown and "nothing in its geometry speaks against it" in shown
    look(app, "Geometry")
    assert "**Size for its length**" in words_of(app) and "Ramachandran" in words_of(app)
    assert "0 % off · expected: all L" in words_of(app)
    assert "0 % off · expected: within 15° of the ideal (Engh & Huber 2001); up to 2 % off is usual" in words_of(app)
    with zipfile.ZipFile(io.BytesIO(results.archive(run))) as bundle:
        assert set(bundle.namelist()) == {"model.pdb", "model.cif", "confidence.json", "sanity.json"}
        assert json.loads(bundle.read("sanity.json"))["verdict"] == "good"
    page = results.page(run)
    assert "3Dmol" in page and "https://3dmol.org" not in page.split("</script>")[-1]


@pytest.mark.slow
def test_compared_with_itself_moved_and_with_numbers_of_ones_own(app: AppTest, sample: Sample) -> None:
    paste(open_page(app), sample.text)
    click(app, "Open the structure")
    run, library = finished(app), services.library()
    ours = read_structure(library.only(run.id, "structure", "model.cif"))
    turned = ours.moved(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), np.array([5.0, 6, 7]))
    look(app, "Compare")
    chooser = next(item for item in app.file_uploader if item.label == "Reference")
    chooser.upload("no.pdb", b"this is no structure at all\n" * 5).run()
    click(app, "Compare")
    assert len(app.error) == 1 and not app.exception
    chooser = next(item for item in app.file_uploader if item.label == "Reference")
    chooser.upload("the *truth*.pdb", to_pdb(turned).encode()).run()
    click(app, "Compare")
    for kind in ("comparison", "morph"):  # an open page draws itself again when the first is there
        wait_for(lambda kind=kind: app.run() and library.count(run.id, kind), 60)
    wait_for(lambda: app.run().metric)  # what is kept is shown a moment later
    assert not app.exception and not app.error
    scores = {metric.label: metric.value for metric in app.metric}
    assert scores["TM-score"] == "1.000" and scores["RMSD"] == "0.00 Å" and scores["lDDT-Cα"] == "1.000"
    assert r"the \*truth\*" in words_of(app) and "Nearly the same structure" in words_of(app)

    look(app, "Your numbers")
    table = "residue,charge\n" + "".join(f"{number},{number / 10}\n" for number in ours.numbers)
    numbers = next(item for item in app.file_uploader if "CSV" in item.label)
    numbers.upload("mine.csv", table.encode()).run()
    assert not app.exception and "To colour by: **charge**" in words_of(app)
    assert app.dataframe[0].value["charge"].tolist() == pytest.approx(ours.numbers / 10)

    look(app, "About this run")
    click(app, "Delete this run")
    click(app, "Delete for good")
    assert not app.exception and library.get(run.id) is None


@pytest.mark.slow
def test_a_sure_model_of_an_impossible_chain_is_overruled(app: AppTest, sample: Sample) -> None:
    library = services.library()
    squashed = squeezed(sample)
    paste(open_page(app), to_pdb(squashed))
    click(app, "Open the structure")
    run = finished(app)
    assert "Built by rule" not in words_of(app)
    assert run.facts["sanity"] == "broken" and run.metrics["plddt"]["value"] == pytest.approx(96, abs=0.1)
    assert any("overrules the confidence" in error.value for error in app.error)
    assert {metric.label: metric.value for metric in app.metric}["Mean pLDDT"] == "96"
    assert library.count(run.id, "structure") == 2


@pytest.mark.slow
def test_what_a_language_model_kept_is_judged_and_explained(app: AppTest, sample: Sample) -> None:
    """A run as ESMFold leaves it, kept by hand: recycles, PAE, contacts, attention, mutations."""
    run, length = kept_by_hand(sample)
    app.run().switch_page("pages/proteins.py")
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception and not app.error
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Mean pLDDT"] == "88" and metrics["pTM"] == "0.71"
    look(app, "Confidence")
    shown = words_of(app)
    assert "One firm domain (residues 1–36)" in shown and "Mean pLDDT went from 60 to 88 over 1 recycles" in shown
    look(app, "Inside the model")
    assert "this model's own structure" in words_of(app)
    wait_for(lambda: len(app.run().dataframe) == 2, 60)
    assert services.library().count(run.id, "heads")
    assert not app.exception and not app.error
    heads = app.dataframe[0].value
    assert (heads["layer"][0], heads["head"][0]) == (2, 1), "the head that was made to see contacts comes first"
    assert heads["L/5"][0] == 1 and len(heads) == 4
    touchy = app.dataframe[1].value
    assert touchy["residue"][0].endswith("5") and touchy["mean log-odds"][0] == pytest.approx(-9)
    assert length == 36


@pytest.fixture
def own_esmfold(app: AppTest, model_server: ModelServer, esmfold_folder: Path) -> Iterator[AppTest]:
    """The studio before a backend whose keeper has put a folder of weights into the place for their own."""
    with model_server.with_weights("folding", lambda place: (place / "tiny fold").symlink_to(esmfold_folder)):
        wait_for(lambda: services.backend().info().tasks["folding"].card("yours/tiny fold"))
        yield app


@pytest.mark.slow
def test_weights_of_ones_own_fold_a_sequence_recycle_by_recycle(own_esmfold: AppTest) -> None:
    app = paste(open_page(own_esmfold), ">tiny\nMKTAYIAKQRQISFVKSHFSRQ")
    assert model(app).value == "yours/tiny fold", "one's own comes before the starter"
    assert any("your own, on the model server" in caption for caption in model(app).proto.captions)
    next(slider for slider in app.slider if slider.label == "Recycles").set_value(2).run()
    click(app, "Fold it")
    run = finished(app)
    assert [step.meta["number"] for step in run_data.steps(run.id)] == [0, 1, 2]
    film = protein_view._recycle_film(run.id, run_data.load_fold(run).structure)
    assert len(film) == 1 and len(film[0].frames) == 3
    sure = run_data.load_fold(run).structure.confidence
    assert sure.shape == (22,) and (sure >= 0).all() and (sure <= 100).all() and sure.max() > 1
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Mean pLDDT"] == f"{sure.mean():.0f}" and "Built by rule" not in words_of(app)
    look(app, "About this run")
    assert run.card["title"] == "tiny fold" and formatting.WEIGHTS["yours"] in {str(text.value) for text in app.text}


@pytest.mark.slow
def test_a_cancelled_fold_shows_the_structures_that_were_finished(app: AppTest, sample: Sample) -> None:
    run, _ = kept_by_hand(sample, "cancelled")
    app.run().switch_page("pages/proteins.py")
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception and not app.error
    shown = words_of(app)
    assert "Cancelled. Your protein is kept" in shown and "After round 1 of 1: mean pLDDT 88, pTM 0.60" in shown
    assert "Could it be a protein?" not in shown and not app.segmented_control


def kept_by_hand(sample: Sample, status: Status = "done") -> tuple[Run, int]:
    library = services.library()
    whole = squeezed(sample, 1.0).with_confidence(np.full(36, 88.0))
    length = len(whole)
    run = library.begin(task="folding", title="By hand", engine="esmfold", weights="esmfold")
    told = {"plddt": [88.0] * length, "pae": np.full((length, length), 2.0).tolist(), "ptm": 0.71, "iptm": None}
    library.keep(run.id, "structure", "model.pdb", to_pdb(whole).encode(), file="model.pdb")
    library.keep(run.id, "structure", "model.cif", to_cif(whole).encode(), file="model.cif")
    library.keep(run.id, "confidence", "confidence.json", json.dumps(told).encode(), file="confidence.json")
    library.keep(
        run.id, "sanity", "sanity.json", json.dumps(check_structure(whole).to_json()).encode(), file="sanity.json"
    )
    for number, plddt in enumerate((60.0, 88.0)):
        meta = {"number": number, "total": 1, "plddt": plddt, "ptm": 0.5 + number / 10, "iptm": None}
        step = to_pdb(whole.with_atoms(whole.atoms * (1.1 - number / 10))).encode()
        library.keep(run.id, "recycle", f"{number:02d}", step, file=f"{number:02d}.pdb", meta=meta)
    true = contact_map(whole)
    attention = np.random.default_rng(0).random((2, 2, length, length)) / 10
    attention[1, 0] += true
    mutations = np.full((length, 20), -1.0)
    mutations[4] = -9
    for name, values in (("contacts", true * 0.9), ("attention", attention), ("mutations", mutations)):
        target = io.BytesIO()
        np.savez_compressed(target, **{name: values})
        library.keep(run.id, name, f"{name}.npz", target.getvalue(), file=f"{name}.npz")
    library.finish(run.id, status, 1.0)
    return run, length


def squeezed(sample: Sample, share: float = 0.5) -> Structure:
    """The sample at a share of its size, by a model that says it is sure of it."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.pdb"
        path.write_text(sample.text)
        whole = read_structure(path)
    return whole.with_atoms(whole.atoms * share).with_confidence(np.full(len(whole), 96.0))


@pytest.mark.slow
def test_an_address_of_a_protein_that_is_gone(app: AppTest) -> None:
    app.run().switch_page("pages/proteins.py")
    app.query_params["run"] = "no-such-run-of-anybody"
    app.run()
    assert not app.exception and "no such run" in words_of(app)
