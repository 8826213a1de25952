from dataclasses import replace

import pytest
import tiny
import torch
from stand_ins import RecordingRuntime
from torch import nn

from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.memory import (
    GIBIBYTE,
    MemoryNeed,
    check_memory,
    memory_need,
    step_bytes,
)
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.checkpoints.networks import hallo2_networks
from hallo2_core.config import Hallo2Config, VAEConfig, Wav2VecConfig
from hallo2_core.errors import SettingsError
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.runtime import DeviceMemory

NEED = MemoryNeed(
    weights_bytes=4 * GIBIBYTE,
    largest_network_bytes=2 * GIBIBYTE,
    largest_layer_bytes=GIBIBYTE // 10,
    working_bytes=2.5 * GIBIBYTE,
)


def inputs(width=64, height=64, frames=16, dtype=torch.float32):
    models = tiny.shared_models() if dtype == torch.float32 else tiny.models(Build(dtype=dtype))
    runtime = RecordingRuntime()
    reference = build_reference(models, tiny.portrait(height, width), VAECodec(models.vae, runtime), runtime)
    return AnimationInputs(models, reference, MotionSettings(ClipConfig(frames, 2)), SamplerConfig())


def released(dtype, width=512, height=512):
    """The released model on the meta device, which has sizes and nothing else."""
    build = Build(dtype=dtype, device="meta")
    models = replace(hallo2_networks(Hallo2Config(), build), vae=AutoencoderKL(VAEConfig(), build))
    given = inputs()
    portrait = replace(given.reference.portrait, pixels=torch.empty(3, height, width, device="meta"))
    return replace(given, models=models, reference=replace(given.reference, portrait=portrait))


@pytest.mark.parametrize(("side", "counted"), [(256, 0.707), (384, 1.037), (512, 1.627), (768, 3.476), (1024, 6.066)])
def test_the_estimate_for_the_released_model_is_a_close_upper_bound_of_what_is_counted(side, counted):
    """Counted in GiB by tests/bench/memory_step.py."""
    assert counted <= step_bytes(released(torch.float16, side, side)) / GIBIBYTE <= 1.15 * counted


def test_a_step_takes_more_for_more_pixels_frames_and_bytes_a_number():
    one, twice, half = (step_bytes(given) for given in (inputs(), inputs(128, 64), inputs(frames=8)))
    assert half < one < twice and twice - one == pytest.approx(2 * (one - half))
    assert step_bytes(inputs(dtype=torch.float16)) == one / 2


def test_all_networks_are_counted_and_the_largest_layer():
    given, encoder = inputs(), nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Linear(10, 10, bias=False))
    alone, both = memory_need(given), memory_need(given, encoder)
    counted = sum(parameter.nbytes for network in given.models.networks for parameter in network.parameters())
    assert alone.weights_bytes == counted and both.weights_bytes == counted + 4 * (1000 * 1000 + 10 * 10)
    assert both.largest_layer_bytes == 4 * 1000 * 1000 and alone.working_bytes == step_bytes(given)


def test_it_is_said_in_one_line():
    assert str(NEED) == "at most 6.5 GiB of memory at once, 4.0 GiB of it for the networks"


def test_where_networks_are_there_whole_they_must_fit_whole():
    check_memory(NEED, DeviceMemory(int(6.5 * GIBIBYTE), "every network"))
    with pytest.raises(SettingsError, match="needs 2.5 GiB of working memory beside 4.0 GiB for the networks, and "
                                            "the device has 6.0 GiB for both. Choose a smaller size"):  # fmt: skip
        check_memory(NEED, DeviceMemory(6 * GIBIBYTE, "every network"))


def test_where_they_are_brought_in_parts_their_largest_layer_must_fit():
    check_memory(NEED, DeviceMemory(int(2.6 * GIBIBYTE), "one layer"))
    with pytest.raises(SettingsError, match="0.1 GiB for the largest layer of the networks, and the device has 2.5"):
        check_memory(NEED, DeviceMemory(int(2.5 * GIBIBYTE), "one layer"))


def test_where_idle_ones_leave_the_largest_must_fit():
    check_memory(NEED, DeviceMemory(int(4.5 * GIBIBYTE), "one network"))
    with pytest.raises(SettingsError, match="2.0 GiB for the largest of the networks, and the device has 4.4 GiB"):
        check_memory(NEED, DeviceMemory(int(4.4 * GIBIBYTE), "one network"))


def test_a_card_of_8_gb_holds_the_released_model_in_half_precision_since_networks_take_turns():
    """CUDA itself and a desktop leave about 6.5 GiB of it."""
    card, encoder = int(6.5 * GIBIBYTE), SpeechEncoder(Wav2VecConfig(), device="meta")
    need = memory_need(released(torch.float16), encoder)
    assert need.weights_bytes / GIBIBYTE == pytest.approx(5.03, abs=0.1)
    assert need.largest_network_bytes / GIBIBYTE == pytest.approx(2.84, abs=0.02)
    check_memory(need, DeviceMemory(card, "one network"))
    with pytest.raises(SettingsError, match="for the networks"):
        check_memory(need, DeviceMemory(card, "every network"))
    for too_much in (released(torch.float32), released(torch.float16, 1024, 768)):
        with pytest.raises(SettingsError, match="for the largest of the networks"):
            check_memory(memory_need(too_much, encoder), DeviceMemory(card, "one network"))


def test_networks_that_work_together_count_together():
    given = inputs()
    models = replace(given.models, audio_projection=nn.Linear(3000, 3000, bias=False), reference_net=nn.Linear(2, 2))
    need = memory_need(replace(given, models=models))
    assert need.largest_network_bytes == 4 * (3000 * 3000 + 2 * 2 + 2)


def test_where_nobody_knows_nothing_is_refused():
    check_memory(NEED, None)
