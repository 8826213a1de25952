import numpy as np
import torch

from hallo2_core.training.cartoons.eye_motion import blinks, breathing, gaze
from hallo2_core.training.cartoons.gestures import gesture_curves, idle_head

FPS = 25


def test_people_blink_a_dozen_times_a_minute():
    shut = blinks(np.random.default_rng(0), 10 * 60 * FPS, FPS) > 0.5
    count = int((shut[1:] & ~shut[:-1]).sum())
    assert 100 < count < 260
    assert shut.float().mean() < 0.08


def test_eyes_rest_and_jump_and_mostly_look_at_the_camera():
    x, y = gaze(np.random.default_rng(1), 60 * FPS, FPS)
    assert max(x.abs().max(), y.abs().max()) <= 1
    assert 0.4 < ((x.abs() < 0.2) & (y.abs() < 0.2)).float().mean() < 0.9
    assert ((x[1:] - x[:-1]).abs() < 0.01).float().mean() > 0.8


def test_breath_goes_in_and_out():
    breath = breathing(np.random.default_rng(2), 20 * FPS, FPS)
    assert breath.min() < 0.02 and breath.max() > 0.98 and (breath[1:] - breath[:-1]).abs().max() < 0.2


def test_each_gesture_turns_the_head_its_own_way_and_brings_it_back():
    for gesture, axis, degrees in (("nod", "pitch", 5), ("shake", "yaw", 8), ("tilt", "roll", 10)):
        curves = gesture_curves(gesture, 0.5, 100, FPS, side=-1)
        assert curves[axis].abs().max() > degrees
        assert all(curves[other].abs().max() == 0 for other in curves if other != axis)
        assert curves[axis][:12].abs().max() == 0 and curves[axis][-10:].abs().max() == 0


def test_an_idle_head_moves_slowly_within_reach():
    curves = idle_head(np.random.default_rng(3), 60 * FPS, FPS, liveliness=1.0)
    assert 1 < curves["yaw"].abs().max() < 10
    assert all((curve[1:] - curve[:-1]).abs().max() < 1.5 for curve in curves.values())
    assert not torch.equal(curves["yaw"], curves["roll"])
