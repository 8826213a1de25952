"""The two halves of classifier-free guidance: [unconditional, conditional] along the batch axis."""

from __future__ import annotations

from einops import repeat
from torch import Tensor


def is_guided(guidance: float) -> bool:
    """At 1 and below there is one half, the conditional one. (The released pipeline crashes there, quirk 13.)"""
    return guidance > 1.0


def both_halves(latents: Tensor, guidance: float) -> Tensor:
    """latents: (f c h w).  Returns (b f) c h w, b = 2 where guided."""
    return repeat(latents, "f c h w -> (b f) c h w", b=2 if is_guided(guidance) else 1)


def guided_prediction(prediction: Tensor, guidance: float) -> Tensor:
    """prediction: (b f) c h w.  Returns (f c h w)."""
    if not is_guided(guidance):
        return prediction
    unconditional, conditional = prediction.chunk(2)
    return unconditional + guidance * (conditional - unconditional)
