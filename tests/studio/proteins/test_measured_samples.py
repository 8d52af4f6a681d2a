"""The measured structures to try show what their sentences promise."""

from __future__ import annotations

import numpy as np
import pytest

from backends.folding.structure.chain_contacts import meetings
from backends.folding.structure.contents import bridges, gaps, neighbourhoods
from backends.folding.structure.reader import parse_contents, parse_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_cif
from studio.proteins.samples import ENTRIES, FOLDER, MEASURED, of_id, samples

MAX_BYTES = 400_000


def opened(sample_id: str, assembly: str = "") -> Structure:
    return parse_structure(of_id(sample_id).text, assembly=assembly)


def kinds(structure: Structure) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in neighbourhoods(structure):
        found[one.component] = found.get(one.component, 0) + 1
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_has_a_sentence_for_everybody_one_for_experts_and_a_credit(entry) -> None:
    sample = of_id(entry.id)
    assert sample.kind == MEASURED and sample.sentence.endswith(".") and sample.expert.endswith(".")
    assert entry.file[:4] in sample.credit and "CC0" in sample.credit and entry.paper in sample.credit
    assert (FOLDER / f"{entry.file}.gz").stat().st_size < MAX_BYTES
    structure = opened(entry.id)
    assert structure.method == "experiment" and structure.title and structure.experiment
    assert np.isnan(structure.confidence).all(), "an experiment has no pLDDT"
    again = parse_structure(to_cif(structure))
    assert (again.experiment, again.resolution) == (structure.experiment, structure.resolution), "kept in the files"


def test_the_first_sample_is_measured() -> None:
    assert samples()[0].kind == MEASURED


def test_trypsin_has_its_inhibitor_its_calcium_and_six_bridges() -> None:
    structure = opened("trypsin")
    assert {"GBS", "CA", "SO4"} <= kinds(structure).keys() and len(bridges(structure)) == 6
    assert structure.resolution == 2.0 and len(structure.factors)
    [inhibitor] = [one for one in neighbourhoods(structure) if one.component == "GBS"]
    assert 195 in structure.numbers[list(inhibitor.rows)], "bound to Ser195"


def test_the_capsid_is_half_of_a_pair() -> None:
    _, [assembly] = parse_contents(of_id("capsid").text, 5_000)
    assert assembly.composition == "2 chains, made of 1 by 2 operations" and not assembly.deposited
    pair = opened("capsid", "1")
    assert [name for name, _ in pair.chain_slices()] == ["A1", "A2"] and len(pair) == 2 * len(opened("capsid"))
    [meeting] = meetings(pair)
    assert 400 < meeting.area < 1_000


def test_the_repressor_lies_on_its_dna() -> None:
    structure = opened("repressor")
    assert (structure.others.kinds == "nucleic").any() and kinds(structure)["NA"] == 1
    assert any("3 models" in note for note in structure.notes)


def test_the_receptor_holds_the_virus() -> None:
    structure = opened("receptor")
    assert [name for name, _ in structure.chain_slices()] == ["A", "C"] and len(bridges(structure)) == 7
    assert kinds(structure) == {"NAG": 4, "ZN": 1}
    [meeting] = meetings(structure)
    assert meeting.pairs > 30 and 700 < meeting.area < 1_100


def test_an_assembly_counts_the_residues_that_are_shown() -> None:
    """One of 2XHE has no Cα, and is left out."""
    structure, [assembly] = parse_contents(of_id("syntaxin").text, 5_000)
    assert assembly.residues == len(structure) and assembly.deposited


def test_syntaxin_lacks_three_loops() -> None:
    structure = opened("syntaxin")
    assert sorted(gap.missing for gap in gaps(structure)) == [17, 23, 51] and len(meetings(structure)) == 1
