import pytest
import torch

from hallo2_core.errors import PrecisionError
from hallo2_core.models import casting
from hallo2_core.models.finite import check_finite
from hallo2_core.models.layers import Build, Network


def network(storage, compute=None):
    build = Build(casting, dtype=storage, compute_dtype=compute, device="meta")
    made = Network(build)
    made.layer = build.linear(4, 4)
    return made


def checked(values, made):
    check_finite(values, "The latents of clip 3", made, "Load Model (Hallo2)")


def test_finite_values_pass():
    checked(torch.tensor([65504.0, -1e-8]), network(torch.float16))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_one_value_that_is_not_finite_stops_the_work(value):
    values = torch.zeros(2, 3, 4)
    values[1, 2, 0] = value
    with pytest.raises(PrecisionError, match="latents of clip 3 .* float16"):
        checked(values, network(torch.float16))


@pytest.mark.parametrize(
    ("made", "advice"),
    [
        (network(torch.float16), "bf16 or fp32 .*'Load Model .*--dtype bfloat16 or float32"),
        (network(torch.bfloat16), "fp32 .*--dtype float32"),
        (network(torch.float8_e4m3fn, torch.float16), "float8_e4m3fn weights, float16 arithmetic.*bf16 or fp32"),
        (network(torch.float32), "damaged"),
        (network(torch.float16, torch.float32), "damaged"),
    ],
    ids=["fp16", "bf16", "fp8", "fp32", "fp16 cast to fp32"],
)
def test_the_error_says_what_to_choose_instead(made, advice):
    with pytest.raises(PrecisionError, match=advice):
        checked(torch.tensor([float("nan")]), made)
