from dataclasses import replace

import pytest
import torch
from einops import repeat
from tiny import normal, portrait

from hallo2_core.animation.adaptive_drop import adapted_drop, drift_from_portrait
from hallo2_core.animation.motion_settings import PatchDropConfig

PORTRAIT = replace(portrait(), pixels=0.3 * normal(1, 3, 64, 64))
ADAPTIVE = PatchDropConfig(adaptive=True)
STILL = repeat(PORTRAIT.pixels, "c h w -> m c h w", m=2)


def rate(pixels, config=ADAPTIVE):
    return adapted_drop(config, pixels, PORTRAIT).rate


def grey(pixels):
    return pixels.mean(dim=1, keepdim=True).expand_as(pixels)


def softer(pixels):
    return torch.nn.functional.avg_pool2d(pixels, 3, stride=1, padding=1)


def test_it_is_off_by_default():
    config = PatchDropConfig()
    assert adapted_drop(config, STILL + 1, PORTRAIT) is config


def test_the_still_portrait_has_not_drifted_at_all():
    assert drift_from_portrait(STILL, PORTRAIT) == 0.0 and rate(STILL) == 0.25


@pytest.mark.parametrize("base", [0.0, 0.25, 0.6])
def test_the_rate_rises_with_the_drift_in_proportion_and_no_further_than_1(base):
    config = PatchDropConfig(rate=base, adaptive=True)
    shifts = [0.0, 0.05, 0.1, 0.2, 0.5]
    rates = [rate(STILL + shift, config) for shift in shifts]
    assert rates == sorted(rates) and rates[0] == base and rates[3] < rates[4] == 1.0
    # The means have moved by the shift, the deviations have not: of the six numbers half.
    assert rates[1] == pytest.approx(base + (1 - base) * 0.05 * 0.5**0.5 / 0.2, rel=1e-4)


@pytest.mark.parametrize("change", [softer, lambda pixels: 3 * pixels, grey])
def test_lost_detail_hard_contrast_and_lost_colour_are_drift(change):
    assert rate(change(STILL)) > 0.4


def test_what_happens_in_the_face_is_no_drift():
    talking = STILL.clone()
    talking[:, PORTRAIT.face_region != 0] = 1.0
    assert rate(talking) == 0.25


def test_a_face_that_fills_the_picture_is_looked_at_itself():
    close = replace(PORTRAIT, face_region=torch.ones(3, 64, 64))
    assert drift_from_portrait(STILL, close) == 0.0 and drift_from_portrait(STILL + 0.2, close) > 0.5


def test_the_newest_frame_counts():
    older, newer = STILL.clone(), STILL.clone()
    older[0] += 1.0
    newer[-1] += 1.0
    assert rate(older) == 0.25 and rate(newer) == 1.0


def test_a_flat_background_is_no_number_that_breaks_it():
    flat = replace(PORTRAIT, pixels=torch.zeros(3, 64, 64))
    assert drift_from_portrait(flat.pixels.unsqueeze(0), flat) == 0.0
    assert 0 < drift_from_portrait(STILL, flat) < float("inf")
