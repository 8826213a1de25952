import numpy as np
import pytest

from hallo2_core.inspection.heat import HeatScale, heat_colours


def luminance(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_more_is_always_brighter_and_even_steps_look_even():
    colours = heat_colours(np.linspace(0, 1, 101))
    assert colours.min() >= 0 and colours.max() <= 1
    lightness = np.cbrt(luminance(colours))  # nearly as the eye sees it
    steps = np.diff(lightness)
    assert steps.min() > 0 and steps.max() < 3 * steps.min()


def test_colours_have_the_values_shape_and_stop_at_the_ends():
    assert heat_colours(np.zeros((2, 3))).shape == (2, 3, 3)
    assert np.array_equal(heat_colours(np.array([-1.0, 2.0])), heat_colours(np.array([0.0, 1.0])))


def test_a_scale_leaves_outliers_out_and_needs_no_spread():
    values = np.append(np.linspace(0.2, 0.4, 1000), 9.0)
    scale = HeatScale.of(values)
    assert 0.2 < scale.least < 0.21 and 0.39 < scale.most < 0.41
    assert np.allclose(scale.colours(np.array(9.0)), heat_colours(np.array(1.0)))
    flat = HeatScale.of(np.full(5, 0.5))
    assert flat.most > flat.least == pytest.approx(0.5)
