"""A video of eighteen frames in five clips, made in a second, for tests of what goes wrong on the way."""

from dataclasses import dataclass, field
from fractions import Fraction

import tiny
from seeded_models import SEEDED_WAV2VEC
from stand_ins import FakeWindows, RecordingRuntime, with_stand_in_unets
from torch import nn
from video_on_script import Sound, speech_like

from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.job_key import Render
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.render import render_video
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.config import Wav2VecConfig
from hallo2_core.jobs.job import Job
from hallo2_core.models.latents import VAECodec
from hallo2_core.video.settings import VideoSettings

FRAMES, CLIPS = 18, 5


class FakeEncoder(nn.Module):
    def __init__(self, config: Wav2VecConfig = SEEDED_WAV2VEC) -> None:
        super().__init__()
        self.config = config


@dataclass(frozen=True)
class FakeSpeech:
    """Speech of which nothing is encoded."""

    audio: Sound
    frames: int = FRAMES
    fps: Fraction = Fraction(25)
    encoder: FakeEncoder = field(default_factory=FakeEncoder)

    def windows(self, clip_frames, runtime):
        return FakeWindows(self, clip_frames, runtime)


def a_render(models=None, **sampler):
    """Eighteen frames in clips of four, with a second of sound that ends before them."""
    models = models or with_stand_in_unets(tiny.shared_models())
    codec = VAECodec(models.vae, RecordingRuntime())
    reference = build_reference(models, tiny.portrait(), codec, RecordingRuntime())
    sampler = SamplerConfig(**{"steps": 1, "guidance": 1.0} | sampler)
    inputs = AnimationInputs(models, reference, MotionSettings(ClipConfig(4, 2)), sampler)
    speech = FakeSpeech(speech_like(16000, 0.71))
    return Render(inputs, speech, codec, VideoSettings(preset="ultrafast"))


def make(render, folder, runtime=None, key="key"):
    job = Job(folder / "a.mp4.hallo2", tiny.job_key(key))
    return render_video(render, job, folder / "a.mp4", runtime or RecordingRuntime())
