"""Hierarchical audio attention: speech drives pose, face and lips separately, each through its own mask (paper §4.4).

The checkpoint calls the pose branch "full" and numbers the branches attn2_0 (pose), attn2_1 (face), attn2_2 (lip).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import einsum, rearrange
from torch import Tensor, nn

from .layers import Attention, Build, FeedForward, KeyValues


@dataclass(frozen=True)
class AudioConditions:
    """Inputs of one audio layer for a clip: computed once, used in every step."""

    keys: tuple[KeyValues, ...]  # pose, face, lip: the conditional half's speech, (f n d) each
    masks: Tensor  # (3 l), or (3 f l), per frame, in a batch of clips
    silent: Tensor | None  # (3 l d): the unconditional half's residual in each region (its speech is zeros)
    weights: Tensor  # (3 f): the strength of speech per region and frame


class AudioBlock(nn.Module):
    def __init__(self, width: int, audio_token_width: int, heads: int, build: Build) -> None:
        super().__init__()
        self.norm1 = build.layer_norm(width)
        self.attn1 = Attention(width, width, heads, build)
        self.norm2 = build.layer_norm(width)
        self.attn2_0 = Attention(width, audio_token_width, heads, build)
        self.attn2_1 = Attention(width, audio_token_width, heads, build)
        self.attn2_2 = Attention(width, audio_token_width, heads, build)
        self.zero_conv_full = build.wide.conv2d(width, width, 1)
        self.zero_conv_face = build.wide.conv2d(width, width, 1)
        self.zero_conv_lip = build.wide.conv2d(width, width, 1)
        self.norm3 = build.layer_norm(width)
        self.ff = FeedForward(width, build)

    def forward(self, x: Tensor, audio: AudioConditions) -> Tensor:
        """x: (b f) l d; the conditional half is the last f rows."""
        own = self.norm1(x)
        x = x + self.attn1(own, self.attn1.keys_values(own))
        x = x + self._speech(self.norm2(x), audio)
        return x + self.ff(self.norm3(x))

    def conditions(self, audio_tokens: Tensor, masks: Tensor, weights: Tensor) -> AudioConditions:
        """audio_tokens: (f n d) of the conditional half.  masks: (3 l), or (3 f l) in a batch of clips that are all
        conditional.  weights: (3 f)."""
        keys = tuple(attention.keys_values(audio_tokens) for attention, _ in self._branches())
        has_unconditional_half = masks.ndim == 2
        return AudioConditions(
            keys, masks, self._silent(audio_tokens, masks) if has_unconditional_half else None, weights
        )

    def _silent(self, audio_tokens: Tensor, masks: Tensor) -> Tensor:
        regions = zip(self._branches(), masks, strict=True)
        return torch.cat(
            [
                self._masked(attention.without_context(audio_tokens), mask, zero_conv)
                for (attention, zero_conv), mask in regions
            ]
        )

    def _speech(self, queries: Tensor, audio: AudioConditions) -> Tensor:
        frames = audio.weights.shape[1]
        conditional = queries[-frames:]
        spoken = torch.zeros_like(conditional)
        branches = zip(self._branches(), audio.keys, audio.masks, audio.weights, strict=True)
        for (attention, zero_conv), keys, mask, weight in branches:
            region = self._masked(attention(conditional, keys), mask, zero_conv)
            spoken = spoken + region * rearrange(weight, "f -> f 1 1")
        if queries.shape[0] == frames:  # guidance is off
            return spoken
        return torch.cat([einsum(audio.silent, audio.weights, "r l d, r f -> f l d"), spoken])

    def _branches(self) -> tuple[tuple[Attention, nn.Module], ...]:
        return (
            (self.attn2_0, self.zero_conv_full),
            (self.attn2_1, self.zero_conv_face),
            (self.attn2_2, self.zero_conv_lip),
        )

    @staticmethod
    def _masked(attended: Tensor, mask: Tensor, zero_conv: nn.Module) -> Tensor:
        """The mask, (l) or (f l), comes before the zero convolution, whose bias is not masked (quirk 11). Returns
        (f l d).

        A 1×1 convolution does not depend on the picture's shape, so all tokens form one column. (The original reshapes
        them to a square, so it is limited to square videos: quirk 12.)
        """
        masked = attended * rearrange(mask, "... l -> ... l 1")
        return rearrange(zero_conv(rearrange(masked, "f l d -> f d l 1")), "f d l 1 -> f l d")


class AudioTransformer(nn.Module):
    """GroupNorm and 1×1 projections around one `AudioBlock`.

    As in the original (quirk 10): the inner width is that of the block's input, not of the feature map, so some
    layers project 640 channels to 320 and back.
    """

    def __init__(
        self, width: int, inner_width: int, audio_token_width: int, heads: int, norm_groups: int, build: Build
    ) -> None:
        super().__init__()
        self.norm = build.group_norm(norm_groups, width, eps=1e-6)
        self.proj_in = build.wide.conv2d(width, inner_width, 1)
        self.transformer_blocks = nn.ModuleList([AudioBlock(inner_width, audio_token_width, heads, build)])
        self.proj_out = build.wide.conv2d(inner_width, width, 1)

    def forward(self, x: Tensor, audio: AudioConditions) -> Tensor:
        """x: (b f) c h w."""
        hidden = rearrange(self.proj_in(self.norm(x)), "b c h w -> b (h w) c")
        hidden = self.transformer_blocks[0](hidden, audio)
        return x + self.proj_out(rearrange(hidden, "b (h w) c -> b c h w", h=x.shape[-2]))

    def conditions(self, audio_tokens: Tensor, masks: Tensor, weights: Tensor) -> AudioConditions:
        return self.transformer_blocks[0].conditions(audio_tokens, masks, weights)
