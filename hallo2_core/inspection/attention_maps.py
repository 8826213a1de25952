"""Attention maps of one clip, made as the sampler makes it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor

from ..animation.animate import animate, count_clips
from ..animation.checks import check_inputs
from ..animation.inputs import AnimationInputs
from ..animation.reference_banks import UNCONDITIONAL, reference_rows
from ..audio.speech_embeddings import SpeechEmbeddings
from ..config import PIXELS_PER_LATENT
from ..errors import SettingsError
from ..models.attention_recorder import AttentionRecorder
from ..models.latents import LatentCodec
from ..runtime import Runtime

ALL = "all"
PHASES = (ALL, "early", "middle", "late")
SCALES = (ALL, "1/8", "1/16", "1/32", "1/64")


@dataclass(frozen=True)
class MapSettings:
    """Which clip to record, in which denoising steps, at which attention layers."""

    clip: int = 0
    phase: str = ALL  # all steps, or one third of them: early ones set the layout, late ones add detail
    scale: str = ALL  # the layers' resolution relative to the frame, or the mean over all of them

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise SettingsError(f"The denoising phase is '{self.phase}'; choose one of {', '.join(PHASES)}.")
        if self.scale not in SCALES:
            raise SettingsError(f"The scale is '{self.scale}'; choose one of {', '.join(SCALES)}.")


@dataclass(frozen=True)
class AttentionMaps:
    """Attention of the conditional rows: means over heads, steps and layers. All on the CPU.

    The maps have one value per token of the finest chosen layers, so h w is smaller than H W.
    """

    settings: MapSettings
    fps: Fraction
    first_frame: int  # of the clip, counted in the video
    frames: Tensor  # (f H W 3), 0..1: the clip, cut at the end of the video
    portrait: Tensor  # (H W 3), 0..1
    portrait_share: Tensor  # (f h w), 0..1: share of a position's spatial attention that goes to the portrait
    portrait_received: Tensor  # (f h w), over the portrait: 1 is the mean over the portrait
    motion_share: Tensor  # (f h w), 0..1: share of a position's temporal attention that goes to the motion frames
    over_time: Tensor  # (f n), whole clip, mean over positions: each row sums to 1; motion frames first
    without_identity: tuple[bool, ...]  # (f), frames that attend to the portrait without its identity (quirk 2)

    @property
    def motion_frames(self) -> int:
        return self.over_time.shape[1] - self.over_time.shape[0]


def attention_maps(
    inputs: AnimationInputs,
    speech: SpeechEmbeddings,
    codec: LatentCodec,
    runtime: Runtime,
    settings: MapSettings | None = None,
) -> AttentionMaps:
    """Make the clips up to the chosen one, with the same random draws as the video, and record that one.

    Errors: a Hallo2Error if parts do not fit together or the video has no such clip.
    """
    settings = settings or MapSettings()
    check_inputs(inputs, speech)
    _check_clip(settings.clip, count_clips(inputs, speech))
    recorder = AttentionRecorder(settings.clip, recorded_steps(inputs.sampler.steps_taken, settings.phase))
    frames = deque(animate(inputs, speech, codec, runtime, recorder=recorder), maxlen=1).pop().frames.whole()
    return _maps(inputs, speech, recorder, frames, settings)


def recorded_steps(steps: int, phase: str) -> range:
    """The steps to record, at least one."""
    third = -(-steps // 3)
    start = {ALL: 0, "early": 0, "middle": (steps - third) // 2, "late": steps - third}[phase]
    return range(start, steps if phase == ALL else start + third)


def _check_clip(clip: int, clips: int) -> None:
    if not 0 <= clip < clips:
        raise SettingsError(
            f"Clip {clip} was requested, but the video has {clips}, counted from 0; choose 0 to {clips - 1}."
        )


def _maps(
    inputs: AnimationInputs,
    speech: SpeechEmbeddings,
    recorder: AttentionRecorder,
    frames: Tensor,
    settings: MapSettings,
) -> AttentionMaps:
    portrait, clip = inputs.reference.portrait, inputs.motion.clip
    height, width = portrait.height // PIXELS_PER_LATENT, portrait.width // PIXELS_PER_LATENT
    levels = [(height >> level, width >> level) for level in range(len(SCALES) - 1)]
    chosen = levels if settings.scale == ALL else [levels[SCALES.index(settings.scale) - 1]]
    spatial, temporal = recorder.spatial(), recorder.temporal()

    def pictures(by_tokens: dict[int, Tensor]) -> Tensor:
        """(f l) per number of tokens → the mean over the levels (f h w), for the frames of the video."""
        maps = [rearrange(by_tokens[h * w][: len(frames)], "f (h w) -> f 1 h w", h=h) for h, w in chosen]
        return torch.stack([F.interpolate(level, chosen[0], mode="bilinear") for level in maps]).mean(dim=0).squeeze(1)

    cond_batch = inputs.schedule(speech.frames, speech.fps).cond_batch
    rows = reference_rows(clip.frames, cond_batch, inputs.sampler.reference_banks)
    return AttentionMaps(
        settings,
        speech.fps,
        settings.clip * clip.frames,
        frames,
        rearrange(portrait.pixels, "c h w -> h w c") / 2 + 0.5,
        pictures({tokens: record.portrait for tokens, record in spatial.items()}),
        pictures({tokens: _per_mean(record.received) for tokens, record in spatial.items()}),
        pictures({tokens: record.motion for tokens, record in temporal.items()}),
        torch.stack([temporal[h * w].frames for h, w in chosen]).mean(dim=0),
        tuple(cond_batch == 2 and row == UNCONDITIONAL for row in rows[: len(frames)]),
    )


def _per_mean(received: Tensor) -> Tensor:
    """received: (f l).  Per frame: one with little attention to the portrait still shows where."""
    return received / reduce(received, "f l -> f 1", "mean").clamp_min(torch.finfo(received.dtype).tiny)
