from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tiny import normal

from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.training.upscaler.fresh_weights import fill_with_fresh_weights


def smooth_pictures():
    """Two pictures of different mean color and contrast, without detail finer than 8 px."""
    small = torch.stack([0.6 * normal(1, 3, 8, 8).tanh(), 0.5 + 0.2 * normal(2, 3, 8, 8).tanh()])
    return F.interpolate(small, scale_factor=8.0, mode="bicubic").clamp(-1, 1)


def test_at_fidelity_one_the_upscaler_begins_as_the_given_picture(restorer):
    pictures = smooth_pictures()
    with torch.no_grad():
        drawn = restorer(pictures.unsqueeze(1), fidelity=1.0).frames[:, 0]
    within = slice(6, -6)  # edges are padded with zeros
    difference = (drawn - pictures)[..., within, within]
    assert difference.abs().mean() < 0.02 and difference.mean(dim=(2, 3)).abs().max() < 0.02


def test_fidelity_mixes_drawn_and_given_colors(restorer):
    pictures = smooth_pictures().unsqueeze(1)
    with torch.no_grad():
        drawn, between, given = (restorer(pictures, fidelity=fidelity).frames for fidelity in (0.0, 0.5, 1.0))
    torch.testing.assert_close(between, (drawn + given) / 2, atol=0.05, rtol=0)
    assert (drawn - given).abs().mean() > 0.05


def test_groups_without_room_for_colors_are_refused(restorer):
    narrow = VideoRestorer(replace(restorer.config, norm_groups=4), Build(dtype=torch.float32))
    with pytest.raises(ValueError, match="no room for the colors"):
        fill_with_fresh_weights(narrow, 0)
