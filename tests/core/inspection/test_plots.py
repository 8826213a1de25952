from fractions import Fraction

import numpy as np
import pytest
from PIL import ImageColor

from hallo2_core.inspection.drift import FrameMeasures
from hallo2_core.inspection.plots import BAND, LINE, PANEL_PX, SEAM, draw_curves
from hallo2_core.inspection.report import DriftSummary


def plot(frames, change, identity=None):
    summary = DriftSummary(16)
    for frame in range(frames):
        is_seam = frame > 0 and frame % 16 == 0
        summary.add(FrameMeasures(frame, is_seam, change(frame) if frame else None, 0.9, 1.0, 2.0, identity))
    return np.asarray(draw_curves(summary, Fraction(25)))


def places(picture, colour):
    """Rows at which a colour is found, all over the picture."""
    return np.unique(np.argwhere((picture == ImageColor.getrgb(colour)).all(axis=-1))[:, 0])


@pytest.mark.parametrize("frames", [1, 2, 15, 40, 5000])
def test_a_video_of_any_length_has_a_picture(frames):
    picture = plot(frames, lambda frame: float(frame % 7))
    assert picture.shape == (PANEL_PX * (4 if frames > 1 else 3), 1200, 3)
    assert len(places(picture, LINE)) > 2 if frames > 1 else True


def test_identity_has_a_panel_where_it_was_measured():
    assert plot(20, float, identity=0.7).shape[0] == 5 * PANEL_PX


def test_seams_that_jump_stand_out_at_the_top_of_the_first_panel():
    red = places(plot(200, lambda frame: 9.0 if frame % 16 == 0 else 1.0), SEAM)
    assert red.min() < 40 and red.max() < 40


def test_one_bad_frame_of_an_hour_can_be_seen():
    picture = plot(90_000, lambda frame: 100.0 if frame == 54_321 else 1.0)
    assert places(picture, BAND).min() < 40
