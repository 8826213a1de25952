import pytest
import torch

from hallo2_core.selftest.limits import LIMITS, limit_for


def test_every_dtype_has_a_limit_for_every_kind_and_coarser_ones_a_wider_one():
    exact, half, brain = (LIMITS[dtype] for dtype in (torch.float32, torch.float16, torch.bfloat16))
    assert exact.keys() == half.keys() == brain.keys()
    assert all(0 < exact[kind] < half[kind] < brain[kind] for kind in exact)


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("network", 1e-4), ("full_size", 5e-4), ("pipeline", 1e-3), ("long_video", 1e-3), ("audio", 1e-4)],
)
def test_float32_keeps_the_promised_limits(kind, limit):
    assert limit_for(kind, torch.float32) <= limit
