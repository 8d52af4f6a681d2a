"""What the matte workbench is told: its frames, its background, and which frames are worth a look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from viz.components.matte_workbench import Background, Frames, Preview, manifest, problem_frames

ROWS = [[0, 0.0, 0.001, 0.0, 0.2], [1, 0.0400004, 0.001, 0.002, 0.2], [2, 0.08, 0.3, 0.0000004, 0.2]]


def told(frames: Frames, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"kind": "video", "width": 64, "height": 48, "proxy_url": None, "frame_url": "/f", **more}
    return manifest("run", "A clip", frames=frames, **asked)


def test_the_rows_of_a_run_are_told_by_column() -> None:
    data = told(Frames.of_rows(ROWS), previews=[Preview(2, 0.08, "/p")], settings={"edge": 3}, jump=2)
    assert data["times"] == [0.0, 0.04, 0.08] and data["uncertain"] == [0.001, 0.001, 0.3]
    assert data["flicker"] == [0.0, 0.002, 0.0] and data["problems"] == [2] and data["jump"] == 2
    assert data["previews"] == [{"frame": 2, "seconds": 0.08, "url": "/p"}]
    assert (data["settings"]["edge"], data["settings"]["despill"]) == (3, 1.0)
    assert json.loads(json.dumps(data)) == data


def test_nothing_known_yet_is_one_moment_without_a_background() -> None:
    data = told(Frames(), live=True)
    assert (data["times"], data["uncertain"], data["problems"]) == ([0.0], [], [])
    assert (data["background_url"], data["background_kind"], data["live"]) == (None, "picture", True)
    assert told(Frames((0.0,)), background=Background("/b", "video"))["background_kind"] == "video"


def test_a_problem_stands_out_of_its_own_clip() -> None:
    assert problem_frames([0.3, 0.3, 0.3, 0.5], ()) == [3]
    assert problem_frames([0.001, 0.001, 0.015], [0.0, 0.02, 0.0]) == [1]


def test_a_frame_to_which_a_correction_could_not_be_carried_is_a_problem() -> None:
    rows = [[*row, sure] for row, sure in zip(ROWS, (1.0, 0.3, 0.9), strict=True)]
    data = told(Frames.of_rows(rows), hints=[{"seconds": 0.0, "kind": "drop", "points": [[0.5, 0.5]]}], start=2.5)
    assert data["problems"] == [1, 2] and data["sure"] == [1.0, 0.3, 0.9] and data["start"] == 2.5
    assert data["hints"][0]["kind"] == "drop" and told(Frames.of_rows(ROWS))["hints"] is None


@pytest.mark.parametrize(
    ("more", "words"),
    [({"kind": "song"}, "not 'song'"), ({"width": 0}, "positive"), ({"jump": 3}, "no frame 3"), ({"jump": -1}, "-1")],
)
def test_numbers_that_do_not_fit_are_a_mistake_of_the_caller(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        told(Frames.of_rows(ROWS), **more)


def test_shares_of_other_frames_and_backgrounds_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="flicker has 1 values for 2 frames"):
        Frames((0.0, 1.0), (), (0.1,))
    with pytest.raises(ValueError, match="not 'blur'"):
        Background("/b", "blur")
