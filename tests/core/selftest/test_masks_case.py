import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hallo2_core.selftest.case import Case, Settings, shipped_goldens
from hallo2_core.selftest.masks_case import run_masks

CPU = Settings(torch.device("cpu"))


@pytest.mark.parametrize("name", ["masks", "masks_far_edges"])
def test_shipped_cases_are_exact(name):
    (verdict,) = run_masks(Case(name, shipped_goldens() / f"{name}.safetensors"), CPU)
    assert verdict.status == "PASS" and verdict.max_abs == 0, str(verdict)


@pytest.mark.parametrize("spoilt", ["png/sep_face", "mask/full/2", "pixel_values"])
def test_one_wrong_value_fails(tmp_path, spoilt):
    source = shipped_goldens() / "masks_far_edges.safetensors"
    with safe_open(source, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors[spoilt] = tensors[spoilt].clone()
    tensors[spoilt][..., 0] += 1
    save_file(tensors, tmp_path / "masks_spoilt.safetensors", metadata=metadata)
    assert json.loads(metadata["image_size"]) == 256
    (verdict,) = run_masks(Case("masks_spoilt", tmp_path / "masks_spoilt.safetensors"), CPU)
    assert verdict.status == "FAIL" and spoilt in verdict.reason
