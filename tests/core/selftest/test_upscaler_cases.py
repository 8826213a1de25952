from dataclasses import dataclass, replace

import pytest
import torch

from hallo2_core.selftest.case import GOLDENS, Case, Settings
from hallo2_core.selftest.upscaler_cases import _stored_parts, run_sr_full, run_sr_transformer

SETTINGS = Settings(torch.device("cpu"))


@dataclass(frozen=True)
class ChangedCase(Case):
    """A case one of whose tensors was tampered with."""

    changed: str = ""

    @property
    def tensors(self):
        tensors = dict(Case(self.name, self.path).tensors)
        tensors[self.changed] = tensors[self.changed] * 1.01
        return tensors


@pytest.fixture
def transformer():
    return Case("sr_transformer", GOLDENS / "sr_transformer.safetensors")


def test_transformer_layers_match_the_official_ones(transformer):
    (verdict,) = run_sr_transformer(transformer, SETTINGS)
    assert verdict.status == "PASS" and verdict.max_abs < 2e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_transformer_layers_match_in_coarser_dtypes_within_their_limits(transformer, dtype):
    (verdict,) = run_sr_transformer(transformer, replace(SETTINGS, dtype=dtype))
    assert verdict.status == "PASS" and verdict.max_abs > 1e-4


@pytest.mark.parametrize("changed", ["input", "position", "after_layer1"])
def test_another_result_fails(transformer, changed):
    (verdict,) = run_sr_transformer(ChangedCase(transformer.name, transformer.path, changed), SETTINGS)
    assert verdict.status == "FAIL"


def test_stored_parts_are_block_means_and_three_crops():
    picture = torch.arange(64.0 * 64).reshape(1, 1, 1, 64, 64)
    parts = _stored_parts(picture)
    assert torch.equal(parts["crop_top_left"], picture[..., :32, :32])
    assert torch.equal(parts["crop_centre"], picture[..., 16:48, 16:48])
    assert torch.equal(parts["crop_low_right"], picture[..., 32:, 32:])
    assert parts["mean16x16"].shape == (1, 1, 1, 4, 4)
    assert parts["mean16x16"][0, 0, 0, 1, 2] == picture[0, 0, 0, 16:32, 32:48].mean()


@pytest.mark.slow
def test_whole_network_draws_the_official_codes_and_pictures():
    (verdict,) = run_sr_full(Case("sr_full", GOLDENS / "sr_full.safetensors"), SETTINGS)
    assert verdict.status == "PASS", verdict
