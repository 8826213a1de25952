"""wav2vec2's network (arXiv 2006.11477) in the base model's form: one norm in the convolutions, and post-norm layers.

Attributes are named as the keys of its published files. Notation: t samples at 16 kHz or features, f frames, c channels
of the convolutions, d width of the transformer.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..config import Wav2VecConfig
from .attention_function import sdpa


class Wav2VecNetwork(nn.Module):
    def __init__(self, config: Wav2VecConfig) -> None:
        super().__init__()
        self.feature_extractor = FeatureExtractor(config)
        self.feature_projection = FeatureProjection(config.conv_widths[-1], config.width)
        self.encoder = Encoder(config)


class FeatureExtractor(nn.Module):
    def __init__(self, config: Wav2VecConfig) -> None:
        super().__init__()
        inputs = (1, *config.conv_widths[:-1])
        layers = zip(inputs, config.conv_widths, config.conv_kernels, config.conv_strides, strict=True)
        self.conv_layers = nn.ModuleList(
            ConvLayer(*layer, is_normalized=number == 0) for number, layer in enumerate(layers)
        )

    def forward(self, sound: Tensor) -> Tensor:
        """sound: (1 t). Returns (1 c t)."""
        features = rearrange(sound, "1 t -> 1 1 t")
        for layer in self.conv_layers:
            features = layer(features)
        return features


class ConvLayer(nn.Module):
    def __init__(self, in_width: int, out_width: int, kernel: int, stride: int, is_normalized: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_width, out_width, kernel, stride=stride, bias=False)
        if is_normalized:  # each channel over time, so features depend on where the sound is cut (quirk 21)
            self.layer_norm = nn.GroupNorm(out_width, out_width)
        self.is_normalized = is_normalized

    def forward(self, x: Tensor) -> Tensor:
        """x: (1 c t)."""
        x = self.conv(x)
        if self.is_normalized:
            x = self.layer_norm(x)  # not in one expression with the next line: a minute takes 0.4 GB here
        return F.gelu(x)


class FeatureProjection(nn.Module):
    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(in_width)
        self.projection = nn.Linear(in_width, out_width)

    def forward(self, features: Tensor) -> Tensor:
        """features: (1 f c). Returns (1 f d)."""
        return self.projection(self.layer_norm(features))


class Encoder(nn.Module):
    def __init__(self, config: Wav2VecConfig) -> None:
        super().__init__()
        self.pos_conv_embed = PositionEmbedding(config)
        self.layer_norm = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """tokens: (1 f d). Returns the layers' input and the output of each, (1 f d)."""
        states = [self.layer_norm(tokens + self.pos_conv_embed(tokens))]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states


class PositionEmbedding(nn.Module):
    """Relative positions: a wide grouped convolution over time."""

    def __init__(self, config: Wav2VecConfig) -> None:
        super().__init__()
        self.conv = NormedConv(config.width, config.position_kernel, config.position_groups)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (1 f d)."""
        around = self.conv(rearrange(tokens, "1 f d -> 1 d f"))[..., : tokens.shape[1]]  # an even kernel gives one more
        return rearrange(F.gelu(around), "1 d f -> 1 f d")


class NormedConv(nn.Module):
    """Weight normalization (arXiv 1602.07868), a norm for each tap. Torch's own, on the meta device, imports its
    compiler: a second."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.bias = nn.Parameter(torch.zeros(width))
        self.parametrizations = nn.ModuleDict({"weight": NormedWeight(width, kernel, groups)})

    def forward(self, x: Tensor) -> Tensor:
        """x: (1 d f)."""
        weight = self.parametrizations["weight"]()
        return F.conv1d(x, weight, self.bias, padding=weight.shape[-1] // 2, groups=self.groups)


class NormedWeight(nn.Module):
    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        norm = 2 * math.sqrt(width / (groups * kernel))  # the published model's initial weights have this one
        self.original0 = nn.Parameter(torch.full((1, 1, kernel), norm))
        self.original1 = nn.Parameter(torch.randn(width, width // groups, kernel))

    def forward(self) -> Tensor:
        """(d d/groups kernel)."""
        direction = self.original1
        return direction * (self.original0 / torch.linalg.vector_norm(direction, dim=(0, 1), keepdim=True))


class EncoderLayer(nn.Module):
    def __init__(self, config: Wav2VecConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads)
        self.layer_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.feed_forward_width)
        self.final_layer_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (1 f d)."""
        x = self.layer_norm(x + self.attention(x))
        return self.final_layer_norm(x + self.feed_forward(x))


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (1 f d)."""
        return self.out_proj(sdpa(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads))


class FeedForward(nn.Module):
    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, inner_width)
        self.output_dense = nn.Linear(inner_width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.output_dense(F.gelu(self.intermediate_dense(x)))
