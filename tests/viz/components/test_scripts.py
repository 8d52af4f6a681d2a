"""The components' scripts and styles as the browser gets them: valid, complete, and on one theme."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from viz.components.bundle import SHARED, bundle_style

COMPONENTS = Path(SHARED).parent
NAMES = sorted(path.parent.name for path in COMPONENTS.glob("*/__init__.py"))
STYLES = sorted(path for path in COMPONENTS.glob("*/*.css") if path.parent != SHARED)


def script(name: str) -> str:
    return import_module(f"viz.components.{name}").SCRIPT


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here to read the scripts")
@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_script_is_a_valid_module(name: str, tmp_path: Path) -> None:
    """Also where two files declare the same name: in one module that is an error."""
    path = tmp_path / f"{name}.mjs"
    path.write_text(script(name), "utf-8")
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_a_component_is_in_its_script(name: str) -> None:
    """As code, or as the text of what runs in a thread of its own."""
    bundled = script(name)
    texts = {path.name: path.read_text("utf-8") for path in (COMPONENTS / name).glob("*.js")}
    missing = [file for file, text in texts.items() if text not in bundled and json.dumps(text) not in bundled]
    assert missing == []
    assert bundled.count("export default") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_component_takes_no_file_out_of_another_s_folder(name: str) -> None:
    """What several of them need lies in `shared`."""
    bundled = script(name)
    foreign = [path for path in COMPONENTS.glob("*/*.js") if path.parent not in (SHARED, COMPONENTS / name)]
    assert foreign
    assert [str(path) for path in foreign if path.read_text("utf-8") in bundled] == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.parent.name)
def test_colours_come_from_the_theme_alone(path: Path) -> None:
    theme = (SHARED / "theme.css").read_text("utf-8")
    known = set(re.findall(r"(--[\w-]+):", theme))
    own = path.read_text("utf-8")
    assert "--st-" not in own
    assert not known & set(re.findall(r"(--[\w-]+):", own))
    assert bundle_style(path) == f"{theme}\n{own}"
    assert 'class: "' in script(path.parent.name) and " component" in script(path.parent.name)
