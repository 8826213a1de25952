"""Every shipped golden case as a separate test."""

import shutil

import pytest
import torch

from hallo2_core.selftest.case import GOLDENS, Settings
from hallo2_core.selftest.run_cases import LONG_VIDEO, run_folder

HALF_PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16}
EIGHT_BITS = {"fp8": torch.float8_e4m3fn}
# Processors are slow in float16: sr_full takes a quarter of an hour there, and `hallo2 selftest` on a card does better.
# What the others would show, smaller cases and bfloat16 show too.
SLOW = {
    "sr_full",
    "sr_full bf16",
    "pipeline_cfg fp16",
    "denoising_unet_cfg fp16",
    "longvideo fp16",
    "longvideo bf16",
    "pipeline_cfg fp8",
    "sr_full fp8",
}
TOO_SLOW = {"sr_full fp16"}


def cases():
    """Name → its files; the files of a long video belong together."""
    files = {}
    for path in sorted(GOLDENS.glob("*.safetensors")):
        match = LONG_VIDEO.match(path.stem)
        files.setdefault(match["video"] if match else path.stem, []).append(path)
    return files


CASES = cases()
WITH_A_DTYPE = [name for name in CASES if not name.startswith(("masks", "scheduler"))]


def parameter(name, *dtype):
    if name.startswith("full_size"):
        marks = pytest.mark.heavy
    else:
        marks = pytest.mark.slow if " ".join([name, *dtype]) in SLOW else ()
    return pytest.param(name, *dtype, marks=marks)


def run_alone(name, folder, dtype=torch.float32, storage=None):
    """In a folder that holds nothing else, so the configuration is the shipped one."""
    for path in CASES[name]:
        shutil.copy(path, folder)
    verdicts = list(run_folder(folder, Settings(torch.device("cpu"), dtype, storage)))
    assert [verdict.name for verdict in verdicts] == [p.stem for p in CASES[name] if not p.stem.endswith("_inputs")]
    for verdict in verdicts:
        print(verdict)
        assert verdict.status == "PASS", str(verdict)
    return verdicts


@pytest.mark.parametrize("name", [parameter(name) for name in CASES])
def test_float32(name, tmp_path):
    run_alone(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [parameter(name, dtype) for name in WITH_A_DTYPE for dtype in HALF_PRECISIONS if f"{name} {dtype}" not in TOO_SLOW],
)
def test_half_precision(name, dtype, tmp_path):
    """Within limits of its own, and not by running in float32 after all."""
    assert max(verdict.max_abs for verdict in run_alone(name, tmp_path, HALF_PRECISIONS[dtype])) > 1e-5


@pytest.mark.parametrize(
    ("name", "storage"),
    [parameter(name, "fp8") for name in ("denoising_unet_nocfg", "pipeline_cfg", "reference_unet", "sr_full")],
)
def test_weights_of_eight_bits(name, storage, tmp_path):
    """Within their own limits, and really stored in eight bits; the arithmetic is float32."""
    verdicts = run_alone(name, tmp_path, storage=EIGHT_BITS[storage])
    assert max(verdict.max_abs for verdict in verdicts) > 1e-2


def test_no_kind_of_case_is_missing():
    assert set(CASES) >= {
        "audio",
        "audio_proj",
        "denoising_unet_cfg",
        "denoising_unet_nocfg",
        "face_locator",
        "full_size_denoise",
        "image_proj",
        "longvideo",
        "masks",
        "pipeline_cfg",
        "reference_unet",
        "scheduler40",
        "sr_full",
        "sr_transformer",
    }
