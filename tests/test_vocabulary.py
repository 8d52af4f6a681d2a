"""Names are the field's nouns and verbs: what `docs/vocabulary.md` says is no name is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app.py", "pages", "backends", "studio", "viz", "evaluation", "training", "benchmarks")

PARTICIPLES = frozenset(
    (
        *("asked", "done", "drawn", "found", "given", "heard", "held", "kept", "looked", "made", "opened", "refused"),
        *("said", "seen", "shown", "spoken", "stored", "sure", "taken", "taught", "told", "turned", "wanted"),
        *("watched", "written"),
    )
)
"""None of them says what a thing is; as the last word of a name it stands where a noun belongs."""

QUESTIONS = ("is", "was", "has", "are", "be")
"""`is_taken` asks, and is no noun."""

NAMES_OF_OTHERS = {"connection_made"}
"""Methods that a library calls by this name."""

HOME_MADE = frozenset({"warmth", "slope", "looker", "telling", "weigh", "speller", "intake"})
"""The field says temperature, gradient, feature extractor, log-likelihood, tokenizer, receiver."""


def definitions(tree: ast.Module) -> Iterator[str]:
    """The names of the functions, classes and methods of a module, and of its constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def modules() -> Iterator[Path]:
    for room in ROOMS:
        path = ROOT / room
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def objection(name: str) -> str:
    """What is wrong with a name, or nothing."""
    words = name.strip("_").lower().split("_")
    first, last = words[0], words[-1]
    if name in NAMES_OF_OTHERS or first in QUESTIONS:
        return ""
    if last in PARTICIPLES:
        return f"“{last}” is a participle"
    return f"“{last}” has a name in the field" if last in HOME_MADE else ""


@pytest.mark.parametrize(
    ("name", "faulty"),
    [("told", True), ("_found", True), ("STILLS_KEPT", True), ("is_taken", False), ("find", False), ("slope", True)],
)
def test_the_rule_tells_names_apart(name: str, faulty: bool) -> None:
    assert bool(objection(name)) is faulty


@pytest.mark.slow
def test_names_are_nouns_and_verbs_of_the_field() -> None:
    faults = [
        f"{path.relative_to(ROOT)}: {name}: {why}"
        for path in modules()
        for name in [path.stem, *definitions(ast.parse(path.read_text("utf-8")))]
        if (why := objection(name))
    ]
    assert faults == []
