"""What the videos page works out before a job: probing, estimates, options, the part to try."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backends.core.info import CardInfo
from studio.videos import estimates, form_values, timecode
from studio.videos import probe as inputs
from studio.videos.form_values import OWN, FormValues
from tests.support.clips import Small


@pytest.fixture
def clip(small: Small) -> Path:
    return small.video


def card(**facts: object) -> CardInfo:
    usual = {"id": "a-model", "title": "A model", "speed": 0.02, "overhead": 6.0, "speed_measured_here": True}
    return CardInfo.model_validate({**usual, **facts})


def test_a_probe_says_what_a_person_wants_to_know(clip: Path) -> None:
    probe = inputs.probe(clip)
    assert probe.problem == "" and probe.text == "160 × 120, 5 s, 4 frames a second, no sound"
    assert probe.seconds == pytest.approx(5) and not probe.picture


def test_a_picture_has_no_length_and_says_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "still.webp")
    probe = inputs.probe(tmp_path / "still.webp")
    assert (probe.text, probe.seconds, probe.picture) == ("picture, 40 × 30 pixels", 0, True)


@pytest.mark.parametrize("content", [b"", b"only text " * 90, b"\x00\x00\x00\x18ftypheic" + bytes(40)])
def test_what_cannot_be_worked_on_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    problem = inputs.probe(tmp_path / "x.mp4").problem
    assert problem.endswith(".") and "choose" in problem and "Traceback" not in problem


def test_time_grows_with_the_pixels_but_not_with_the_models_own_part(clip: Path) -> None:
    info = inputs.probe(clip).info
    assert info is not None
    seconds = estimates.work_seconds(card(), info, 5)
    assert seconds == pytest.approx(0.02 * 20 * (6 + 0.0192))
    alone = estimates.work_seconds(card(overhead=0.0), info, 5)
    assert alone == pytest.approx(0.02 * 20 * 0.0192)
    assert estimates.estimate(card(), info, 500) == "takes about 4 min (measured here)"
    assert "two processor cores" in estimates.estimate(card(speed_measured_here=False), info, 500)
    assert estimates.estimate(card(speed=0), info, 5) == ""


@pytest.mark.slow
def test_sizes_add_up_and_grow_with_the_part(clip: Path) -> None:
    info = inputs.probe(clip).info
    assert info is not None
    assert estimates.size_text(["prores4444"], info, 5) == "about 173 kB"  # 20 frames of 19,200 pixels at 3.6 bits
    assert estimates.size_text(["prores4444", "png"], info, 10) == "about 730 kB"


def test_a_video_over_the_limit_of_the_model_is_refused(clip: Path) -> None:
    info = inputs.probe(clip).info
    assert info is not None
    assert "A model takes up to 0 here" in estimates.too_large(card(limits={"megapixels": 0.01}), info)
    assert estimates.too_large(card(limits={"megapixels": 1}), info) == ""


@pytest.mark.parametrize(
    ("part", "moment", "tried"),
    [((0, 60), 30, (28.5, 31.5)), ((0, 60), 0, (0, 3)), ((10, 20), 20, (17, 20)), ((2, 4), 3, (2, 4))],
)
def test_the_trial_lies_around_its_moment_and_within_the_part(part: tuple, moment: float, tried: tuple) -> None:
    assert form_values.trial(*part, moment) == pytest.approx(tried)


def test_choices_become_options_and_options_choices() -> None:
    chosen = FormValues(("webm", "composite"), "blur", False, 1.25, 4.0, -2.0, 1.5, 0.5)
    options = chosen.to_options()
    assert options == {
        "export": "webm,composite", "background": "blur", "temporal": "off",
        "start": 1.25, "end": 4.0, "edge": -2.0, "softness": 1.5, "despill": 0.5,
    }  # fmt: skip
    assert FormValues.from_options(options) == chosen
    assert FormValues().to_options() == {"export": "prores4444", "temporal": "on"}
    own = FormValues(("composite",), OWN, files={"background": Path("beach.jpg")})
    assert "background" not in own.to_options() and FormValues.from_options(own.to_options()).background == OWN


def test_every_option_of_the_page_is_one_that_the_engine_takes() -> None:
    from backends.matting.options import MattingOptions

    options = FormValues(("webm", "composite"), "blur", False, 1.25, 4.0, -2.0, 1.5, 0.5).to_options()
    assert set(options) <= set(MattingOptions.model_fields)
    settings = MattingOptions.read(options)
    assert (settings.start, settings.end, settings.edge, settings.temporal) == (1.25, 4.0, -2.0, False)


def test_the_frames_at_the_ends_of_a_part_are_those_of_the_video(clip: Path) -> None:
    stills = []
    for seconds in (0.0, 2.5):
        data = inputs.still(clip, seconds)
        assert data is not None
        with av.open(io.BytesIO(data)) as container:
            stills.append(next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float))
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
    assert np.abs(stills[0] - frames[0]).mean() < 6 and np.abs(stills[1] - frames[10]).mean() < 6
    assert np.abs(stills[1] - frames[0]).mean() > np.abs(stills[1] - frames[10]).mean()
    assert inputs.still(clip, 60.0) is None


def test_clocks() -> None:
    assert timecode.clock(72.34) == "1:12.3" and timecode.clock(59.96) == "1:00.0"
    assert timecode.from_clock(timecode.as_clock(3725.4)) == pytest.approx(3725.4)
    assert timecode.from_clock(timecode.as_clock(1e6)) < 86_400
