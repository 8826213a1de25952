"""Checks beyond the goldens, which tests/parity runs."""

from dataclasses import replace

import pytest
import torch

from hallo2_core.selftest.case import GOLDENS, Case, Settings
from hallo2_core.selftest.network_cases import denoise_once
from hallo2_core.selftest.networks import CaseNetworks

SETTINGS = Settings(torch.device("cpu"))


@pytest.fixture(scope="module")
def case():
    return Case("denoising_unet_cfg", GOLDENS / "denoising_unet_cfg.safetensors")


@torch.inference_mode()
def test_the_literal_result_comes_out_with_the_banks_rounded_through_float16(case):
    """Quirk 5: the release casts the banks whatever the networks' dtype. Without it we are off by the rounding."""
    literal = case.tensors["noise_pred"]
    networks = CaseNetworks(case, SETTINGS)
    rounded = denoise_once(case, SETTINGS, networks, through_float16=True)
    assert (rounded - literal).abs().max() <= 2e-5
    assert (case.tensors["noise_pred_bank_fp32"] - literal).abs().max() > 1e-4


@torch.inference_mode()
def test_a_zero_adapter_changes_no_bit(case):
    networks = CaseNetworks(case, SETTINGS)
    prompted = denoise_once(case, replace(SETTINGS, zero_adapter=True), networks)
    assert torch.equal(prompted, denoise_once(case, SETTINGS, networks))
