"""The instruments of `acceleration.py` on what is known."""

from dataclasses import replace

import pytest
import torch
from bench.quality.cost import ClipCost
from bench.quality.loss import Quality, seam_jump, sharpness
from bench.quality.pareto import ON_FRONT, Point, draw_points, front
from PIL import ImageColor

from hallo2_core.animation.acceleration import EXACT, PRESETS, Acceleration

EXACT_QUALITY = Quality(sync=0.8, identity=0.9, seam_jump=1.2, sharpness=0.05)
COST = ClipCost({(2, False): 40.0, (2, True): 4.0, (1, False): 20.0, (1, True): 2.0}, besides=50.0)


@pytest.mark.parametrize(
    ("acceleration", "cost"),
    [
        (EXACT, 50 + 4 * 40),
        (Acceleration(step_share=0.5), 50 + 2 * 40),
        (Acceleration(guided_until=0.5), 50 + 2 * 40 + 2 * 20),
        (Acceleration(deep_every=2), 50 + 2 * 40 + 2 * 4),
        (Acceleration(unconditional_every=4, deep_every=4), 50 + 40 + 3 * 2),
    ],
    ids=str,
)
def test_a_clip_costs_what_its_steps_do_and_what_is_done_besides(acceleration, cost):
    assert COST.of(acceleration, 4) == cost
    assert COST.share(acceleration, 4) == cost / 210


def test_the_presets_keep_to_their_share_of_the_released_models_operations():
    """As `clip_cost.py` counts them at 512×512."""
    released = ClipCost({(2, False): 45.16, (2, True): 4.18, (1, False): 23.96, (1, True): 2.31}, besides=45.74)
    assert released.share(PRESETS["balanced"], 40) <= 0.45
    assert released.share(PRESETS["fast"], 40) <= 0.20


@pytest.mark.parametrize(
    ("change", "loss"),
    [
        ({}, 0.0),
        ({"sync": 0.76}, 0.05),
        ({"identity": 0.81}, 0.1),
        ({"seam_jump": 1.5}, 0.25),
        ({"sharpness": 0.055}, 0.1),
        ({"sync": 0.9, "identity": 0.95, "seam_jump": 1.0}, 0.0),
        ({"sync": 0.76, "sharpness": 0.04}, 0.2),
    ],
)
def test_the_loss_is_the_largest_and_what_becomes_better_is_none(change, loss):
    assert replace(EXACT_QUALITY, **change).loss(EXACT_QUALITY) == pytest.approx(loss)


def test_a_seam_is_a_larger_change_where_clips_meet():
    levels = torch.tensor([0, 1, 2, 3, 7, 8, 9, 10]) / 255
    frames = levels.reshape(-1, 1, 1, 1).expand(-1, 4, 4, 3)
    assert seam_jump(frames, clip_frames=4) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="8 frames have no seam between clips of 16"):
        seam_jump(frames, clip_frames=16)


def test_a_blurred_picture_is_less_sharp():
    frames = torch.rand(2, 8, 8, 3, generator=torch.Generator().manual_seed(0))
    assert sharpness((frames + frames.roll(1, dims=1)) / 2) < 0.9 * sharpness(frames)


POINTS = [Point("a", 0.2, 0.04), Point("b", 0.3, 0.05), Point("c", 0.4, 0.01), Point("d", 0.4, 0.02)]


def test_on_the_front_is_what_nothing_beats_in_cost_and_loss():
    assert [point.name for point in front(POINTS)] == ["a", "c"]
    assert front([POINTS[1]]) == [POINTS[1]]


def test_the_plot_has_a_panel_for_each_number_of_steps():
    one, two = draw_points({"40 steps": POINTS}), draw_points({"40 steps": POINTS, "10 steps": POINTS[:1]})
    assert two.height == 2 * one.height
    counts = {color: count for count, color in one.getcolors(2**20)}
    assert counts[ImageColor.getrgb(ON_FRONT)] > 100
