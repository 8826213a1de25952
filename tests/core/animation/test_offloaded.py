"""A video made with offloading: the same frames, and no network runs while it is offloaded."""

import tiny
import torch
from stand_ins import FakeSpeech

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.memory import sampling_bytes
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.models.latents import VAECodec
from hallo2_core.offload import bytes_of
from hallo2_core.runtime import LocalRuntime

CLIP = ClipConfig(frames=4, motion_frames=2)


class PlacesRuntime(LocalRuntime):
    """Knows which networks are away, though its device and the one they wait on are both the CPU."""

    def __init__(self, networks, budget_bytes=None):
        super().__init__("cpu", budget_bytes)
        self.away, self.moves = set(networks), 0
        for network in networks:
            network.register_forward_pre_hook(self._check)
            network.to = lambda device, network=network: self._note(network)

    def ready(self, *modules):
        super().ready(*modules)
        self.away -= set(modules)

    def _note(self, network):
        self.away.add(network)
        self.moves += 1

    def _check(self, network, _inputs):
        assert network not in self.away, f"{type(network).__name__} is not on the device"


def frames(models, runtime):
    codec = VAECodec(models.vae, runtime)
    portrait = tiny.portrait()
    runtime.working_bytes = sampling_bytes(models, portrait, CLIP)
    reference = build_reference(models, portrait, codec, runtime)
    inputs = AnimationInputs(models, reference, MotionSettings(CLIP), SamplerConfig(steps=2, guidance=2.0))
    return torch.cat([clip.frames.whole() for clip in animate(inputs, FakeSpeech(10), codec, runtime)])


def test_with_room_for_the_largest_network_only_frames_are_the_same_and_networks_take_turns():
    expected = frames(tiny.shared_models(), LocalRuntime())
    models = tiny.models()
    work = sampling_bytes(models, tiny.portrait(), CLIP)
    runtime = PlacesRuntime(models.networks, bytes_of(models.denoising_unet) + work)
    assert torch.equal(frames(models, runtime), expected)
    assert runtime.moves >= 3 * 2  # before each clip's steps all others leave, and the UNet leaves for them


def test_with_room_for_all_none_ever_moves():
    models = tiny.models()
    work = sampling_bytes(models, tiny.portrait(), CLIP)
    runtime = PlacesRuntime(models.networks, sum(map(bytes_of, models.networks)) + work)
    frames(models, runtime)
    assert runtime.moves == 0
