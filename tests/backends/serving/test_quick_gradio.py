"""Gradio reads and writes no source of its components while it is imported."""

from __future__ import annotations

import inspect

import pytest
from gradio import component_meta

from backends.serving.quick_gradio import gr, without_stubs


def test_no_stub_is_written_and_files_are_found_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(component_meta, "extract_class_source_code", lambda code, name: parsed.append(name) or ("", 0))
    with without_stubs():
        component_meta.create_or_modify_pyi(gr.Button, "Button", [])
    assert parsed == [] and inspect.getfile(gr.Button).endswith("button.py")
    with pytest.raises(ValueError, match="class source"):
        component_meta.create_or_modify_pyi(gr.Button, "Button", [])
    assert parsed == ["Button"]
