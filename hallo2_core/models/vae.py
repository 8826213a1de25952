"""SD 1.x's VAE with diffusers' key names: part of the demo model, and used for `sd-vae-ft-mse` on the command line."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, VAEConfig
from .layers import Attention, Build, Network
from .resnet import Downsample, ResnetBlock, Upsample

EPS = 1e-6


class AutoencoderKL(Network):
    def __init__(self, config: VAEConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        self.encoder = Encoder(config, build)
        self.decoder = Decoder(config, build)
        self.quant_conv = build.conv2d(2 * LATENT_CHANNELS, 2 * LATENT_CHANNELS, 1)
        self.post_quant_conv = build.conv2d(LATENT_CHANNELS, LATENT_CHANNELS, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """pixels: (b 3 h w), -1..1.  Returns the posterior's mean, (b 4 h/8 w/8), not scaled."""
        return self.posterior(pixels)[0]

    def posterior(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents' normal distribution, (b 4 h/8 w/8) each, not scaled; for training."""
        mean, log_variance = self.quant_conv(self.encoder(pixels)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, latents: Tensor) -> Tensor:
        """latents: (b 4 h w), not scaled.  Returns (b 3 8h 8w), about -1..1, not clamped."""
        return self.decoder(self.post_quant_conv(latents))


def _resnet(in_width: int, out_width: int, config: VAEConfig, build: Build) -> ResnetBlock:
    return ResnetBlock(in_width, out_width, config.norm_groups, build, eps=EPS)


class PictureAttention(Attention):
    """Single-head attention over all positions of a picture, with pre-norm and residual."""

    def __init__(self, width: int, norm_groups: int, build: Build) -> None:
        super().__init__(width, width, 1, build, bias=True)
        self.group_norm = build.group_norm(norm_groups, width, EPS)

    def over_picture(self, x: Tensor) -> Tensor:
        """x: (b c h w)."""
        tokens = rearrange(self.group_norm(x), "b c h w -> b (h w) c")
        attended = self(tokens, self.keys_values(tokens))
        return x + rearrange(attended, "b (h w) c -> b c h w", h=x.shape[-2])


class MidBlock(nn.Module):
    def __init__(self, width: int, config: VAEConfig, build: Build) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([PictureAttention(width, config.norm_groups, build)])
        self.resnets = nn.ModuleList(_resnet(width, width, config, build) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.resnets[1](self.attentions[0].over_picture(self.resnets[0](x)))


class DownBlock(nn.Module):
    def __init__(self, in_width: int, out_width: int, downsamples: bool, config: VAEConfig, build: Build) -> None:
        super().__init__()
        widths = [in_width, *[out_width] * config.layers_per_block]
        self.resnets = nn.ModuleList(_resnet(before, after, config, build) for before, after in pairwise(widths))
        self.downsamplers = nn.ModuleList([Downsample(out_width, build, pads_one_side=True)] if downsamples else [])

    def forward(self, x: Tensor) -> Tensor:
        for layer in (*self.resnets, *self.downsamplers):
            x = layer(x)
        return x


class UpBlock(nn.Module):
    def __init__(self, in_width: int, out_width: int, upsamples: bool, config: VAEConfig, build: Build) -> None:
        super().__init__()
        widths = [in_width, *[out_width] * (config.layers_per_block + 1)]
        self.resnets = nn.ModuleList(_resnet(before, after, config, build) for before, after in pairwise(widths))
        self.upsamplers = nn.ModuleList([Upsample(out_width, build)] if upsamples else [])

    def forward(self, x: Tensor) -> Tensor:
        for layer in (*self.resnets, *self.upsamplers):
            x = layer(x)
        return x


class Encoder(nn.Module):
    def __init__(self, config: VAEConfig, build: Build) -> None:
        super().__init__()
        widths = config.block_widths
        last = len(widths) - 1
        self.conv_in = build.conv2d(3, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(widths[max(level - 1, 0)], width, level < last, config, build)
            for level, width in enumerate(widths)
        )
        self.mid_block = MidBlock(widths[-1], config, build)
        self.conv_norm_out = build.group_norm(config.norm_groups, widths[-1], EPS)
        self.conv_out = build.conv2d(widths[-1], 2 * LATENT_CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    def __init__(self, config: VAEConfig, build: Build) -> None:
        super().__init__()
        widths = config.block_widths[::-1]
        last = len(widths) - 1
        self.conv_in = build.conv2d(LATENT_CHANNELS, widths[0], 3, padding=1)
        self.mid_block = MidBlock(widths[0], config, build)
        self.up_blocks = nn.ModuleList(
            UpBlock(widths[max(level - 1, 0)], width, level < last, config, build) for level, width in enumerate(widths)
        )
        self.conv_norm_out = build.group_norm(config.norm_groups, widths[-1], EPS)
        self.conv_out = build.conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))
