"""A whole render with seeded networks, as on the command line."""

from fractions import Fraction
from pathlib import Path

import torch
from seeded_models import seeded_hallo2, seeded_speech_encoder

from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.job_key import Render
from hallo2_core.animation.motion_settings import MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import AudioSource
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.models.latents import LatentCodec, VAECodec
from hallo2_core.models.layers import Build
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.video.settings import VideoSettings

PORTRAIT = Path(__file__).parent / "media" / "portrait.png"
VOICE = Path(__file__).parents[1] / "hallo2_core" / "examples" / "voice.wav"


def seeded_render(
    audio: AudioSource,
    size_px: int = 64,
    steps: int = 1,
    models: Hallo2Models | None = None,
    codec: LatentCodec | None = None,
) -> Render:
    """Sixty-four pixels and one step without guidance: as fast as the real pipeline can be."""
    runtime = LocalRuntime()
    models = models or seeded_hallo2(Build(dtype=torch.float32))
    codec = codec or VAECodec(models.vae, runtime)
    portrait = prepare_portrait(load_picture(PORTRAIT), built_in_face_analysis(), size_px, size_px)
    reference = build_reference(models, portrait, codec, runtime)
    inputs = AnimationInputs(models, reference, MotionSettings(), SamplerConfig(steps=steps, guidance=1.0))
    speech = encode_speech(audio, seeded_speech_encoder(), Fraction(25))
    return Render(inputs, speech, codec, VideoSettings())
