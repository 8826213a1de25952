"""Hierarchical audio attention: speech drives pose, face and lips separately, each through its own mask (paper §4.4).

The checkpoint calls the pose branch "full" and numbers the branches attn2_0 (pose), attn2_1 (face), attn2_2 (lip).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from .layers import Attention, Build, FeedForward, KeyValues, as_picture, as_tokens
from .linear import linear
from .merged_keys import matrix_and_bias

REGIONS = 3


@dataclass(frozen=True)
class AudioConditions:
    """Inputs of one audio layer for a clip, computed once and used in every step.

    The r regions (pose, face, lip) are side by side, so that one call attends for all of them and one matrix product
    adds them up: Σ weight · (zero_conv(mask · to_out(attended)) + bias), where the mask does not apply to the bias of
    the zero convolution (quirk 11).
    """

    query: Tensor  # ((r d) d), as the weight of a linear layer
    keys: KeyValues  # (f n (r d)): the conditional half's speech
    out: Tensor  # (d (r d)), likewise: output projections, multiplied by the zero convolutions
    gates: Tensor  # (f l r): masks times weights
    out_bias: Tensor  # (r d): the output projections' biases through the zero convolutions' matrices
    bias: Tensor  # (f 1 d): the zero convolutions' biases, weighted and added up

    def silent(self) -> Tensor:
        """(f l d): the residual for speech of zeros, as in the unconditional half; values are zero then."""
        return self.gates @ self.out_bias + self.bias


class AudioBlock(nn.Module):
    def __init__(self, width: int, audio_token_width: int, heads: int, build: Build) -> None:
        super().__init__()
        self.heads = heads
        self.attention = build.attention
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
        """audio_tokens: (f n d) of the conditional half.  masks: (3 f l), or (3 1 l) for all frames.
        weights: (3 f), the strength of speech."""
        width = self.attn2_0.to_q.in_features
        attentions = self.attn2_0, self.attn2_1, self.attn2_2
        keys = [attention.keys_values(audio_tokens) for attention in attentions]
        queries = [matrix_and_bias(attention.to_q, width, audio_tokens)[0] for attention in attentions]
        projections = [matrix_and_bias(attention.to_out[0], width, audio_tokens) for attention in attentions]
        convolutions = [
            matrix_and_bias(convolution, width, audio_tokens)
            for convolution in (self.zero_conv_full, self.zero_conv_face, self.zero_conv_lip)
        ]
        outs = [
            (out @ convolved, bias @ convolved)
            for (out, bias), (convolved, _) in zip(projections, convolutions, strict=True)
        ]
        biases = torch.stack([bias for _, bias in convolutions])
        return AudioConditions(
            query=torch.cat([query.mT for query in queries]),
            keys=KeyValues(torch.cat([each.k for each in keys], dim=-1), torch.cat([each.v for each in keys], dim=-1)),
            out=torch.cat([out.mT for out, _ in outs], dim=1),
            gates=rearrange(weights, "r f -> f 1 r") * rearrange(masks, "r f l -> f l r"),
            out_bias=torch.stack([bias for _, bias in outs]),
            bias=rearrange(weights.mT @ biases, "f d -> f 1 d"),
        )

    def _speech(self, queries: Tensor, audio: AudioConditions) -> Tensor:
        silent, frames = audio.silent(), len(audio.gates)
        asked = linear(queries[-frames:], audio.query)
        attended = self.attention(asked, audio.keys.k, audio.keys.v, REGIONS * self.heads)
        gated = rearrange(attended, "f l (r d) -> f l r d", r=REGIONS) * rearrange(audio.gates, "f l r -> f l r 1")
        spoken = silent + linear(rearrange(gated, "f l r d -> f l (r d)"), audio.out)
        return spoken if len(queries) == frames else torch.cat([silent, spoken])


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
        """x: (b f) c h w.

        Tokens do not depend on the picture's shape. (The original reshapes them to a square for the zero convolutions,
        so it is limited to square videos: quirk 12.)
        """
        hidden = self.transformer_blocks[0](as_tokens(self.proj_in(self.norm(x))), audio)
        return x + self.proj_out(as_picture(hidden, x.shape[-2]))

    def conditions(self, audio_tokens: Tensor, masks: Tensor, weights: Tensor) -> AudioConditions:
        return self.transformer_blocks[0].conditions(audio_tokens, masks, weights)
