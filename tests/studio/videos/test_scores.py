"""Scores of a kept run: against its own truth, the sample clip's, masks of another size, and after a part was cut."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backends.core.errors import BadInput
from studio import services
from studio.library.library import Library, Run
from studio.videos import sample as sample_module
from studio.videos import scores as video_scores
from studio.videos.ground_truth import MASKS, MATTES
from studio.videos.matte_reader import finished_mattes
from studio.videos.scores import GroundTruth
from tests.support.clips import Small
from tests.support.pages import fresh_services
from tests.support.true_mattes import png, zipped


@pytest.fixture
def library() -> Iterator[Library]:
    """That of the studio's services, which scores are kept in."""
    with fresh_services(wait=False):
        yield services.library()


def kept(library: Library, small: Small, frames: int = 20, **options: object) -> Run:
    """A finished run on the small clip, without its mattes."""
    record = {"name": "small.mp4", "sha256": "0", "bytes": 1}
    run = library.begin(task="matting", title="Small", engine="x", options=options, inputs=[record])
    library.keep(run.id, "input", "input", small.video)
    library.note(run.id, facts={"frames": frames, "width": 160, "height": 120})
    return library.finish(run.id, "done")


def test_the_truth_itself_is_perfect(library: Library, small: Small) -> None:
    run = kept(library, small)
    library.keep(run.id, "alpha", "alpha", small.alpha)
    scores = video_scores.score(library, run, GroundTruth(small.alpha, MATTES))
    assert scores["means"] == dict.fromkeys(("sad", "mad", "mse", "gradient", "connectivity", "dtssd"), 0.0)
    assert len(scores["times"]) == 20 and scores["frames"]["dtssd"][0] is None and scores["notes"] == []


@pytest.mark.slow
def test_the_sample_clip_knows_its_truth_and_nothing_else_does(
    library: Library, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_module, "CLIP_SECONDS", 0.1)
    sample_module.clip.cache_clear()
    run = kept(library, small)
    assert video_scores.find_ground_truth(library, run) is None
    sample = sample_module.clip()
    with_sample = library.begin(
        task="matting", title="S", engine="x", inputs=[{"name": "c", "sha256": sample.sha256, "bytes": 1}]
    )
    assert video_scores.find_ground_truth(library, with_sample) == GroundTruth(sample.alpha, MATTES)
    sample_module.clip.cache_clear()


def test_mattes_that_are_wrong_by_a_known_amount_get_that_score(library: Library, small: Small, tmp_path: Path) -> None:
    run = kept(library, small)
    flat = np.full((120, 160), 51, np.uint8)
    library.keep(run.id, "alpha", "alpha", zipless(tmp_path, [flat] * 20))
    truth = zipped(tmp_path / "t.zip", {f"{n}.png": png(np.full((120, 160), 102, np.uint8)) for n in range(20)})
    means = video_scores.score(library, run, GroundTruth(truth, MATTES))["means"]
    assert means["mad"] == pytest.approx(0.2) and means["sad"] == pytest.approx(0.2 * 19.2) and means["dtssd"] == 0


def zipless(folder: Path, mattes: list[np.ndarray]) -> Path:
    """Gray frames as a lossless video, as a run leaves them."""
    import av

    path = folder / "alpha.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=4)
        stream.width, stream.height, stream.pix_fmt = mattes[0].shape[1], mattes[0].shape[0], "gray"
        for index, matte in enumerate(mattes):
            frame = av.VideoFrame.from_ndarray(matte, format="gray")
            frame.pts = index
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_masks_of_half_the_size_and_every_other_frame(library: Library, small: Small, tmp_path: Path) -> None:
    run = kept(library, small)
    library.keep(run.id, "alpha", "alpha", small.alpha)
    masks = {}
    for index in range(0, 8, 2):
        half = cv2.resize(small.clip[index].alpha, (80, 60), interpolation=cv2.INTER_AREA) > 0.5
        masks[f"{index:05d}.png"] = png(half.astype(np.uint8) * 3, "P")
    truth = zipped(tmp_path / "masks.zip", masks)
    scores = video_scores.score(library, run, GroundTruth(truth, MASKS, (3,)))
    assert scores["means"]["j"] > 0.98 and scores["means"]["f"] > 0.98 and len(scores["times"]) == 4
    assert scores["times"] == pytest.approx([0, 0.5, 1.0, 1.5])
    assert scores["notes"] == [
        "Compared at the size of the reference, 80 × 60 pixels.",
        "4 of 20 frames were compared.",
    ]
    other = video_scores.score(library, run, GroundTruth(truth, MASKS, (1,)))
    assert other["means"]["j"] == 0


@pytest.mark.slow
def test_a_part_is_compared_with_its_own_frames(library: Library, small: Small, tmp_path: Path) -> None:
    run = kept(library, small, frames=4, start=1.0, end=2.0, temporal="off")
    mattes = [cv2.convertScaleAbs(small.clip[index].alpha, alpha=255) for index in range(4, 8)]
    library.keep(run.id, "matte", "matte", zipless(tmp_path, mattes))  # what the model found, at full size
    means = video_scores.score(library, run, GroundTruth(small.alpha, MATTES))["means"]
    assert means["mad"] < 0.001
    times = [seconds for _, seconds, _ in finished_mattes(library, run)]
    assert times == pytest.approx([0, 0.25, 0.5, 0.75])


def test_references_that_do_not_fit_are_one_sentence(library: Library, small: Small, tmp_path: Path) -> None:
    run = kept(library, small)
    library.keep(run.id, "alpha", "alpha", small.alpha)
    square = {f"{n}.png": png(np.full((64, 64), 100, np.uint8)) for n in range(20)}
    with pytest.raises(BadInput, match="must have one shape"):
        video_scores.score(library, run, GroundTruth(zipped(tmp_path / "s.zip", square), MATTES))
    far = {f"{n}.png": png(np.full((120, 160), 100, np.uint8)) for n in (900, 901)}
    with pytest.raises(BadInput, match="None of the references"):
        video_scores.score(library, run, GroundTruth(zipped(tmp_path / "f.zip", far), MATTES))


@pytest.mark.slow
def test_a_long_clip_is_scored_in_pairs_spread_over_it(
    library: Library, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_scores, "MAX_SCORED_FRAMES", 4)
    run = kept(library, small)
    library.keep(run.id, "alpha", "alpha", small.alpha)
    scores = video_scores.score(library, run, GroundTruth(small.alpha, MATTES))
    assert scores["times"] == pytest.approx([0, 0.25, 2.5, 2.75])
    assert [value is None for value in scores["frames"]["dtssd"]] == [True, False, True, False]
    assert scores["notes"] == ["4 of 20 frames were compared."]


def test_a_picture_is_scored_by_its_alpha(library: Library, small: Small, tmp_path: Path) -> None:
    run = kept(library, small, frames=1)
    Image.fromarray(np.full((120, 160), 200, np.uint8)).save(tmp_path / "alpha.png")
    library.keep(run.id, "alpha", "alpha", tmp_path / "alpha.png")
    truth = zipped(tmp_path / "t.zip", {"x.png": png(np.full((120, 160), 200, np.uint8))})
    assert video_scores.score(library, run, GroundTruth(truth, MATTES))["means"]["sad"] == 0


def test_a_new_reference_takes_the_place_of_the_old_one_and_its_scores(library: Library, small: Small) -> None:
    run = kept(library, small)
    library.keep(run.id, video_scores.SCORES, video_scores.SCORES, b"{}")
    video_scores.save_ground_truth(library, run, io.BytesIO(b"one"), MATTES, ())
    video_scores.save_ground_truth(library, run, io.BytesIO(b"two"), MASKS, (2, 3))
    truth = video_scores.find_ground_truth(library, run)
    assert truth is not None and (truth.kind, truth.objects, truth.path.read_bytes()) == (MASKS, (2, 3), b"two")
    assert library.count(run.id, video_scores.SCORES) == 0
