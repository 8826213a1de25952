import pytest
import torch

from hallo2_core.selftest.limits import LIMITS, limit_for


def test_every_dtype_has_a_limit_for_every_kind_and_coarser_ones_a_wider_one():
    exact, half, brain, eight_bits = LIMITS.values()
    assert list(LIMITS) == [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn]
    assert exact.keys() == half.keys() == brain.keys() == eight_bits.keys()
    assert all(0 < exact[kind] < half[kind] < brain[kind] <= eight_bits[kind] for kind in exact)


def test_the_coarser_of_weights_and_arithmetic_sets_the_limit():
    assert limit_for("network", torch.float32, torch.float16) == LIMITS[torch.float16]["network"]
    assert limit_for("network", torch.bfloat16, torch.float16) == LIMITS[torch.bfloat16]["network"]


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("network", 1e-4), ("full_size", 5e-4), ("pipeline", 1e-3), ("long_video", 1e-3), ("audio", 1e-4)],
)
def test_float32_keeps_the_promised_limits(kind, limit):
    assert limit_for(kind, torch.float32) <= limit
