"""Guided matting: a hint on one frame repairs its scene, is honest where it cannot, and changes nothing elsewhere."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from backends.core.engine import Event, Notice
from backends.core.errors import BadInput
from backends.matting.guidance import footage
from backends.matting.guidance.hints import MAX_HINTS, Hint, parse_hints
from backends.matting.guidance.regions import Scene, whole_object, without_islands
from backends.matting.options import MattingOptions
from backends.matting.types import Matting
from backends.matting.video.still_image import read_picture
from tests.support.matting import CARD, MakeVideo, RedEngine, finish, pictures_of

WIDTH, HEIGHT, FRAMES = 176, 112, 10
RED, BLUE = (220, 20, 30), (30, 60, 220)
LEFT, RIGHT = 0.25, 0.7
OFF = {"export": "luma", "temporal": "off"}


def stage(seed: int) -> np.ndarray:
    """A room of soft greens `(H, W, 3)` uint8, another one for each seed."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(60, 190, (6, 9), np.uint8)
    green = cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.stack([green // 3, green, green // 2], axis=-1)


def disk(picture: np.ndarray, x: float, y: float, colour: tuple[int, int, int], radius: int = 20) -> np.ndarray:
    """`picture` with a disk at (x, y), 0 to 1; a dark stripe on it gives the flow something to hold."""
    centre = (round(x * WIDTH), round(y * HEIGHT))
    painted = cv2.circle(picture.copy(), centre, radius, colour, -1, cv2.LINE_AA)
    return cv2.circle(painted, (centre[0] + 5, centre[1] - 5), 4, tuple(part // 2 for part in colour), -1, cv2.LINE_AA)


def place(index: int) -> float:
    return 0.012 * index


def where(index: int, x: float, radius: int = 17) -> np.ndarray:
    """Where a disk of the scene surely is, bool."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    centre = (round((x + place(index)) * WIDTH), round(0.5 * HEIGHT))
    return cv2.circle(mask, centre, radius, 1, -1) > 0


def two_scenes(right: tuple[int, int, int] = RED) -> list[np.ndarray]:
    """Two disks that walk to the right together; then, after a cut, the same in another room."""
    return [
        disk(disk(stage(seed), LEFT + place(index), 0.5, RED), RIGHT + place(index), 0.5, right)
        for seed in (1, 2)
        for index in range(FRAMES)
    ]


def hint(frame: int, kind: str, x: float, shape: str = "point", **more: Any) -> dict[str, Any]:
    points = more.pop("points", [[x + place(frame % FRAMES), 0.5]])
    return {"frame": frame, "kind": kind, "shape": shape, "points": points, **more}


def guided(source: Path, out: Path, hints: list[dict[str, Any]], **options: Any) -> tuple[Matting, list[Event]]:
    return finish(RedEngine(CARD).run({"media": source}, {**OFF, "hints": hints, **options}, out))


def mattes(out: Path) -> np.ndarray:
    """`(N, H, W)` 0 to 1, as the run exported them."""
    return np.stack(pictures_of(out / "alpha.mkv", "gray")) / 255


@pytest.fixture
def clip(video: MakeVideo) -> Path:
    return video(frames=two_scenes(), options={"crf": "10"})


@pytest.fixture
def plain(clip: Path, tmp_path: Path) -> np.ndarray:
    finish(RedEngine(CARD).run({"media": clip}, OFF, tmp_path / "plain"))
    return mattes(tmp_path / "plain")


@pytest.mark.parametrize("frame", [0, 5, 9])
def test_a_click_on_one_frame_takes_somebody_out_of_the_scene(
    clip: Path, plain: np.ndarray, tmp_path: Path, frame: int
) -> None:
    guided(clip, tmp_path / "out", [hint(frame, "drop", RIGHT)])
    after = mattes(tmp_path / "out")
    for index in range(FRAMES):
        assert plain[index][where(index, RIGHT)].mean() > 0.9
        assert after[index][where(index, RIGHT, 22)].max() < 0.02
        left = where(index, LEFT, 24)
        assert np.array_equal(after[index][left], plain[index][left])


def test_other_scenes_stay_as_they_are_bit_for_bit(clip: Path, plain: np.ndarray, tmp_path: Path) -> None:
    guided(clip, tmp_path / "out", [hint(4, "drop", RIGHT)])
    raw = [pictures_of(tmp_path / name / "matte.mkv", "gray") for name in ("plain", "out")]
    assert np.array_equal(mattes(tmp_path / "out")[FRAMES:], plain[FRAMES:])
    assert np.array_equal(raw[0][FRAMES:], raw[1][FRAMES:])
    assert not np.array_equal(raw[0][:FRAMES], raw[1][:FRAMES])


def test_a_hint_by_its_time_is_on_the_frame_that_is_shown_then(clip: Path, tmp_path: Path) -> None:
    by_time = {**hint(14, "drop", RIGHT), "seconds": round(14 / 30, 4)}
    del by_time["frame"]
    guided(clip, tmp_path / "time", [by_time])
    guided(clip, tmp_path / "frame", [hint(14, "drop", RIGHT)])
    assert np.array_equal(mattes(tmp_path / "time"), mattes(tmp_path / "frame"))
    assert mattes(tmp_path / "time")[14][where(4, RIGHT)].max() < 0.02


def test_a_part_of_a_video_with_an_uneven_clock(video: MakeVideo, tmp_path: Path) -> None:
    """Frames of the part are counted from its first one, and found again by their times, backwards too."""
    uneven = [0, 3, 4, 9, 10, 14, 20, 21, 27, 28]
    pictures = two_scenes()[:FRAMES]
    source = video(frames=pictures, pts=uneven, options={"crf": "10", "bf": "2"})
    given = {**hint(7, "drop", RIGHT), "frame": 5}  # the part begins with frame 2
    result, events = guided(source, tmp_path / "out", [given], start=0.12)
    assert result.frames == 8
    for index, matte in enumerate(mattes(tmp_path / "out"), 2):
        assert matte[where(index, RIGHT, 22)].max() < 0.02 and matte[where(index, LEFT)].mean() > 0.9
    before = {**hint(0, "drop", LEFT), "seconds": 0.05}
    del before["frame"]
    _, events = guided(source, tmp_path / "other", [given, before], start=0.12)
    said = [event.sentence for event in events if isinstance(event, Notice)]
    assert any("left out: 1 of your corrections" in sentence for sentence in said)
    assert mattes(tmp_path / "other")[0][where(2, LEFT)].mean() > 0.9


@pytest.mark.parametrize("shape", ["point", "stroke"])
def test_who_was_missed_is_added_to_the_scene(video: MakeVideo, tmp_path: Path, shape: str) -> None:
    source = video(frames=two_scenes(BLUE), options={"crf": "10"})
    points = [[RIGHT + place(4) + step, 0.5] for step in (-0.06, 0.0, 0.06)] if shape == "stroke" else None
    more = {"points": points} if points else {}
    _, events = guided(source, tmp_path / "out", [hint(4, "keep", RIGHT, shape, **more)])
    after = mattes(tmp_path / "out")
    for index in range(FRAMES):
        true, found = where(index, RIGHT, 20) | where(index, LEFT, 20), after[index] > 0.5
        assert (found & true).sum() / (found | true).sum() > 0.9
    assert not after[FRAMES:, :, WIDTH // 2 :].any()
    assert not [event for event in events if isinstance(event, Notice) and "surely" in event.sentence]


def test_a_box_keeps_only_what_is_in_it(clip: Path, tmp_path: Path) -> None:
    box = [[0.05, 0.1], [0.5, 0.95]]
    guided(clip, tmp_path / "out", [hint(5, "keep", 0, "box", points=box)])
    after = mattes(tmp_path / "out")
    for index in range(FRAMES):
        assert after[index][where(index, LEFT)].mean() > 0.9 and after[index][where(index, RIGHT)].max() < 0.02


def test_two_who_touch_are_parted_by_their_colours(video: MakeVideo, tmp_path: Path) -> None:
    orange = (230, 110, 30)  # red enough for the engine
    frames = [
        disk(disk(stage(1), 0.4 + place(index), 0.5, RED), 0.6 + place(index), 0.5, orange, 18)
        for index in range(FRAMES)
    ]
    source = video(frames=frames, options={"crf": "10"})
    strokes = [hint(3, "drop", 0.6, "stroke", points=[[0.6 + place(3), 0.4], [0.6 + place(3), 0.6]])]
    guided(source, tmp_path / "out", strokes)
    after = mattes(tmp_path / "out")
    for index in range(FRAMES):
        assert after[index][where(index, 0.4, 14)].mean() > 0.9
        assert after[index][where(index, 0.6, 11)].mean() < 0.1


def test_between_two_corrected_frames_both_count(clip: Path, tmp_path: Path) -> None:
    """Somebody is dropped at the first one and wanted again at the last: in the middle it changes sides once."""
    guided(clip, tmp_path / "out", [hint(0, "drop", RIGHT), hint(9, "keep", RIGHT)])
    seen = [bool(mattes(tmp_path / "out")[index][where(index, RIGHT)].mean() > 0.5) for index in range(FRAMES)]
    assert not seen[0] and seen[9] and sum(a != b for a, b in pairwise(seen)) == 1


def test_each_person_alone(clip: Path, tmp_path: Path) -> None:
    people = [hint(5, "keep", LEFT), hint(5, "keep", RIGHT, person=2)]
    for person, (mine, other) in {1: (LEFT, RIGHT), 2: (RIGHT, LEFT)}.items():
        guided(clip, tmp_path / str(person), people, person=person)
        after = mattes(tmp_path / str(person))
        for index in range(FRAMES):
            assert after[index][where(index, mine)].mean() > 0.9 and after[index][where(index, other)].max() < 0.02


def test_a_painted_edge_is_solved_from_the_colours_and_only_there(video: MakeVideo, tmp_path: Path) -> None:
    """The disk fades out over many pixels on its right side; the engine cuts it hard, the brush says it is soft."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]

    def truth(index: int) -> np.ndarray:
        middle = (0.4 + place(index)) * WIDTH
        far = np.hypot(rows - HEIGHT / 2, columns - middle)
        return np.clip((26 - far) / np.where(columns > middle, 16, 1), 0, 1)

    class Hard(RedEngine):
        def mattes(self, frames: np.ndarray) -> np.ndarray:
            return (super().mattes(frames) > 0.35).astype(np.float32)

    green = np.full((HEIGHT, WIDTH, 3), (40, 120, 60)) + np.linspace(-15, 15, WIDTH)[None, :, None]
    frames = [
        (truth(index)[..., None] * RED + (1 - truth(index)[..., None]) * green).astype(np.uint8)
        for index in range(FRAMES)
    ]
    source = video(frames=frames, options={"crf": "4"}, pixels="yuv444p")
    middle = 0.4 + place(4)
    path = [[middle + 20 / WIDTH * np.cos(turn), 0.5 + 20 / HEIGHT * np.sin(turn)] for turn in np.linspace(-1, 1, 9)]
    painted = hint(4, "edge", 0, "stroke", points=path, radius=0.06)
    outs = {}
    for name, hints in (("hard", []), ("soft", [painted])):
        finish(Hard(CARD).run({"media": source}, {**OFF, "hints": hints}, tmp_path / name))
        outs[name] = mattes(tmp_path / name)
    for index in range(FRAMES):
        middle_now = (0.4 + place(index)) * WIDTH
        fringe = (truth(index) > 0.1) & (truth(index) < 0.9) & (columns > middle_now + 12) & (abs(rows - 56) < 12)
        errors = {name: np.abs(seen[index] - truth(index))[fringe].mean() for name, seen in outs.items()}
        assert errors["soft"] < 0.5 * errors["hard"], index
        left = columns < middle_now - 10
        assert np.array_equal(outs["soft"][index][left], outs["hard"][index][left])


def test_what_was_lost_is_said_and_marked(video: MakeVideo, tmp_path: Path) -> None:
    """The blue disk that was added is gone in the middle of the scene, nowhere near the rim."""
    frames = [disk(stage(1), LEFT + place(index), 0.5, RED) for index in range(FRAMES)]
    frames[:5] = [disk(picture, RIGHT + place(index), 0.5, BLUE) for index, picture in enumerate(frames[:5])]
    source = video(frames=frames, options={"crf": "10"})
    _, events = guided(source, tmp_path / "out", [hint(1, "keep", RIGHT)])
    said = [event.sentence for event in events if isinstance(event, Notice)]
    assert any("could not be carried surely through" in sentence and "from frame 6 on" in sentence for sentence in said)
    stats = json.loads((tmp_path / "out/frames.json").read_text())
    sure = [row[stats["columns"].index("sure")] for row in stats["rows"]]
    assert min(sure[:5]) > 0.5 and max(sure[5:]) < 0.5
    assert not mattes(tmp_path / "out")[7][:, 2 * WIDTH // 3 :].any()


def test_a_hint_at_nothing_is_said(clip: Path, tmp_path: Path) -> None:
    _, events = guided(clip, tmp_path / "out", [hint(2, "drop", 0, points=[[0.5, 0.05]])])
    said = [event.sentence for event in events if isinstance(event, Notice)]
    assert any("on frame 3 changed nothing: there was nothing to take away" in sentence for sentence in said)


def test_from_the_mattes_of_before_it_equals_a_run_from_the_start(clip: Path, tmp_path: Path) -> None:
    hints = [hint(4, "drop", RIGHT)]
    result, _ = guided(clip, tmp_path / "start", hints)
    (base,) = [artifact.path for artifact in result.artifacts if artifact.kind == "base"]
    finish(RedEngine(CARD).run({"media": clip}, OFF, tmp_path / "plain"))
    assert np.array_equal(pictures_of(base, "gray"), pictures_of(tmp_path / "plain/matte.mkv", "gray"))

    class Unasked(RedEngine):
        def mattes(self, frames: np.ndarray) -> np.ndarray:
            raise AssertionError("the engine was asked although the matte was sent along")

    inputs = {"media": clip, "matte": tmp_path / "plain/matte.mkv"}
    again, _ = finish(Unasked(CARD).run(inputs, {**OFF, "hints": hints}, tmp_path / "again"))
    assert np.array_equal(mattes(tmp_path / "again"), mattes(tmp_path / "start"))
    assert not [artifact for artifact in again.artifacts if artifact.kind == "base"]
    assert sorted(path.name for path in (tmp_path / "again").iterdir() if path.suffix == ".tmp") == []


def test_a_scene_in_many_pieces_gives_the_same(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are gone through backwards in pieces of eight at least, and no more are held than a piece has."""
    hints = [hint(9, "drop", RIGHT)]
    guided(clip, tmp_path / "whole", hints)
    held: list[int] = []
    forwards = footage.Footage.forwards
    monkeypatch.setattr(footage, "PIECE_BYTES", 1)
    monkeypatch.setattr(
        footage.Footage, "forwards", lambda self, frames: (held.append(len(frames)), forwards(self, frames))[1]
    )
    guided(clip, tmp_path / "pieces", hints)
    assert np.array_equal(mattes(tmp_path / "whole"), mattes(tmp_path / "pieces"))
    assert max(held) <= 8


def test_a_picture_is_corrected_too(tmp_path: Path) -> None:
    Image.fromarray(two_scenes()[0]).save(tmp_path / "still.png")
    guided(tmp_path / "still.png", tmp_path / "out", [hint(0, "drop", RIGHT)])
    alpha = read_picture(tmp_path / "out/alpha.png").rgb[..., 0] / 255
    assert alpha[where(0, RIGHT)].max() < 0.02 and alpha[where(0, LEFT)].mean() > 0.9
    with pytest.raises(BadInput, match="only the frame 0"):
        guided(tmp_path / "still.png", tmp_path / "other", [hint(3, "drop", RIGHT)])


def test_a_frame_that_is_not_there_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="frame 40, but this part of the video has 20 frames"):
        guided(clip, tmp_path / "out", [hint(40, "drop", RIGHT)])


def test_a_small_piece_amid_the_other_changes_over_and_a_free_one_does_not() -> None:
    whole = np.zeros((60, 100), bool)
    whole[:, :40] = whole[:, 50:90] = True  # two bodies
    whole[20:26, 92:98] = True  # and a hand beside them
    mine = whole & (np.arange(100)[None] < 45)
    mine[20:26, 92:98] = True
    mine[30:36, 60:66] = True  # a piece of the other's shirt
    mine[30:36, 10:16] = False  # and one of the own
    tidied = without_islands(mine, whole)
    assert tidied[:, :40].all() and tidied[20:26, 92:98].all() and not tidied[:, 50:90].any()


@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "{}",
        '[{"frame": 1}]',
        '[{"frame": 1, "kind": "drop", "points": [[2, 0]]}]',
        '[{"frame": 1, "seconds": 2, "kind": "drop", "points": [[0, 0]]}]',
        '[{"frame": 1, "kind": "drop", "shape": "box", "points": [[0, 0]]}]',
        '[{"frame": 1, "kind": "love", "points": [[0, 0]]}]',
        '[{"frame": 1, "kind": "edge", "points": [[0, 0]]}]',
        "[" * 100_000,
    ],
)
def test_hints_that_make_no_sense_are_one_sentence(given: str) -> None:
    with pytest.raises(BadInput, match="The hints cannot be read"):
        MattingOptions.read({"hints": given})


def test_hints_are_counted() -> None:
    one = {"frame": 0, "kind": "drop", "points": [[0.5, 0.5]]}
    assert parse_hints([one]) == (Hint.model_validate(one),)
    with pytest.raises(BadInput, match=str(MAX_HINTS)):
        parse_hints([one] * (MAX_HINTS + 1))


def test_hair_that_looks_like_the_room_goes_with_its_wearer() -> None:
    """The room must not flood it, or else it would stay behind with whoever is kept."""
    frame, masks = stage(3), []
    for x, colour in ((0.32, RED), (0.62, BLUE)):
        body, hair = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.ellipse(body, (round(x * WIDTH), HEIGHT), (27, 52), 0, 0, 360, 1, -1)
        cv2.circle(hair, (round(x * WIDTH), 44), 19, 1, -1)
        hair[body > 0] = 0
        frame = np.where(body[..., None] > 0, np.uint8(colour), frame)
        frame[hair > 0] = stage(3)[hair > 0] // 4 * 3  # hardly darker than what is behind
        masks.append((body > 0, hair > 0))
    both = np.any([part for person in masks for part in person], axis=0)
    place = np.zeros_like(both)
    place[HEIGHT - 12 : HEIGHT - 8, round(0.32 * WIDTH) - 2 : round(0.32 * WIDTH) + 2] = True
    found = whole_object(Scene(frame, both.astype(np.float32), []), both, place, np.zeros_like(both))
    (body, hair), (other, other_hair) = masks
    assert found[body & ~other].mean() > 0.9 and found[hair].mean() > 0.9
    assert found[other & ~body].mean() < 0.1 and found[other_hair].mean() < 0.1
