"""Classifier-free guidance: the batch is [unconditional, conditional], and this combines its two predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import repeat
from torch import Tensor


def is_guided(guidance: float) -> bool:
    """At 1 and below only the conditional half is predicted. (The released pipeline crashes there, quirk 13.)"""
    return guidance > 1.0


@dataclass(frozen=True)
class Guidance:
    """How the predictions of one clip are combined.

    scale: one value, or one per frame if it changes over the clip.  cond_batch: 2, or 1 for a video without guidance.
    text_scale: the guidance scale of the prompts alone; 1: no extrapolation.
    """

    scale: float | tuple[float, ...]
    cond_batch: int
    text_scale: float = 1.0

    @property
    def weighs_text(self) -> bool:
        """Whether the conditional half must also be predicted without the prompts."""
        return self.text_scale != 1.0


def guidance_over(scales: Sequence[float], cond_batch: int, text_scale: float = 1.0) -> Guidance:
    """scales: one per frame of the clip. In a video that is guided elsewhere, 1 and below becomes 1: the conditional
    half alone."""
    clamped = tuple(max(scale, 1.0) for scale in scales) if cond_batch == 2 else tuple(scales)
    return Guidance(clamped[0] if len(set(clamped)) == 1 else clamped, cond_batch, text_scale)


def repeat_for_guidance(latents: Tensor, cond_batch: int) -> Tensor:
    """latents: (f c h w).  Returns (b f) c h w."""
    return repeat(latents, "f c h w -> (b f) c h w", b=cond_batch)


def with_earlier_difference(conditional: Tensor, halves: Tensor) -> Tensor:
    """conditional: (f c h w).  halves: (2 f) c h w, the predictions of an earlier step, from which the difference
    between the halves is taken: it changes less from step to step than either of them.  Returns (2 f) c h w."""
    unconditional_then, conditional_then = halves.chunk(2)
    return torch.cat([conditional - (conditional_then - unconditional_then), conditional])


def guided_prediction(prediction: Tensor, guidance: Guidance, with_text: Tensor | None = None) -> Tensor:
    """prediction: (b f) c h w.  with_text: (f c h w), the conditional half with prompts, if `prediction` is without
    them.  Returns (f c h w)."""
    *unconditional, conditional = prediction.chunk(guidance.cond_batch)
    if with_text is not None:
        conditional = conditional + guidance.text_scale * (with_text - conditional)
    if not unconditional:
        return conditional
    if not isinstance(guidance.scale, tuple):
        return _led(unconditional[0], conditional, guidance.scale)
    frames = zip(unconditional[0], conditional, guidance.scale, strict=True)
    return torch.stack([_led(*frame) for frame in frames])  # scalars, not a tensor: bit-identical to a constant scale


def _led(unconditional: Tensor, conditional: Tensor, scale: float) -> Tensor:
    return unconditional + scale * (conditional - unconditional)
