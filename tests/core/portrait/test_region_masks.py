import numpy as np
import pytest
import torch

from hallo2_core.payloads import Box
from hallo2_core.portrait.region_masks import (
    FACE_OUTLINE,
    LIPS,
    background_of,
    expanded_box,
    face_region,
    filled_box,
    mask_pyramid,
    soft_masks,
)


def corners(left, top, right, bottom):
    return torch.tensor([[left, top], [right, bottom]], dtype=torch.float32)


@pytest.mark.parametrize(
    ("points", "expand", "box"),
    [
        ((56.97, 37.7, 146.11, 133.34), 1.2, (48, 28, 154, 142)),  # the golden photo's face, 200×168
        ((0.4, 0.5, 20.6, 30.5), 1.0, (0, 0, 20, 30)),  # halves round to even
        ((2, 2, 42, 62), 2.0, (0, 0, 80, 120)),  # pushed in from the left and from above
        ((150, 100, 190, 160), 2.0, (120, 48, 200, 168)),  # and from the right and below
        ((10, 10, 190, 160), 3.0, (0, 0, 200, 168)),  # larger than the picture
        ((50, 50, 51, 51), 1.0, (50, 50, 50, 50)),  # half of one pixel is none
    ],
)
def test_expanded_box(points, expand, box):
    assert expanded_box(corners(*points), expand, height=168, width=200) == Box(*box)


def test_the_point_lists_are_those_of_the_face_mesh():
    assert len(set(FACE_OUTLINE)) == 36 and len(set(LIPS)) == 20
    assert max(*FACE_OUTLINE, *LIPS) < 468


def test_background_is_one_low_at_fifty_values():
    values = np.arange(256, dtype=np.uint8)
    table = background_of(values)
    assert (table != 255 - values).sum() == 50
    assert ((255 - values.astype(int)) - table).max() == 1


def test_the_three_regions_share_the_picture():
    soft = soft_masks(filled_box(Box(50, 40, 150, 160), 200, 200), filled_box(Box(80, 120, 120, 150), 200, 200))
    assert soft.lip.max() == 255 and soft.pose.max() == 255
    inside_face = soft.face[20, 32]  # above the lips
    assert inside_face > 200
    assert soft.face[43, 32] < 60 < soft.lip[43, 32]  # on the lips
    saturated = np.maximum(soft.blurred_face.astype(int) - soft.lip, 0)
    assert np.array_equal(soft.face, saturated)


def test_a_face_that_covers_the_picture_stays_a_face():
    everything = filled_box(Box(0, 0, 90, 90), 90, 90)
    soft = soft_masks(everything, filled_box(Box(30, 60, 60, 75), 90, 90))
    assert (soft.blurred_face == 255).all() and not soft.pose.any()
    assert not soft_masks(everything, np.zeros_like(everything)).lip.any()


@pytest.mark.parametrize(("height", "width"), [(512, 512), (256, 256), (512, 320), (64, 192)])
def test_pyramid_and_face_region_follow_height_and_width(height, width):
    """Wide and tall videos, where the original swaps the axes."""
    face = filled_box(Box(0, 0, 40, 100), 100, 200)  # the picture's left fifth
    masks = mask_pyramid(soft_masks(face, face), height, width)
    region = face_region(face, height, width)
    for level, mask in enumerate(masks.pose):
        assert mask.shape == ((height >> 3 + level) * (width >> 3 + level),)
        assert 0.0 <= float(mask.min()) and float(mask.max()) <= 1.0
    grid = masks.pose[0].unflatten(0, (height // 8, width // 8))
    assert grid[:, 0].max() < 0.5 < grid[:, -1].min()
    assert region.shape == (3, height, width)
    assert torch.equal(region[:, :, : width // 8], torch.ones(3, height, width // 8))
    assert not region[:, :, width // 2 :].any()
