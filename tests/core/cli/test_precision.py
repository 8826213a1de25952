import argparse

import pytest
import torch
from seeded_models import seeded_hallo2

from hallo2_core.cli.precision import add_arguments, chosen_build
from hallo2_core.models import casting
from hallo2_core.models.layers import precision_of
from hallo2_core.models.precision import HALLO2_PRECISION, UPSCALER_PRECISION

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
F32, F16, BF16, F8 = torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn


def chosen(*flags, device=CPU, needs=HALLO2_PRECISION):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    build = chosen_build(parser.parse_args(flags), device, needs)
    assert build.operations is casting
    return build.dtype, build.compute_dtype


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", (F32, None)),
        ("--dtype float16", (F16, None)),
        ("--dtype float16 --compute-dtype float32", (F16, F32)),
        ("--dtype float8_e4m3fn", (F8, F32)),
        ("--dtype float8_e4m3fn --compute-dtype bfloat16", (F8, BF16)),
    ],
)
def test_on_the_cpu(flags, expected):
    assert chosen(*flags.split()) == expected


@pytest.mark.parametrize(
    ("capability", "flags", "hallo2", "upscaler"),
    [
        ((6, 1), "", (None, None), (F32, None)),
        ((7, 5), "", (None, None), (F32, None)),
        ((8, 6), "", (None, None), (BF16, None)),
        ((6, 1), "--dtype float8_e4m3fn", (F8, F32), (F8, F32)),
        ((7, 5), "--dtype float8_e4m3fn", (F8, F16), (F8, F32)),
        ((9, 0), "--dtype float8_e4m3fn", (F8, F16), (F8, BF16)),
        ((9, 0), "--dtype float16", (F16, None), (F16, None)),
    ],
)
def test_on_a_card(monkeypatch, capability, flags, hallo2, upscaler):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert chosen(*flags.split(), device=CUDA) == hallo2
    assert chosen(*flags.split(), device=CUDA, needs=UPSCALER_PRECISION) == upscaler


def test_eight_bits_reach_the_unets_and_spare_the_vae():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    models = seeded_hallo2(chosen_build(parser.parse_args(["--dtype", "float8_e4m3fn"]), CPU, HALLO2_PRECISION))
    assert precision_of(models.denoising_unet) == "float8_e4m3fn weights, float32 arithmetic"
    assert {tensor.dtype for tensor in models.vae.state_dict().values()} == {F32}
