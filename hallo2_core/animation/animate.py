"""The clip loop: one finished clip at a time, whatever the length of the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..audio.speech_embeddings import SpeechEmbeddings, SpeechWindows
from ..config import LATENT_CHANNELS, PIXELS_PER_LATENT
from ..models.attention_recorder import AttentionRecorder
from ..models.conditions import ClipConditions, PortraitConditions
from ..models.hallo2_models import Hallo2Models
from ..models.latents import LatentCodec, decoding_bytes, encode_pictures
from ..models.layers import compute_dtype_of
from ..models.text_control import TextModulation
from ..payloads import Reference
from ..runtime import Runtime
from ..timeline.prompts import TextPrompts
from ..timeline.weights import WeightTimeline
from .clip_frames import ClipFrames
from .clip_schedule import ClipSchedule
from .denoise_clip import denoising_steps
from .motion_frames import first_motion_frames, next_motion_frames
from .motion_settings import MotionSettings
from .patch_drop import shown_motion_frames
from .randomness import ClipDraws, LegacyDraws, SeededDraws, legacy_generator
from .reference_banks import motion_banks, reference_rows
from .sampler_config import SamplerConfig


@dataclass(frozen=True)
class AnimationInputs:
    """Who is animated, by which networks, and how: everything but the speech and the machine."""

    models: Hallo2Models
    reference: Reference
    motion: MotionSettings
    sampler: SamplerConfig
    text: TextPrompts | None = None
    weights: WeightTimeline | None = None

    def schedule(self, frames: int, fps: Fraction) -> ClipSchedule:
        """Over a video of so many frames."""
        return ClipSchedule(self.sampler, self.motion.clip.frames, frames, fps, self.text, self.weights)


@dataclass(frozen=True)
class ClipState:
    """Where the next clip begins: all that one clip hands to the one after it."""

    number: int
    motion_pixels: Tensor  # (m 3 h w), -1..1, the last frames before it, not yet dropped
    legacy_generator: Tensor | None = None  # the state of the release's one generator, where that is asked for


@dataclass(frozen=True)
class FinishedClip:
    """Denoised, and decoded as far as the next clip needs it; all of it where the runtime has no room for more."""

    frames: ClipFrames
    following: ClipState


@torch.inference_mode()
def animate(
    inputs: AnimationInputs,
    speech: SpeechEmbeddings,
    codec: LatentCodec,
    runtime: Runtime,
    start: ClipState | None = None,
    recorder: AttentionRecorder | None = None,
) -> Iterator[FinishedClip]:
    """Yield finished clips. Holds one at a time. What is still to be decoded of it another thread may decode.

    The clips' frames add up to exactly `speech.frames`: the last clip is made whole and cut. start: go on from there,
    with the same frames as if the work had never stopped; None begins at the beginning. recorder: records one clip,
    which changes nothing, and the clips end with that one.
    """
    clip = inputs.motion.clip
    schedule = inputs.schedule(speech.frames, speech.fps)
    clips = schedule.clips if recorder is None else recorder.clip + 1
    windows = SpeechWindows(speech, clip.frames, runtime)
    loop = ClipLoop(inputs, schedule, codec, runtime, clips)
    state = start or first_state(inputs)
    while state.number < clips:
        draws, generator = clip_draws(inputs, state)
        first_frame = state.number * clip.frames
        row_recorder = recorder if recorder is not None and recorder.clip == state.number else None
        frames = loop.clip(
            state.number, state.motion_pixels, windows.clip(first_frame, clip.frames), draws, row_recorder
        )
        state = ClipState(
            state.number + 1,
            next_motion_frames(frames.last(clip.motion_frames), clip.motion_frames),
            None if generator is None else generator.get_state(),
        )
        yield FinishedClip(frames.first(speech.frames - first_frame), state)
        del frames  # whoever took the clip may let it go before the next one is made


def count_clips(inputs: AnimationInputs, speech: SpeechEmbeddings) -> int:
    return inputs.schedule(speech.frames, speech.fps).clips


def first_state(inputs: AnimationInputs) -> ClipState:
    pixels = first_motion_frames(inputs.reference.portrait, inputs.motion)
    is_legacy = inputs.sampler.legacy_rng
    return ClipState(0, pixels, legacy_generator(inputs.sampler).get_state() if is_legacy else None)


def clip_draws(inputs: AnimationInputs, state: ClipState) -> tuple[ClipDraws, torch.Generator | None]:
    """The random draws of the clip that begins at `state`, and the generator that they move on, if there is one."""
    sampler, patch_drop = inputs.sampler, inputs.motion.patch_drop
    if state.legacy_generator is None:
        return SeededDraws(sampler, patch_drop, state.number), None
    generator = torch.Generator()
    generator.set_state(state.legacy_generator)
    return LegacyDraws(generator, patch_drop, state.number), generator


class ClipLoop:
    """What is constant over the clips of one video, and how one clip is made from it."""

    def __init__(
        self,
        inputs: AnimationInputs,
        schedule: ClipSchedule,
        codec: LatentCodec,
        runtime: Runtime,
        clips: int | None = None,
    ) -> None:
        """clips: how many are to be made, where not all of the video."""
        self.inputs = inputs
        self.schedule = schedule
        self.clips = clips or schedule.clips
        self.codec = codec
        self.runtime = runtime
        self._others_later = False  # whether frames that the next clip does not need are left to another thread
        self.dtype = compute_dtype_of(inputs.models.denoising_unet)
        reference = inputs.reference
        cond_batch = slice(2 - schedule.cond_batch, None)
        runtime.ready(inputs.models.denoising_unet)
        self.face_tokens = self._to_device(reference.face_tokens[cond_batch])
        self.portrait: PortraitConditions = inputs.models.denoising_unet.portrait_conditions(
            reference.banks.rows(cond_batch).to(runtime.device, self.dtype),
            self.face_tokens,
            self._to_device(reference.face_map),
            reference.portrait.masks,
        )

    def clip(
        self,
        number: int,
        motion_pixels: Tensor,
        windows: Tensor,
        draws: ClipDraws,
        recorder: AttentionRecorder | None = None,
    ) -> ClipFrames:
        """motion_pixels: (m 3 h w), -1..1, not yet dropped.  windows: (f window layers d)."""
        inputs, runtime = self.inputs, self.runtime
        shown = shown_motion_frames(motion_pixels, inputs.reference.portrait, inputs.motion, draws)
        conditions = self.conditions(number, encode_pictures(self.codec, shown), windows)
        noise = draws.latents(self._latent_shape(windows.shape[0]), self.dtype)
        latents = deque(self.steps(number, self._to_device(noise), conditions, recorder), maxlen=1).pop()
        frames = ClipFrames(self.codec, latents)
        frames.decode_last(inputs.motion.clip.motion_frames, runtime.check_cancelled)
        portrait = inputs.reference.portrait
        self._others_later = self._others_later or runtime.has_room(decoding_bytes(portrait.width, portrait.height))
        if not self._others_later:
            frames.decode_all(runtime.check_cancelled)
        self._report(number + 1, 0, frames.last(1)[0])
        return frames

    def conditions(self, number: int, motion_latents: Tensor, windows: Tensor) -> ClipConditions:
        """motion_latents: (m 4 h w), of the dropped motion frames.  windows: (f window layers d)."""
        models, schedule = self.inputs.models, self.schedule
        self.runtime.ready(models.audio_projection, models.reference_net)
        audio_tokens = models.audio_projection(self._to_device(windows))
        banks = motion_banks(models.reference_net, self._to_device(motion_latents), self.face_tokens)
        text = self._text(number)
        self.runtime.ready(models.denoising_unet)
        rows = reference_rows(windows.shape[0], schedule.cond_batch, self.inputs.sampler.reference_banks)
        conditions = models.denoising_unet.clip_conditions(
            self.portrait,
            banks,
            audio_tokens,
            self._to_device(schedule.region_weights(number)),
            torch.tensor(rows, device=self.runtime.device),
        )
        return conditions if text is None else conditions.with_text(text)

    def _text(self, number: int) -> Mapping[str, tuple[TextModulation, ...]] | None:
        """What the prompts do in this clip. A clip that none of them reaches is to the bit one without prompts."""
        window, adapter = self.schedule.prompts(number), self.inputs.models.text_adapter
        if window is None:
            return None
        assert adapter is not None, "check_inputs refuses prompts without an adapter"
        self.runtime.ready(adapter.control)
        presence = window.presence * self.inputs.sampler.text_strength
        return adapter.control(self._to_device(window.embeddings), self._to_device(presence))

    def steps(
        self, number: int, noise: Tensor, conditions: ClipConditions, recorder: AttentionRecorder | None = None
    ) -> Iterator[Tensor]:
        """Latents after each denoising step, (f 4 h w)."""
        sampler = self.inputs.sampler
        unet = self.inputs.models.denoising_unet
        guidance = self.schedule.guidance(number)
        steps = denoising_steps(unet, noise, conditions, sampler.steps, guidance, self.runtime, recorder)
        for done, latents in enumerate(steps, start=1):
            self._report(number, done)
            yield latents

    def _report(self, clips: int, steps: int, preview: Tensor | None = None) -> None:
        per_clip = self.inputs.sampler.steps + 1  # decoding counts as one more
        self.runtime.progress(clips * per_clip + steps, self.clips * per_clip, preview)

    def _latent_shape(self, frames: int) -> tuple[int, ...]:
        portrait = self.inputs.reference.portrait
        return frames, LATENT_CHANNELS, portrait.height // PIXELS_PER_LATENT, portrait.width // PIXELS_PER_LATENT

    def _to_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.runtime.device, self.dtype)
