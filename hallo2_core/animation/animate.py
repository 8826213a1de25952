"""The clip loop: one finished clip at a time, whatever the length of the video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from ..config import LATENT_CHANNELS, PIXELS_PER_LATENT
from ..memory_retry import attempts
from ..models.attention_recorder import AttentionRecorder
from ..models.finite import check_finite
from ..models.latents import LatentCodec, decoding_bytes, encode_pictures
from ..models.layers import compute_dtype_of
from ..runtime import Runtime
from .clip_conditions import ClipConditioner
from .clip_frames import ClipFrames
from .clip_state import ClipState, clip_draws, first_state
from .denoise_clip import denoise_clip
from .inputs import AnimationInputs
from .memory import SHORTAGE_ADVICE
from .motion_frames import next_motion_frames
from .patch_drop import shown_motion_frames
from .randomness import ClipDraws


class Windows(Protocol):
    def clip(self, start_frame: int, frames: int) -> Tensor:
        """(f window layers d), the speech around each frame of a clip."""


class Speech(Protocol):
    """What the loop needs of `SpeechEmbeddings`."""

    frames: int
    fps: Fraction

    def windows(self, clip_frames: int, runtime: Runtime) -> Windows: ...


@dataclass(frozen=True)
class FinishedClip:
    """A denoised clip, decoded as far as the next clip needs it, or fully if a second thread has no room to decode."""

    frames: ClipFrames
    following: ClipState


def animate(
    inputs: AnimationInputs,
    speech: Speech,
    codec: LatentCodec,
    runtime: Runtime,
    start: ClipState | None = None,
    recorder: AttentionRecorder | None = None,
    draws_of: Callable[[ClipState], ClipDraws] | None = None,
    after_step: Callable[[int, int, Tensor], None] | None = None,
) -> Iterator[FinishedClip]:
    """Yield finished clips, one in memory at a time. Another thread may decode its remaining frames.

    The clips' frames add up to exactly `speech.frames`: the last clip is generated in full and cut.

    start: where to resume, with the same frames as without an interruption; None: the beginning.
    recorder: records attention in one clip, without changing the result; that clip is the last.
    draws_of: the random draws of a clip, if not from the seeds.
    after_step: called with the clip, the number of steps done and the latents after them, (f 4 h w).

    A clip that runs out of memory is retried with the same draws, after freeing the device. Raises MemoryShortageError
    if that fails too.
    """
    models, portrait, sampler, clip = inputs.models, inputs.reference.portrait, inputs.sampler, inputs.motion.clip
    schedule = inputs.schedule(speech.frames, speech.fps)
    clips = schedule.clips if recorder is None else recorder.clip + 1
    draws_of = draws_of or partial(clip_draws, inputs)
    windows = speech.windows(clip.frames, runtime)
    for attempt in attempts(runtime, SHORTAGE_ADVICE):
        with attempt, torch.inference_mode():
            conditioner = ClipConditioner(inputs, schedule, runtime)
    dtype = compute_dtype_of(models.denoising_unet)
    latent_size = portrait.height // PIXELS_PER_LATENT, portrait.width // PIXELS_PER_LATENT
    progress = _Progress(runtime, clips, sampler.steps_taken, after_step)
    decoding = decoding_bytes(portrait.width, portrait.height)
    state = start or first_state(inputs)
    while state.number < clips:
        number, first_frame = state.number, state.number * clip.frames
        for attempt in attempts(runtime, SHORTAGE_ADVICE):
            with attempt, torch.inference_mode():  # not around the yield: it would also apply to the caller
                draws = draws_of(state)
                motion = shown_motion_frames(state.motion_pixels, portrait, inputs.motion, draws)
                conditions = conditioner.clip(
                    number, encode_pictures(codec, motion), windows.clip(first_frame, clip.frames)
                )
                noise = draws.latents((clip.frames, LATENT_CHANNELS, *latent_size), dtype).to(runtime.device, dtype)
                latents = denoise_clip(
                    models.denoising_unet,
                    noise,
                    conditions,
                    sampler.steps_taken,
                    schedule.guidance(number),
                    runtime,
                    partial(progress.step, number),
                    recorder if recorder is not None and recorder.clip == number else None,
                    sampler.acceleration,
                    models.run_steps,
                )
                check_finite(latents, f"The latents of clip {number + 1}", models.denoising_unet, "Load Model (Hallo2)")
                frames = ClipFrames(codec, latents)
                frames.decode_last(clip.motion_frames, runtime.check_cancelled)
                if attempt.is_retry or not runtime.has_room(decoding):  # else another thread decodes the other frames
                    frames.decode_all(runtime.check_cancelled)
                progress.decoded(number, frames.last(1)[0])
        following = next_motion_frames(frames.last(clip.motion_frames), clip.motion_frames)
        state = ClipState(number + 1, following, draws.legacy_state())
        yield FinishedClip(frames.first(speech.frames - first_frame), state)
        del frames, latents, noise, conditions  # from here only the caller holds the clip


def count_clips(inputs: AnimationInputs, speech: Speech) -> int:
    return inputs.schedule(speech.frames, speech.fps).clips


class _Progress:
    """Steps of the whole video; decoding a clip counts as one step."""

    def __init__(
        self, runtime: Runtime, clips: int, steps: int, after_step: Callable[[int, int, Tensor], None] | None
    ) -> None:
        self._runtime = runtime
        self._per_clip = steps + 1
        self._total = clips * self._per_clip
        self._after_step = after_step

    def step(self, clip: int, done: int, latents: Tensor) -> None:
        self._runtime.progress(clip * self._per_clip + done, self._total)
        if self._after_step is not None:
            self._after_step(clip, done, latents)

    def decoded(self, clip: int, newest: Tensor) -> None:
        """newest: (h w 3)."""
        self._runtime.progress((clip + 1) * self._per_clip, self._total, newest)
