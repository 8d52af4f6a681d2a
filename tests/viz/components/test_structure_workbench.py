"""What the structure workbench is told, and tables of one's own numbers."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backends.core.errors import BadInput, TooLarge, UserError
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from evaluation.synthetic.proteins import build_chain
from studio.web.vendor import routes
from viz.components.structure_workbench import Column, Film, Frame, manifest, parse_csv
from viz.components.structure_workbench.packing import MAX_MAP, pack_contacts, pack_pae
from viz.vendor import THREEDMOL_ADDRESS, THREEDMOL_SHA256

HELIX = build_chain([(-57.0, -47.0)] * 12, "MAEKLLRKAEEL").with_confidence(np.linspace(30, 96, 12))


def two_chains() -> Structure:
    """Residues 5 to 10 as A, then 5, 6, 6A, 7, 8, 9 as B."""
    insertions = np.array([""] * 8 + ["A"] + [""] * 3, dtype="<U1")
    numbers = np.array([5, 6, 7, 8, 9, 10, 5, 6, 6, 7, 8, 9])
    return replace(HELIX, chains=np.array(["A"] * 6 + ["B"] * 6), numbers=numbers, insertions=insertions)


def bytes_of(text: str, kind: str = "u1") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_structure_arrives_whole() -> None:
    told = json.loads(json.dumps(manifest("run", "Helix", two_chains())))
    packed = told["structure"]
    assert packed["sequence"] == "MAEKLLRKAEEL"
    assert packed["chains"] == [["A", 0, 6], ["B", 6, 12]]
    assert packed["insertions"][8] == "A" and packed["numbers"][8] == 6
    assert packed["secondary"].count("H") >= 4 and set(packed["secondary"]) <= set("HE-")
    assert packed["linked"][5] == "0", "a new chain begins"
    assert packed["gaps"] == [], "where a chain ends nothing is missing"
    xyz = bytes_of(packed["xyz"], "<f4").reshape(-1, 3)
    assert np.array_equal(xyz, HELIX.atoms[HELIX.mask])
    assert bytes_of(packed["counts"]).tolist() == HELIX.mask.sum(axis=1).tolist()
    assert told["plddt"] == 63.0 and told["colour"] == "plddt" and told["style"] == "cartoon"


def test_gaps_of_a_chain_travel_with_how_many_residues_miss() -> None:
    cut = HELIX.select(np.r_[0:4, 8:12])
    packed = manifest("run", "Helix", cut)["structure"]
    assert packed["gaps"] == [[3, 4, 4]] and packed["linked"][3] == "0"


def test_errors_and_contacts_keep_their_sides() -> None:
    pae = np.zeros((12, 12))
    pae[2, 5], pae[5, 2] = 20.1, 99
    predicted, true = np.zeros((12, 12)), np.zeros((12, 12), dtype=bool)
    predicted[1, 7], true[2, 8] = 0.5, True
    predicted, true = predicted + predicted.T, true | true.T
    told = manifest("run", "x", HELIX, confidence=Confidence(pae=pae, ptm=0.5), contacts=predicted, true_contacts=true)
    cells = bytes_of(told["pae"]["cells"]).reshape(12, 12) * told["pae"]["unit"]
    assert cells[2, 5] == pytest.approx(20.1, abs=0.125)
    assert cells[5, 2] == 63.5, "the most that is told apart"
    contacts = bytes_of(told["contacts"]["cells"]).reshape(12, 12) * told["contacts"]["unit"]
    assert contacts[1, 7] == pytest.approx(0.5) and contacts[7, 1] == 0
    assert contacts[8, 2] == pytest.approx(1) and contacts[2, 8] == 0
    alone = pack_contacts(None, true)
    assert bytes_of(alone["cells"]).reshape(12, 12)[2, 8] == 255, "nothing was predicted"


def test_large_maps_become_means_of_blocks() -> None:
    pae = np.full((MAX_MAP + 1, MAX_MAP + 1), 4.0, dtype=np.float32)
    pae[:2, :2] = [[0, 8], [8, 0]]
    packed = pack_pae(pae)
    cells = bytes_of(packed["cells"]).reshape(packed["size"], packed["size"])
    assert (packed["size"], packed["step"]) == (1001, 2)
    assert cells[0, 0] == cells[-1, -1] == 16, "4 Å each"


def test_colourings_hold_values_and_grey_what_is_missing() -> None:
    lddt = np.linspace(0, 1, 12)
    lddt[3] = np.nan
    told = manifest("run", "x", HELIX, columns=[Column("lddt", "lDDT", lddt, low=0, high=1)], colour="lddt")
    schemes = {scheme["id"]: scheme for scheme in told["colourings"]}
    assert list(schemes) == ["plddt", "chain", "secondary", "rainbow", "hydropathy", "lddt"]
    bands = [(band["from"], band["colour"]) for band in schemes["plddt"]["bands"]]
    assert bands == [(90, "#0053d6"), (70, "#65cbf3"), (50, "#ffdb13"), (0, "#ff7d45")]
    assert schemes["hydropathy"]["values"][:4] == [1.9, 1.8, -3.5, -3.9]
    assert schemes["rainbow"]["values"][0] == 0 and schemes["rainbow"]["values"][-1] == 100
    assert schemes["lddt"]["values"][3] is None and schemes["lddt"]["values"][-1] == 1
    experiment = manifest("run", "x", HELIX.with_confidence(np.full(12, np.nan)))
    assert "plddt" not in [scheme["id"] for scheme in experiment["colourings"]]


def test_a_film_keeps_the_atoms_that_every_frame_has() -> None:
    mask = HELIX.mask.copy()
    mask[4, 3] = False
    lacking = replace(HELIX, mask=mask)
    film = Film("f", "Film", [Frame(HELIX, "one", ptm=0.25), Frame(lacking, "two", 71.23)], rows=None)
    told = manifest("run", "x", HELIX, films=[film])["films"][0]
    assert bytes_of(told["counts"]).sum() == HELIX.mask.sum() - 1
    assert len(bytes_of(told["frames"][0]["xyz"], "<f4")) == 3 * (HELIX.mask.sum() - 1)
    assert [(frame["plddt"], frame["ptm"]) for frame in told["frames"]] == [(63.0, 0.25), (71.2, None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"contacts": np.zeros((3, 3))},
        {"confidence": Confidence(pae=np.zeros((11, 11)))},
        {"columns": [Column("a", "A", np.zeros(3))]},
        {"columns": [Column("chain", "A", np.zeros(12))]},
        {"films": [Film("f", "F", [])]},
        {"films": [Film("f", "F", [Frame(HELIX, "x")], rows=[0, 1])]},
        {"selection": [12]},
        {"colour": "nothing"},
        {"style": "nothing"},
    ],
)
def test_parts_that_do_not_fit_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError):
        manifest("run", "x", HELIX, **wrong)


def values_of(text: str | bytes, structure: Structure = HELIX) -> dict[str, list[float]]:
    data = text if isinstance(text, bytes) else text.encode()
    return {column.label: column.values.tolist() for column in parse_csv(data, structure)}


def test_a_table_is_laid_on_its_residues() -> None:
    nan = float("nan")
    found = values_of("residue;note;Energy (kcal)\n3;kept;-1,5\n1;;2\n12;;n/a\n99;;4\n")
    assert list(found) == ["Energy (kcal)"], "words are no column to colour by"
    assert found["Energy (kcal)"] == pytest.approx([2, nan, -1.5, *[nan] * 9], nan_ok=True)
    assert parse_csv(b"resi,x\n1,-3\n2,5\n", HELIX)[0].diverging
    whole = values_of(("value\n" + "\n".join(map(str, range(12)))).encode("utf-8-sig"))
    assert whole["value"] == list(range(12)), "one row a residue needs no numbers"
    assert values_of("value\tpos\n0.5\t2\n".encode("utf-16"))["value"][1] == 0.5


def test_chains_and_insertion_codes_are_told_apart() -> None:
    found = values_of("chain,residue,x\nA,6,1\nB,6,2\nB,6A,3\n", two_chains())["x"]
    assert (found[1], found[7], found[8]) == (1, 2, 3) and np.isnan(found[6])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"residue,x\n", "no rows"),
        (b"residue,x\n1,2\n\x00\x01", "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"residue,x\n1,\xff\xfe\n", "UTF-8"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"residue,x\n1,2,3\n", "Row 2"),
        (b"residue,x\nabc,2\n", 'no residue number, but "abc"'),
        (b"residue,x\n1,2\n1,3\n", "Rows 2 and 3"),
        (b"residue,x\n501,2\n", "None of the residues"),
        (b"residue,x\n1,2\n2,3\n3,oops\n", '"oops" instead of a number in row 4'),
        (b"residue,x\n1,inf\n", "no column of numbers"),
        (b"residue,note\n1,yes\n", "no column of numbers"),
        (b"x\n1\n2\n", "2 rows and the structure 12 residues"),
        (b"residue,x\n1_0,3\n", "no residue number"),
        (b"residue,x\n1e9,3\n", "no residue number"),
        (b'residue,x\n"' + b"a" * 200_000 + b'",1\n', "CSV"),
    ],
)
def test_a_bad_table_is_said_in_one_sentence(table: bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_csv(table, HELIX)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "table",
    [b"x," * 60 + b"\n1\n", b"residue,x\n" + b"1,1\n" * 6000, b"a" * (9 << 20)],
    ids=["columns", "rows", "bytes"],
)
def test_a_huge_table_is_refused_early(table: bytes) -> None:
    with pytest.raises(TooLarge):
        parse_csv(table, HELIX)


def test_two_chains_need_a_column_of_chains() -> None:
    with pytest.raises(UserError, match="2 chains \\(A, B\\)"):
        parse_csv(b"residue,x\n5,1\n", two_chains())


def test_3dmol_comes_from_here_unchanged() -> None:
    client = TestClient(Starlette(routes=routes("/studio")))
    answer = client.get(f"/studio{THREEDMOL_ADDRESS}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert hashlib.sha256(answer.content).hexdigest() == THREEDMOL_SHA256
    again = client.get(f"/studio{THREEDMOL_ADDRESS}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
