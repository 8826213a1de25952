"""Initial weights in which a picture's colors pass straight through the upscaler.

The first three channels are red, green and blue from end to end: averaged on the way down, interpolated on the way up.
At fidelity 1 the finest fusion puts the input's colors in place of the drawn ones, so the upscaler begins as an
enlargement, and at fidelity 0 as a coarse mosaic of the colors in its features. Training only has to improve on that.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...models.resnet import Downsample, Upsample
from ...models.upscaler.feature_fusion import FeatureFusion
from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import ResidualBlock

COLORS = 3
# The generator ends with a norm, which would remove a picture's mean color and contrast. Two constant channels, +K and
# -K, tell the last layer the norm's mean, and are so large that its deviation hardly depends on the picture.
CONSTANT = 8.0
LEAK = 0.2  # of the fusion's activations


@torch.no_grad()
def open_color_path(restorer: VideoRestorer) -> None:
    """In place. Needs residual branches that begin at zero, and five channels in the generator's last norm's groups.

    Errors: ValueError with fewer.
    """
    config = restorer.config
    if config.widths[0] // config.norm_groups < COLORS + 2:
        raise ValueError(f"groups of {config.widths[0] // config.norm_groups} channels have no room for the colors")
    encoders = [restorer.encoder] if restorer.latent_encoder is None else [restorer.encoder, restorer.latent_encoder]
    for encoder in encoders:
        for block in (encoder.blocks[0], encoder.blocks[-1]):
            _pass_colors(block, _middle(block))
    for network in (*encoders, restorer.generator):
        for block in network.blocks:
            if isinstance(block, ResidualBlock) and block.conv_out is not None:
                _pass_colors(block.conv_out, _middle(block.conv_out))
            elif isinstance(block, Downsample):
                _pass_colors(block.conv, torch.tensor([[0.25, 0.25, 0.0], [0.25, 0.25, 0.0], [0.0, 0.0, 0.0]]))
            elif isinstance(block, Upsample):
                tent = torch.tensor([0.25, 0.5, 0.25])  # after the nearest neighbor: bilinear
                _pass_colors(block.conv, torch.outer(tent, tent))
    _pass_colors(restorer.generator.blocks[0], _middle(restorer.generator.blocks[0]))
    _keep_colors_past_the_last_norm(restorer)
    _replace_colors(restorer.fusion[str(max(config.fused_sides))])


def _pass_colors(conv: nn.Conv2d, kernel: Tensor) -> None:
    conv.weight[:COLORS] = 0.0
    for color in range(COLORS):
        conv.weight[color, color] = kernel


def _middle(conv: nn.Conv2d) -> Tensor:
    kernel = torch.zeros(conv.kernel_size)
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1.0
    return kernel


def _keep_colors_past_the_last_norm(restorer: VideoRestorer) -> None:
    blocks, config = restorer.generator.blocks, restorer.config
    channels = config.widths[0] // config.norm_groups  # of a group
    last_wider = [b.conv_out for b in blocks if isinstance(b, ResidualBlock) and b.conv_out is not None][-1]
    last_wider.weight[COLORS : COLORS + 2] = 0.0
    last_wider.bias[COLORS : COLORS + 2] = torch.tensor([CONSTANT, -CONSTANT])
    deviation = CONSTANT * (2.0 / channels) ** 0.5
    last = blocks[-1]
    last.weight.zero_()
    for color in range(COLORS):
        last.weight[color, color, 1, 1] = deviation
        last.weight[color, COLORS : COLORS + 2, 1, 1] = -deviation / 2


def _replace_colors(fusion: FeatureFusion) -> None:
    """At fidelity 1 the drawn colors are multiplied by zero, and the given ones are added."""
    _pass_colors(fusion.merge.conv_out, _middle(fusion.merge.conv_out))
    fusion.scale[2].bias[:COLORS] = -1.0
    first, second = fusion.shift[0], fusion.shift[2]
    first.weight[: 2 * COLORS] = 0.0
    second.weight[:COLORS] = 0.0
    for color in range(COLORS):
        first.weight[2 * color, color, 1, 1], first.weight[2 * color + 1, color, 1, 1] = 1.0, -1.0
        second.weight[color, 2 * color, 1, 1] = 1.0 / (1.0 + LEAK)
        second.weight[color, 2 * color + 1, 1, 1] = -1.0 / (1.0 + LEAK)
