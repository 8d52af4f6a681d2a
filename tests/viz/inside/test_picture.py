"""A map over a picture: shares begin at nothing, what can speak against an answer has both sides."""

from __future__ import annotations

import numpy as np

from viz.inside.picture import picture_with_map


def test_colours_of_shares_begin_at_nothing_and_those_of_reasons_go_both_ways() -> None:
    rgb, values = np.zeros((20, 30, 3), np.uint8), np.array([[0.1, 0.4], [0.0, 0.2]])
    shares, _ = picture_with_map(rgb, values, unit="share", rising=True)
    (heat,) = shares.data
    assert (heat.zmin, heat.zmax) == (0, 0.4) and len(heat.colorscale) == 2
    assert heat.colorscale[0][1].endswith(",0)"), "nothing hides nothing of the picture"
    reasons, said = picture_with_map(rgb, values - 0.3, unit="alpha")
    assert (reasons.data[0].zmin, reasons.data[0].zmax) == (-0.3, 0.3) and "speaks loudest" in said
