"""What a browser says was pasted: only what is in the agreed form becomes a file."""

from __future__ import annotations

import base64

from viz.components.picture_paste import decoded


def test_only_whole_base64_becomes_a_file() -> None:
    good = base64.b64encode(b"picture").decode()
    sent = [
        {"name": "a.png", "data": good},
        {"data": good},
        {"name": "b", "data": "not base64!"},
        {"name": "c"},
        7,
        None,
    ]
    assert decoded(sent) == [("a.png", b"picture"), ("pasted.png", b"picture")]
    for other in (None, "text", {"name": "a", "data": good}, 3):
        assert decoded(other) == []
