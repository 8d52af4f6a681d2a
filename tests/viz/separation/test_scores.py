"""The figure of scores along the song."""

from __future__ import annotations

from viz.separation.scores import over_time

SCORES = {
    "times": [0.0, 1.0, 2.0],
    "frames": {
        "vocals": {"sdr": [5.0, None, 7.0], "sir": [9.0, None, 9.0], "sar": [6.0, None, 6.0]},
        "drums": {"sdr": [1.0, 2.0, 3.0], "sir": [1.0, 2.0, 3.0], "sar": [1.0, 2.0, 3.0]},
    },
    "medians": {"vocals": {"sdr": 6.0, "sir": 9.0, "sar": 6.0}, "drums": {"sdr": None, "sir": 2.0, "sar": 2.0}},
}


def test_lines_hold_the_chosen_ratio_and_leave_gaps() -> None:
    figure, alt = over_time(SCORES, "SDR")
    assert [trace.name for trace in figure.data] == ["vocals", "drums"]
    assert list(figure.data[0].y) == [5.0, None, 7.0] and not figure.data[0].connectgaps
    assert figure.data[0].line.color != figure.data[1].line.color
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert "vocals 6.0 dB" in alt and "drums not defined" in alt
    assert list(over_time(SCORES, "SIR")[0].data[0].y) == [9.0, None, 9.0]
