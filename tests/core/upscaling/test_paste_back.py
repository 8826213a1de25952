from dataclasses import replace

import pytest
import torch
from tiny import normal, portrait

from hallo2_core.errors import PortraitError, SettingsError
from hallo2_core.payloads import Box
from hallo2_core.upscaling.paste_back import check_video_fits, find_place, paste

CROP = Box(30, 20, 94, 84)
PERSON = replace(portrait(), crop=CROP, source=normal(1, 120, 160, 3).sigmoid())
CANVAS = (PERSON.source * 255).round().byte()
FRAME = (normal(2, 64, 64, 3).sigmoid() * 255).round().byte()


def inside(picture, box=CROP):
    return picture[box.top : box.bottom, box.left : box.right]


@pytest.mark.parametrize("feather", [0.0, 0.08, 0.5])
def test_outside_the_crop_every_pixel_is_the_originals(feather):
    given = CANVAS.clone()
    pasted = paste(CANVAS, FRAME, find_place(PERSON, 120, 160, feather))
    assert torch.equal(CANVAS, given)
    outside = torch.ones(120, 160, dtype=torch.bool)
    inside(outside)[:] = False
    assert torch.equal(pasted[outside], CANVAS[outside])


def test_within_the_feather_every_pixel_is_the_videos():
    place = find_place(PERSON, 120, 160, 0.125)
    opaque = place.opacity[..., 0] == 1
    assert opaque[8:-8, 8:-8].all() and not opaque[:7].any() and not opaque[:, -7:].any()
    pasted = inside(paste(CANVAS, FRAME, place))
    assert torch.equal(pasted[opaque], FRAME[opaque])


def test_a_hard_edge_is_hard():
    assert torch.equal(inside(paste(CANVAS, FRAME, find_place(PERSON, 120, 160, 0.0))), FRAME)


def test_the_edge_rises_smoothly_and_the_same_on_all_sides():
    opacity = find_place(PERSON, 120, 160, 0.25).opacity[..., 0]
    middle = opacity[32]
    assert middle[0] < 0.01 and middle[8] == pytest.approx(0.5, abs=0.1) and middle[16] == 1
    assert middle.diff()[:16].min() >= 0 and middle.diff()[:16].max() < 0.1
    assert torch.equal(opacity, opacity.flip(0)) and torch.equal(opacity, opacity.mT)


def test_where_the_picture_ends_nothing_is_faded():
    corner = replace(PERSON, crop=Box(0, 56, 64, 120))
    opacity = find_place(corner, 120, 160, 0.25).opacity[..., 0]
    assert opacity[-1, 0] == 1 and opacity[0, 0] < 0.01 and opacity[-1, -1] < 0.01
    whole = replace(PERSON, crop=Box(0, 0, 160, 120))
    assert (find_place(whole, 120, 160, 0.25).opacity == 1).all()


@pytest.mark.parametrize("size", [(32, 32), (128, 128), (200, 200)])
def test_a_video_of_another_size_fills_the_same_place(size):
    flat = torch.full((*size, 3), 77, dtype=torch.uint8)
    assert (inside(paste(CANVAS, flat, find_place(PERSON, 120, 160, 0.0))) == 77).all()


def test_a_larger_picture_has_a_larger_place():
    place = find_place(PERSON, 240, 320, 0.0)
    assert place.box == Box(60, 40, 188, 168)


def test_an_odd_row_may_be_missing_and_moves_nothing():
    odd = replace(PERSON, source=torch.zeros(121, 161, 3), crop=Box(97, 57, 161, 121))
    assert find_place(odd, 120, 160, 0.1).box == Box(97, 57, 160, 120)


def test_a_picture_of_another_shape_is_refused():
    with pytest.raises(PortraitError, match="is 160x160, but .* one of 160x120, .* a different shape. Use the picture"):
        find_place(PERSON, 160, 160, 0.1)


@pytest.mark.parametrize("feather", [-0.1, 0.6, float("nan")])
def test_a_feather_out_of_range_is_refused(feather):
    with pytest.raises(SettingsError, match="choose 0 .a hard edge. to 0.5"):
        find_place(PERSON, 120, 160, feather)


def test_a_video_of_another_shape_is_refused():
    check_video_fits(PERSON, 2048, 2048)
    with pytest.raises(PortraitError, match="video is 64x128 and the portrait 64x64"):
        check_video_fits(PERSON, 64, 128)
