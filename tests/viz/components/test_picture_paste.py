"""What a browser says was pasted: whole pictures become files, and of damaged ones the names are kept to tell."""

from __future__ import annotations

import base64

from viz.components.picture_paste import decoded


def test_what_is_damaged_comes_without_bytes_and_what_is_forged_not_at_all() -> None:
    good = base64.b64encode(b"picture").decode()
    sent = [
        {"name": "a.png", "data": good},
        {"data": good},
        {"name": "b", "data": "not base64!"},
        {"name": "empty.png", "data": "data:"},
        {"name": "é", "data": "é"},
        {"name": "c"},
        7,
        None,
    ]
    damaged = [("b", b""), ("empty.png", b""), ("é", b"")]
    assert decoded(sent) == [("a.png", b"picture"), ("pasted.png", b"picture"), *damaged]
    for other in (None, "text", {"name": "a", "data": good}, 3):
        assert decoded(other) == []
