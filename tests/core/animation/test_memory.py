from dataclasses import replace

import pytest
import tiny
import torch
from stand_ins import RecordingRuntime
from torch import nn

from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.memory import (
    GIBIBYTE,
    STEP_BYTES,
    MemoryNeed,
    check_memory,
    memory_need,
    step_bytes,
)
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.config import Hallo2Config
from hallo2_core.errors import SettingsError
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.layers import Build
from hallo2_core.runtime import DeviceMemory

NEED = MemoryNeed(weights_bytes=4 * GIBIBYTE, largest_layer_bytes=GIBIBYTE // 10, working_bytes=2.5 * GIBIBYTE)


def inputs(width=64, height=64, frames=16, dtype=torch.float32):
    models = tiny.shared_models() if dtype == torch.float32 else tiny.models(Build(dtype=dtype))
    runtime = RecordingRuntime()
    reference = build_reference(models, tiny.portrait(height, width), VAECodec(models.vae, runtime), runtime)
    return AnimationInputs(models, reference, MotionSettings(ClipConfig(frames, 2)), SamplerConfig())


def test_a_step_of_the_released_model_takes_what_was_measured():
    tiny_one = inputs(dtype=torch.float16)
    as_released = replace(tiny_one, models=replace(tiny_one.models, config=Hallo2Config()))
    assert step_bytes(as_released) == STEP_BYTES * (64 * 64) / (512 * 512)


def test_a_step_takes_more_for_more_pixels_frames_and_bytes_a_number():
    one = step_bytes(inputs())
    assert step_bytes(inputs(128, 64)) == 2 * one and step_bytes(inputs(frames=8)) == one / 2
    assert step_bytes(inputs(dtype=torch.float16)) == one / 2


def test_all_networks_are_counted_and_the_largest_layer():
    given, encoder = inputs(), nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Linear(10, 10, bias=False))
    alone, both = memory_need(given), memory_need(given, encoder)
    counted = sum(parameter.nbytes for network in given.models.networks for parameter in network.parameters())
    assert alone.weights_bytes == counted and both.weights_bytes == counted + 4 * (1000 * 1000 + 10 * 10)
    assert both.largest_layer_bytes == 4 * 1000 * 1000 and alone.working_bytes == step_bytes(given)


def test_it_is_said_in_one_line():
    assert str(NEED) == "at most 6.5 GiB of memory at once, 4.0 GiB of it the networks'"


def test_where_networks_are_there_whole_they_must_fit_whole():
    check_memory(NEED, DeviceMemory(int(6.5 * GIBIBYTE), holds_parts=False))
    with pytest.raises(SettingsError, match="takes 2.5 GiB of memory to work in, beside 4.0 GiB for the networks, and "
                                            "the device has 6.0 GiB for both. Choose a smaller size"):  # fmt: skip
        check_memory(NEED, DeviceMemory(6 * GIBIBYTE, holds_parts=False))


def test_where_they_are_brought_in_parts_their_largest_layer_must_fit():
    check_memory(NEED, DeviceMemory(int(2.6 * GIBIBYTE), holds_parts=True))
    with pytest.raises(SettingsError, match="0.1 GiB for the largest layer of the networks, and the device has 2.5"):
        check_memory(NEED, DeviceMemory(int(2.5 * GIBIBYTE), holds_parts=True))


def test_where_nobody_knows_nothing_is_refused():
    check_memory(NEED, None)
