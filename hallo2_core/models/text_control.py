"""Text control (paper §4.3): a prompt shifts and scales the denoising UNet's features, frame by frame.

From the paper's Figure 3: (γ, β) = MLP(CLIP text embedding); X' = X + (γ ⊙ LN(X) + β), where X is the output of face
cross-attention and X' the input of audio attention. Our choices where the paper gives no details:

- The embedding is the pooled one, the end-of-text token's: one γ and β per channel need a single vector.
- Each layer has its own MLP: widths differ, and so does the effect of a prompt on fine and coarse features.
- LN has no weights; γ and β are its scale and shift.
- The MLP has one hidden layer and a zero-initialized output: an untrained adapter changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..config import TextControlConfig
from .layers import Build, Network
from .unet_blocks import layers_that_attend


@dataclass(frozen=True)
class TextModulation:
    """Scale and shift of one layer from a clip's prompts. Zeros for frames without a prompt."""

    gamma: Tensor  # (f c)
    beta: Tensor  # (f c)


class LayerMLP(nn.Module):
    """The MLP of one layer."""

    def __init__(self, width: int, config: TextControlConfig, build: Build) -> None:
        super().__init__()
        self.linear_1 = build.linear(config.text_width, config.hidden_width)
        self.linear_2 = build.linear(config.hidden_width, 2 * width)

    def forward(self, embeddings: Tensor, presence: Tensor) -> TextModulation:
        """embeddings: (f d).  presence: (f), the strength of the prompt; where it is 0, γ and β are exactly 0."""
        both = self.linear_2(F.silu(self.linear_1(embeddings)))
        gamma, beta = (both * rearrange(presence, "f -> f 1")).chunk(2, dim=-1)
        return TextModulation(gamma, beta)


class TextControl(Network):
    """The adapter: an MLP for every layer of the denoising UNet with attention, under that layer's path."""

    def __init__(self, config: TextControlConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        counts = layers_that_attend(config.block_widths, config.layers_per_block)

        def block(path: str) -> nn.ModuleList:
            layers, width = counts.get(path, (0, 0))
            return nn.ModuleList(LayerMLP(width, config, build) for _ in range(layers))

        levels = range(len(config.block_widths))
        self.down_blocks = nn.ModuleList(block(f"down_blocks.{level}") for level in levels)
        self.mid_block = block("mid_block")
        self.up_blocks = nn.ModuleList(block(f"up_blocks.{level}") for level in levels)
        self._paths = tuple(counts)

    def forward(self, embeddings: Tensor, presence: Tensor) -> Mapping[str, tuple[TextModulation, ...]]:
        """embeddings: (f d).  presence: (f), 0..1 times the strength.  Returns block path → one entry per layer."""
        return {path: tuple(layer(embeddings, presence) for layer in self.get_submodule(path)) for path in self._paths}


def modulated(x: Tensor, text: TextModulation | None) -> Tensor:
    """x: (b f) c h w; only the conditional half, the last f rows, is modulated."""
    if text is None:
        return x
    frames = text.gamma.shape[0]
    own = x[-frames:]
    normed = rearrange(F.layer_norm(rearrange(own, "f c h w -> f h w c"), own.shape[1:2]), "f h w c -> f c h w")
    gamma, beta = (rearrange(part, "f c -> f c 1 1") for part in (text.gamma, text.beta))
    own = own + (gamma * normed + beta)
    return own if x.shape[0] == frames else torch.cat([x[:-frames], own])
