import math

import cv2
import numpy as np
import pytest
import torch
from faces_on_script import face_at

from hallo2_core.portrait import similarity
from hallo2_core.upscaling.face_crop import cut_face, face_square, paste_face, square_to_picture, warp


def ramp(height, width):
    """A picture whose values are its coordinates."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x / width, y / height, torch.zeros_like(x)], dim=-1)


def paste_faces(picture, faces, scale):
    canvas = picture.clone()
    for face, square in faces:
        paste_face(canvas, face, square, scale)
    return canvas


def smooth_picture(side, waves=3.0):
    y, x = torch.meshgrid(torch.linspace(0, waves, side), torch.linspace(0, waves, side), indexing="ij")
    return torch.stack([x.sin(), y.cos(), (x + y).sin()], dim=-1) / 2 + 0.5


def test_a_straight_face_lies_in_its_square_as_in_ffhq():
    points = face_at(100.0, 80.0, eyes_px=20.0).five_points
    to_square = similarity.inverse(square_to_picture(face_square(points), 512))
    eyes, mouth = similarity.apply(to_square, points[:2]), similarity.apply(to_square, points[3:]).mean(dim=0)
    # Eyes a quarter of the side apart; they and the mouth on both sides of the middle.
    assert float(eyes[1, 0] - eyes[0, 0]) == pytest.approx(128, abs=0.1)
    assert float(eyes[0, 1]) == pytest.approx(float(eyes[1, 1]), abs=0.1) == pytest.approx(242.5, abs=1)
    assert float(mouth[0]) == pytest.approx(256, abs=0.1) and float(mouth[1]) == pytest.approx(377, abs=1)


@pytest.mark.parametrize("turn", [-170.0, -30.0, 0.0, 45.0, 90.0])
def test_the_square_turns_grows_and_moves_with_the_face(turn):
    square = face_square(face_at(50.0, 60.0, eyes_px=30.0, turn_degrees=turn).five_points)
    straight = face_square(face_at(0.0, 0.0, eyes_px=10.0).five_points)
    angle = math.degrees(math.atan2(square[4], square[3]))
    assert angle == pytest.approx(turn, abs=1e-3)
    assert math.exp(square[2] - straight[2]) == pytest.approx(3, rel=1e-5)


def test_a_profile_does_not_shrink_the_square():
    points = face_at(100.0, 80.0).five_points
    profile = points.clone()
    profile[:, 0] = 100 + (points[:, 0] - 100) * 0.1
    assert float(face_square(profile)[2]) >= float(face_square(points)[2]) - math.log(4.0 / (3.6 * 1.05)) - 1e-5


def test_points_on_one_spot_give_a_square_all_the_same():
    assert face_square(torch.full((5, 2), 7.0)).isfinite().all()


@pytest.mark.parametrize(("eyes_px", "turn"), [(40.0, 20.0), (12.0, -35.0)])
def test_the_cut_face_shows_what_lies_under_its_pixels(eyes_px, turn):
    picture = ramp(300, 400)
    square = face_square(face_at(200.0, 140.0, eyes_px, turn).five_points)
    face = cut_face(picture, square, 64)
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    places = similarity.apply(square_to_picture(square, 64), torch.stack([x, y], dim=-1))
    inner = (slice(4, -4), slice(4, -4))
    # torch's bicubic kernel draws a slope with ripples of a few hundredths of a pixel.
    torch.testing.assert_close(face[0][inner], places[..., 0][inner] / 400, atol=5e-4, rtol=0)
    torch.testing.assert_close(face[1][inner], places[..., 1][inner] / 300, atol=5e-4, rtol=0)


def test_enlarging_agrees_with_opencv():
    picture = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    to_picture = torch.tensor([[0.4, -0.1, 12.0], [0.1, 0.4, 9.0]])
    ours = warp(picture, to_picture, 48, 48)
    middles = to_picture.double().numpy().copy()  # OpenCV's pixels have their middles at whole numbers
    middles[:, 2] += middles[:, :2] @ [0.5, 0.5] - 0.5
    theirs = cv2.warpAffine(
        np.ascontiguousarray(picture.permute(1, 2, 0).numpy()), middles, (48, 48),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    # OpenCV rounds places to 1/32 of a pixel.
    assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).mean() < 0.01


def test_shrinking_averages():
    noise = torch.rand(1, 512, 512, generator=torch.Generator().manual_seed(0))
    small = warp(noise, torch.tensor([[8.0, 0.0, 0.0], [0.0, 8.0, 0.0]]), 64, 64)
    assert float(small.std()) < 0.06 and float(small.mean()) == pytest.approx(0.5, abs=0.01)


def test_a_face_beyond_the_edge_is_filled_with_the_edge():
    picture = torch.zeros(60, 60, 3)
    picture[:, :12] = 1.0
    face = cut_face(picture, face_square(face_at(-5.0, 30.0).five_points), 32)
    torch.testing.assert_close(face[:, 16, 0], torch.ones(3))


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_a_cut_face_pasted_back_is_the_picture_again(scale):
    source, target = smooth_picture(240), smooth_picture(round(240 * scale))
    square = face_square(face_at(120.0, 100.0, 25.0, 15.0).five_points)
    pasted = paste_faces(target, [(cut_face(source, square, 256), square)], (scale, scale))
    assert (pasted - target).abs().max() < 0.02 and not torch.equal(pasted, target)


def test_pixels_outside_the_square_stay_as_they_are():
    picture = torch.rand(200, 200, 3, generator=torch.Generator().manual_seed(0))
    square = face_square(face_at(100.0, 90.0, 15.0, 30.0).five_points)
    pasted = paste_faces(picture, [(torch.ones(3, 64, 64), square)], (1.0, 1.0))
    y, x = torch.meshgrid(torch.arange(200) + 0.5, torch.arange(200) + 0.5, indexing="ij")
    places = similarity.apply(similarity.inverse(square_to_picture(square, 2)), torch.stack([x, y], dim=-1)) - 1
    outside = (places.abs() >= 0.97).any(dim=-1)
    assert torch.equal(pasted[outside], picture[outside])
    assert float(pasted[places.abs().amax(dim=-1) < 0.6].min()) > 1 - 1e-5


def test_the_edge_is_soft():
    square = face_square(face_at(100.0, 90.0, 15.0).five_points)
    pasted = paste_faces(torch.zeros(200, 200, 3), [(torch.ones(3, 64, 64), square)], (1.0, 1.0))
    assert float(pasted[95, :, 0].diff().abs().max()) < 0.3
    assert float(pasted.max()) == pytest.approx(1.0)


@pytest.mark.parametrize(("x", "y"), [(-300.0, 50.0), (500.0, 500.0), (0.0, 0.0), (199.0, 120.0)])
def test_a_face_partly_or_wholly_outside_is_pasted_where_there_is_picture(x, y):
    square = face_square(face_at(x, y, 20.0, 10.0).five_points)
    pasted = paste_faces(torch.zeros(150, 200, 3), [(torch.ones(3, 32, 32), square)], (1.0, 1.0))
    assert pasted.shape == (150, 200, 3) and pasted.isfinite().all()
    assert bool(pasted.any()) == (0 <= x <= 200)


def test_later_faces_lie_on_earlier_ones():
    square = face_square(face_at(50.0, 50.0, 15.0).five_points)
    faces = [(torch.zeros(3, 32, 32), square), (torch.ones(3, 32, 32), square)]
    pasted = paste_faces(torch.full((100, 100, 3), 0.5), faces, (1.0, 1.0))
    assert float(pasted[55, 50, 0]) == pytest.approx(1.0)
