import torch
from tiny import shared_models


@torch.no_grad()
def test_the_face_map_is_eight_times_smaller_and_local():
    locator, region = shared_models().face_locator, torch.zeros(1, 3, 128, 64)
    region[..., :16, :16] = 1.0
    changed = (locator(region) != locator(torch.zeros_like(region))).any(dim=1)[0]
    assert changed.shape == (16, 8)
    assert changed[:2, :2].all() and not changed[6:].any() and not changed[:, 6:].any()
