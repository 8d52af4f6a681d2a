"""Residues chosen by words in the workbench, run by node: what is chosen, and the sentence where nothing can be."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[3] / "viz" / "components" / "structure_workbench"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node here to run the script")

KNOWN = """
const protein = new Protein({
  sequence: "ACDEFACDEF", chains: [["A", 0, 5], ["B", 5, 10]], secondary: "HHH--EEE--", linked: "1111011110",
  backbone: true, numbers: [1, 2, 3, 4, 5, 1, 2, 3, 4, 5], insertions: null,
  components: ["ALA", "CYS", "ASP", "GLU", "PHE", "ALA", "SEP", "ASP", "GLU", "PHE"],
});
const columns = new Map([
  ["plddt", [90, 80, 40, 30, 20, 95, 85, 45, 35, null]], ["exposure", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
]);
const atoms = Array.from({ length: 10 }, (_, row) => ({ row, x: 4 * (row % 5), y: row < 5 ? 0 : 6, z: 0 }));
const loose = [{ kind: "ligand", x: 0, y: -4, z: 0 }, { kind: "water", x: 0, y: 0, z: 50 }];
const answers = TEXTS.map((text) => selectByWords(text, { protein, columns, atoms, loose }));
console.log(JSON.stringify(answers));
"""


def answers(folder: Path, texts: list[str]) -> list[dict]:
    code = "\n".join((ROOM / f"{name}.js").read_text("utf-8") for name in ("protein", "query"))
    path = folder / "query.mjs"
    path.write_text(f"{code}\nconst TEXTS = {json.dumps(texts)};\n{KNOWN}", "utf-8")
    done = subprocess.run(["node", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_words_choose_the_residues_that_they_mean(tmp_path: Path) -> None:
    expected = {
        "2-4": [1, 2, 3],
        "2-3, B:5": [1, 2, 9],
        "2 4 B:1": [1, 3, 5],
        "B/2-4": [6, 7, 8],
        "/B:2-4": [6, 7, 8],
        "resi 2:4": [1, 2, 3],
        "CYS": [1],
        "sep or PHE": [4, 6, 9],
        "chain B": [5, 6, 7, 8, 9],
        "helix": [0, 1, 2],
        "not (helix or strand)": [3, 4, 8, 9],
        "plddt < 50": [2, 3, 4, 7, 8],
        "plddt<50 and chain b": [7, 8],
        "chain A and not plddt >= 80": [2, 3, 4],
        "exposure ≥ 9 or 1": [0, 8, 9],
        "within 5 of ligand": [0],
        "within 6 of chain A": [5, 6, 7, 8, 9],
        "within 4.5 of 3": [1, 3],
        "all": list(range(10)),
    }
    got = dict(zip(expected, answers(tmp_path, list(expected)), strict=True))
    assert {text: answer.get("rows", answer) for text, answer in got.items()} == expected


def test_what_cannot_be_chosen_is_a_sentence(tmp_path: Path) -> None:
    expected = {
        "chain C": "There is no chain “C” here.",
        "B:99": "Residue “B:99” is not in the structure.",
        "TRP": "There is no TRP in this structure.",
        "b > 3": "There are no numbers called “b” here; there are plddt, exposure.",
        "plddt < much": "A number has to come after “<”.",
        "plddt > 99": "No residue is like that.",
        "(helix": "A bracket is not closed.",
        "within 5 of ion": "There is no ion beside the protein.",
        "within ligand": "After “within” comes a distance in Å",
        "helix and": "Something is missing at the end.",
        "everything nice": "“everything” is not understood.",
        "constructor": "“constructor” is not understood.",
    }
    got = dict(zip(expected, answers(tmp_path, list(expected)), strict=True))
    assert {text: got[text].get("problem", "")[: len(sentence)] for text, sentence in expected.items()} == expected
    assert "such as 12-20 or A:5" in got["chain C"]["problem"]
