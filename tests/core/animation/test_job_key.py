"""A key changes with everything that decides the frames, and with nothing else."""

from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
import tiny
import torch
from stand_ins import RecordingRuntime, with_stand_in_unets
from torch import nn

from hallo2_core.animation import job_key
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.job_key import Render, render_key
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.speech_pieces import RELEASED
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.checkpoints.text_control import zero_text_adapter
from hallo2_core.models.latents import VAECodec
from hallo2_core.runtime import LocalRuntime
from hallo2_core.timeline.prompts import TextPrompts, parse_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights
from hallo2_core.video.settings import VideoSettings

RATE_HZ = 16_000
SOUND = tiny.normal(1, 1, 5 * RATE_HZ)
ENCODER, OTHER_ENCODER = nn.Linear(4, 4), nn.Linear(4, 4)


@cache
def a_render():
    """Made anew with the same inputs, it would be another object with the same key."""
    models = replace(with_stand_in_unets(tiny.shared_models()), fingerprint="weights")
    codec = VAECodec(models.vae, RecordingRuntime())
    reference = build_reference(models, tiny.portrait(), codec, RecordingRuntime())
    inputs = AnimationInputs(models, reference, MotionSettings(), SamplerConfig())
    return Render(inputs, speech(), codec, VideoSettings())


def speech(sound=SOUND, rate_hz=RATE_HZ, fps=25, encoder=ENCODER, **how):
    return encode_speech(TensorAudio(sound, rate_hz), encoder, fps, **how)


def with_inputs(**change):
    return replace(a_render(), inputs=replace(a_render().inputs, **change))


def with_portrait(**change):
    reference = a_render().inputs.reference
    return with_inputs(reference=replace(reference, portrait=replace(reference.portrait, **change)))


def with_speech(*given, **how):
    return replace(a_render(), speech=speech(*given, **how))


def key(render, device="cpu"):
    return render_key(render, LocalRuntime(device))


def test_equal_inputs_have_equal_keys_however_they_came():
    assert key(with_speech(SOUND.clone())) == key(a_render())
    assert key(with_portrait(pixels=tiny.portrait().pixels.clone())) == key(a_render())
    stereo_as_int = (SOUND.clamp(-1, 1) * 32767).short()
    assert key(with_speech(stereo_as_int)) == key(with_speech(stereo_as_int.float() / 32768))


CHANGES = {
    "weights": lambda: with_inputs(models=replace(a_render().inputs.models, fingerprint="others")),
    "reference's weights": lambda: with_inputs(
        reference=replace(a_render().inputs.reference, weights=("weights", "another VAE"))
    ),
    "vae": lambda: replace(a_render(), codec=VAECodec(tiny.models().vae.double(), RecordingRuntime())),
    "speech encoder": lambda: with_speech(encoder=OTHER_ENCODER),
    "picture": lambda: with_portrait(pixels=-tiny.portrait().pixels),
    "face": lambda: with_portrait(face_region=1 - tiny.portrait().face_region),
    "masks": lambda: with_portrait(masks=tiny.region_masks(8, 8, seed=9)),
    "identity": lambda: with_portrait(identity=torch.zeros(512)),
    "sampler": lambda: with_inputs(sampler=SamplerConfig(seed=1)),
    "clip": lambda: with_inputs(motion=MotionSettings(ClipConfig(motion_frames=3))),
    "patch drop": lambda: with_inputs(motion=MotionSettings(patch_drop=PatchDropConfig(seed=7))),
    "start": lambda: with_inputs(motion=MotionSettings(start_frames=torch.zeros(2, 64, 64, 3))),
    "one sample": lambda: with_speech(SOUND + torch.eye(1, SOUND.shape[1]) / 1000),
    "length": lambda: with_speech(SOUND[:, :-1]),
    "rate": lambda: with_speech(rate_hz=RATE_HZ + 1),
    "frame rate": lambda: with_speech(fps=Fraction(24)),
    "pieces": lambda: with_speech(pieces=RELEASED),
    "resampler": lambda: with_speech(resampler="soxr"),
    "prompts": lambda: with_inputs(text=prompts("0-2 smiling")),
    "when": lambda: with_inputs(text=prompts("0-1 smiling")),
    "what they mean": lambda: with_inputs(text=replace(prompts("0-2 smiling"), embeddings=torch.ones(1, 8))),
    "who encoded them": lambda: with_inputs(text=replace(prompts("0-2 smiling"), encoder="another")),
    "adapter": lambda: with_inputs(
        text=prompts("0-2 smiling"),
        models=replace(a_render().inputs.models, text_adapter=zero_text_adapter(tiny.UNET)),
    ),
    "weights over time": lambda: with_inputs(weights=parse_weights("lip 1.2 @ 0-", Transition())),
    "their transition": lambda: with_inputs(weights=parse_weights("lip 1.2 @ 0-", Transition(0.2))),
    "codec": lambda: replace(a_render(), settings=VideoSettings("h265")),
    "quality": lambda: replace(a_render(), settings=VideoSettings(quality=0)),
}


def prompts(text):
    return TextPrompts(parse_prompts(text), Transition(), torch.zeros(1, 8), "an encoder")


def test_timelines_count_by_what_they_say():
    written = with_inputs(weights=parse_weights("lip 1.20 @ 0:01-2s ; pose 1 @ 1-", Transition()))
    shorter = with_inputs(weights=parse_weights("pose 1.0 @ 1-; lip 1.2@1-2", Transition()))
    assert key(written) == key(shorter)
    assert key(with_inputs(text=prompts("0-2s  smiling;"))) == key(with_inputs(text=prompts("0-2 smiling")))


def test_an_adapter_without_prompts_does_nothing_and_does_not_count():
    models = replace(a_render().inputs.models, text_adapter=zero_text_adapter(tiny.UNET))
    assert key(with_inputs(models=models)) == key(a_render())


def test_every_change_gives_a_key_of_its_own():
    keys = {name: key(change()) for name, change in CHANGES.items()} | {"unchanged": key(a_render())}
    assert len(set(keys.values())) == len(keys), sorted(keys.items(), key=lambda item: item[1])


def test_the_machines_arithmetic_counts(monkeypatch):
    before = key(a_render())
    unet = a_render().inputs.models.denoising_unet
    for owner, name in ((job_key, "__version__"), (torch, "__version__"), (unet, "attention_name")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, "another")
            assert key(a_render()) != before
    assert key(a_render(), "meta") != before and key(a_render()) == before


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_key_is_a_short_name_for_a_folder(device):
    assert key(a_render(), device).isalnum() and len(key(a_render(), device)) == 32
