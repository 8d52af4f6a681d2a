"""The verdicts on scripts that recreate reports: right output passes, wrong, partial and empty output fails."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.report_checks import CHECKS
from benchmarks.report_output import near, value
from benchmarks.reports import Outcome, judge, known_outcomes, run_script

TRACK = "('pcm_s16le', 48000, 'stereo', 's16', 0.0, 2.0, {'language': 'eng', 'title': 'Boom'}, '1')"


def verdict(name: str, output: str) -> str:
    return judge(name, 0, output, "").verdict


def long_last_frames(ends: dict[str, float]) -> str:
    files = ("prores4444.mov", "webm.webm", "composite.mp4")
    return "\n".join(
        f"{name} SRC {{}}\n" + "\n".join(f"    {file} {{'frames': 6, 'container_duration': {end}}}" for file in files)
        for name, end in ends.items()
    )


def test_an_export_that_ends_early_fails() -> None:
    ends = {"long.gif": 2.7, "long.apng.png": 2.71, "long.mp4": 2.2, "one3s.mp4": 3.0}
    assert verdict("videos/c04_longlast", long_last_frames(ends)) == "PASS"
    assert verdict("videos/c04_longlast", long_last_frames({**ends, "long.mp4": 1.07})) == "FAIL"
    assert verdict("videos/c04_longlast", long_last_frames({"long.gif": 2.7})) == "FAIL"  # the others are missing


def colours(header: str) -> str:
    return "\n".join(
        f"{tags} {file} container {tags} frame header {header or tags}"
        for tags in ("(1, 1, 1)", "(6, 6, 6)", "(9, 9, 14)")
        for file in ("prores4444.mov", "webm.webm", "composite.mp4")
    )


def test_frames_without_the_colours_of_their_container_fail() -> None:
    assert verdict("videos/c05_prores_tags", colours("")) == "PASS"
    assert verdict("videos/c05_prores_tags", colours("(1, 2, 2)")) == "FAIL"
    said = colours("") + "\n[('colour', 'changed', 'It could not be written.')]"
    assert verdict("videos/c05_prores_tags", said) == "FAIL"


def sliding(name: str, shares: list[float]) -> str:
    return f"{name} true share 0.3\n{name} as it is share of the picture in the matte, every 4th frame: {shares}\n"


@pytest.mark.parametrize(
    ("entering", "expected"),
    [
        ([0.0, 0.0, 0.2] + [0.3] * 6, "PASS"),
        ([0.0, 0.0, 0.3, 0.3] + [0.16] * 6, "FAIL"),  # fades away
        ([0.0, 0.0, 0.3] + [0.3] * 5 + [0.16], "FAIL"),
        ([0.1, 0.1, 0.2] + [0.3] * 6, "FAIL"),  # somebody is seen in an empty place
    ],
)
def test_a_person_who_fades_or_is_imagined_fails(entering: list[float], expected: str) -> None:
    output = sliding("s_enters.mp4", entering) + sliding("s_cut.mp4", [0.28] * 12)
    assert verdict("videos/c18_plate", output) == expected


def clock(first: float) -> str:
    frames = [round(first + 0.04 * index, 4) for index in range(4)]
    files = ("prores4444.mov", "webm.webm", "composite.mp4")
    source = "{} SRC container start 0.5 video [0.54, 0.58, 0.62, 0.66]\n   read as [0.0] origin 0.5\n"
    return "".join(source.format(n) + "".join(f"   {file} {frames}\n" for file in files) for n in ("c.mts", "c.mpg"))


def test_an_export_that_begins_half_a_second_late_fails() -> None:
    assert verdict("videos/c20_ts", clock(0.01)) == "PASS"
    assert verdict("videos/c20_ts", clock(0.54)) == "FAIL"


def songs(late: int, level: float = 0.0) -> str:
    lags = {
        "video: 1st track silent, 2nd music": 0,
        "video: 2nd track default": 0,
        "video: sound starts 0.5 s late (mp4)": late,
        "video: sound starts 0.5 s late (mkv)": late,
        "mkv: 1 s of sound missing in the middle": 0,
        "mkv: whole file, picture 1 s longer than sound": 0,
    }
    return "\n".join(
        f"{what} | {{'rc': 0, 'diff': {lag}, 'lag': {lag}, 'level': {level}}} | " for what, lag in lags.items()
    )


def test_sound_that_moved_or_went_quiet_fails() -> None:
    assert verdict("songs/r_video", songs(22050)) == "PASS"
    assert verdict("songs/r_video", songs(0)) == "FAIL"
    assert verdict("songs/r_video", songs(22050, level=-30.0)) == "FAIL"
    assert verdict("songs/r_video", songs(22050) + "The file ends early: it announces 6 s.") == "FAIL"


def rates(average: str, steps: list[float]) -> str:
    clips = {"m2997.mkv": average, "m23976.mkv": "24000/1001", "w2997.webm": "30000/1001", "m60.mkv": "60"}
    files = ("prores4444.mov", "composite.mp4")
    return "\n".join(
        f"{name} SRC {{}}\n" + "\n".join(f"    {file} {{'avg': '{rate}', 'steps': {steps}}}" for file in files)
        for name, rate in clips.items()
    )


def test_a_constant_rate_that_varies_fails() -> None:
    assert verdict("videos/c03_mkv_vfr", rates("30000/1001", [0.033366, 0.033367])) == "PASS"
    assert verdict("videos/c03_mkv_vfr", rates("192000/6403", [0.033366, 0.033367])) == "FAIL"
    assert verdict("videos/c03_mkv_vfr", rates("30000/1001", [0.033, 0.034])) == "FAIL"


def trims(webm: str) -> str:
    """A clip of a second, trimmed, where the WebM of the one with Opus is described by `webm`."""
    right = "frames 30 first 0.0 last 0.967 clicks [np.float64(0.0), 0.5005] audio opus"
    names = ("trim_aac.mp4", "trim_opus.mp4", "trim_pcm.mov")
    return "".join(
        f"{name} SRC packets 60 shown frames 30 first 0.0 clicks [0.0, np.float64(0.5)] -1.0\n"
        f"   prores4444 {right}\n   webm {webm if 'opus' in name else right}\n   composite {right}\n"
        for name in names
    )


@pytest.mark.parametrize(
    ("webm", "expected"),
    [
        ("frames 30 first 0.0 clicks [0.0, 0.5]", "PASS"),
        ("frames 60 first 0.0 clicks [0.0, 0.5]", "FAIL"),
        ("frames 30 first 1.0 clicks [0.0, 0.5]", "FAIL"),  # the hidden second moves the picture
        ("frames 30 first 0.0 clicks [0.0, 0.5, 1.0, 1.5]", "FAIL"),  # and is heard
        ("FAILED ArgumentError", "FAIL"),
    ],
)
def test_a_hidden_second_that_comes_back_fails(webm: str, expected: str) -> None:
    assert verdict("videos/c12_editlist", trims(webm)) == expected


def plain_sound(aac: str) -> str:
    line = "clip{}.avi ('pcm_s16le', '2 channels', 's16') {} OK [('codec', '{}', 'fltp')] [('kept', '')]"
    exports = {"prores4444": "stereo", "webm": "stereo", "composite": aac}
    return "\n".join(line.format(n, export, layout) for n in range(9) for export, layout in exports.items())


def test_sound_that_was_folded_or_refused_fails() -> None:
    assert verdict("videos/c10_pcm", plain_sound("stereo")) == "PASS"
    assert verdict("videos/c10_pcm", plain_sound("mono")) == "FAIL"
    assert verdict("videos/c10_pcm", plain_sound("stereo").replace("composite OK", "composite FAILED")) == "FAIL"


def holes(webm: list[float]) -> str:
    """Output of `c09_pcmgap`, where the WebM of the clip with Vorbis clicks at `webm`."""

    def sound(codec: str, layout: str) -> str:
        return f"[('{codec}', 48000, '{layout}', 's32', 0.0, 2.0, {{}}, '1')]"

    layouts = {"gap_pcm.mkv": "stereo", "pcm24.mov": "stereo", "flac24.mkv": "mono", "quad.mov": "quad"}
    return "\n".join(
        f"{name} SRC [] clicks [[0.0, np.float64(0.5), 1.5]]\n"
        f"    prores4444.mov {sound('pcm_s24be', layout)} clicks [[0.0, 0.5, 1.5]] vfirst 0.0\n"
        f"    webm.webm {sound('opus', layout)} clicks [{webm if 'vorbis' in name else [0.0, 0.5, 1.5]}] vfirst 0.0"
        for name, layout in {**layouts, "gap_vorbis.webm": "stereo"}.items()
    )


@pytest.mark.parametrize(
    ("clicks", "fault"),
    [
        ([0.0, 0.5, 1.5], ""),
        ([0.0, 0.5, 0.9], "not so: holes in the sound stay holes"),
        ([0.5, 1.5], "not so: the first moment of the sound is heard"),
    ],
)
def test_a_hole_that_closes_and_a_lost_beginning_are_told_apart(clicks: list[float], fault: str) -> None:
    assert judge("videos/c09_pcmgap", 0, holes(clicks), "").note == fault


def ramp(steps: int, error: float) -> str:
    return (
        "source mean error from the ideal ramp 18.0 of 65535; distinct steps 54 longest flat run 3\n"
        f"export mean error from the ideal ramp {error} of 65535; distinct steps {steps} longest flat run 7\n"
        "[('bit depth', 'kept', '10 bits a colour.')] []"
    )


def test_ten_bits_that_went_through_eight_fail() -> None:
    assert verdict("videos/c06_depth", ramp(40, 30.0)) == "PASS"
    assert verdict("videos/c06_depth", ramp(18, 30.0)) == "FAIL"
    assert verdict("videos/c06_depth", ramp(40, 90.0)) == "FAIL"
    assert verdict("videos/c06_depth", ramp(40, 30.0).replace("kept", "changed")) == "FAIL"


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_script_that_prints_nothing_does_not_pass(name: str) -> None:
    if name != "songs/r_keepalive":  # which prints nothing but failures
        assert verdict(name, "") == "FAIL"


def test_values_are_read_from_what_scripts_print() -> None:
    line = f"webm.webm [{TRACK}] clicks [np.float64(0.5), 1.0] vfirst -0.25"
    assert value(line, "clicks") == [0.5, 1.0] and value(line, "vfirst") == -0.25
    assert value(line, "webm.webm")[0][6] == {"language": "eng", "title": "Boom"}
    with pytest.raises(LookupError):
        value(line, "frames")
    with pytest.raises(ValueError):
        value("clicks [1, 2", "clicks")
    assert near([1.0, [2.0]], [1.01, [2.0]], 0.02) and not near([1.0], [1.0, 2.0], 1) and not near([1.0], 1.0, 1)


@pytest.mark.slow
def test_old_names_are_found_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(
        "import sys\nimport backends.matting.classical as C\nfrom backends.cards import ModelCard\n"
        "from backends.matting.video import VideoReader\n"
        "assert C.Tracker.__name__ == 'PersonTracker' and VideoReader.read and ModelCard\n"
        "assert not hasattr(C, 'Nothing') and len(sys.argv) == 1\n"
    )
    (tmp_path / "gone.py").write_text("from backends.matting.video import NeverThere\n")
    assert run_script(tmp_path / "old.py", "videos/old").verdict == "RAN"
    gone = run_script(tmp_path / "gone.py", "videos/gone")
    assert gone.verdict == "COULD NOT RUN" and "NeverThere" in gone.note


def test_a_pass_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log"
    seen = [Outcome("songs/a", "PASS", "3 tests"), Outcome("songs/b", "FAIL", "no end"), Outcome("songs/c", "RAN")]
    log.write_text("".join(json.dumps(asdict(each)) + "\n" for each in seen))
    assert known_outcomes(log) == {"songs/a": seen[0], "songs/c": seen[2]}
    assert known_outcomes(tmp_path / "none") == known_outcomes(None) == {}
