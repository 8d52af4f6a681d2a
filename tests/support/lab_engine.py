"""The browser's engine of small generative models, run by node, as tests ask it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from viz.how.engine import engine_script


def run(folder: Path, body: str) -> Any:
    """What the script `body` returns, in which `engine` is the engine and arrays become lists."""
    path = folder / "engine.mjs"
    path.write_text(
        f'"use strict";\nconst engine = (() => {{ {engine_script()} }})();\n'
        f"const answer = (() => {{ {body} }})();\n"
        "console.log(JSON.stringify(answer, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value)));",
        "utf-8",
    )
    done = subprocess.run(["node", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
