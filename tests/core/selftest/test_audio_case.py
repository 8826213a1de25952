import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from hallo2_core.audio.speech_pieces import RELEASED
from hallo2_core.selftest.audio_case import ListedPieces, _speech, case_encoder, case_pieces, run_audio
from hallo2_core.selftest.case import GOLDENS, Case, Settings

GOLDEN = GOLDENS / "audio.safetensors"
CPU = Settings(torch.device("cpu"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_golden_case_passes(dtype):
    [verdict] = run_audio(Case("audio", GOLDEN), Settings(torch.device("cpu"), dtype))
    assert verdict.status == "PASS", verdict


def test_the_golden_case_goes_through_the_released_cuts():
    case = Case("audio", GOLDEN)
    waves = torch.cat([case.tensors["wave_int16/0"], case.tensors["wave_int16/1"]])
    speech = replace(_speech(waves, case_encoder(case, CPU)), frames=83)
    assert case_pieces(case.metadata["segments"], speech) == replace(RELEASED, piece_seconds=2.0)


def changed_case(folder, tensors=None, **metadata):
    case = Case("audio", GOLDEN)
    values = {key: json.dumps(value) for key, value in (case.metadata | metadata).items()}
    save_file(load_file(GOLDEN) | (tensors or {}), folder / "audio_2.safetensors", values)
    return Case("audio_2", folder / "audio_2.safetensors")


@pytest.mark.parametrize("name", ["windows_all", "embedding/1", "forward_input_values", "forward_hidden_states_seq21"])
def test_a_wrong_number_anywhere_fails(tmp_path, name):
    tensor = load_file(GOLDEN)[name]
    tensor.view(-1)[-1] += 1e-3
    [verdict] = run_audio(changed_case(tmp_path, {name: tensor}), CPU)
    assert verdict.status == "FAIL" and name in verdict.reason


def test_a_wrong_count_fails(tmp_path):
    [verdict] = run_audio(changed_case(tmp_path, audio_length=84), CPU)
    assert verdict.status == "FAIL" and "audio_length" in verdict.reason


def test_another_salt_is_another_encoder(tmp_path):
    [verdict] = run_audio(changed_case(tmp_path, salt=3), CPU)
    assert verdict.status == "FAIL"


def test_uneven_segments_are_run_as_they_are_listed(tmp_path):
    """Both golden segments in the other order: no rule of even cuts gives them."""
    golden = load_file(GOLDEN)
    segments = Case("audio", GOLDEN).metadata["segments"][::-1]
    swaps = [(f"{name}/{to}", f"{name}/{1 - to}") for name in ("wave_int16", "embedding") for to in (0, 1)]
    tensors = {to: golden[of] for to, of in swaps}
    joined = torch.cat([tensors["embedding/0"], tensors["embedding/1"]])
    centre = torch.arange(len(joined)).unsqueeze(1) + torch.arange(-2, 3)
    tensors["windows_all"] = joined[centre.clamp(0, len(joined) - 1)]
    case = changed_case(tmp_path, tensors, segments=segments)
    waves = torch.cat([tensors["wave_int16/0"], tensors["wave_int16/1"]])
    assert isinstance(case_pieces(segments, _speech(waves, case_encoder(case, CPU))), ListedPieces)
    [verdict] = run_audio(case, CPU)
    assert "windows_all" not in verdict.reason and "embedding" not in verdict.reason
    assert verdict.reason.count("forward") == 2  # the file's own are those of the other segment
