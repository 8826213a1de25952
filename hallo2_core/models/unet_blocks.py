"""The structure shared by both UNets: resnets, spatial transformers and samplers per block.

The denoising UNet's blocks add audio and motion modules (`denoising_blocks.py`); ReferenceNet uses them unchanged.
"""

from __future__ import annotations

from torch import nn

from ..config import UNetConfig
from .layers import Build
from .resnet import Downsample, ResnetBlock, Upsample
from .spatial_attention import SpatialTransformer


def resnet(in_width: int, out_width: int, config: UNetConfig, build: Build) -> ResnetBlock:
    return ResnetBlock(in_width, out_width, config.norm_groups, build, time_width=4 * config.block_widths[0])


def spatial(width: int, config: UNetConfig, build: Build) -> SpatialTransformer:
    return SpatialTransformer(width, config.face_token_width, config.heads, config.norm_groups, build)


def attends(config: UNetConfig, level: int) -> bool:
    """All levels but the deepest have attention."""
    return level < len(config.block_widths) - 1


def layers_that_attend(block_widths: tuple[int, ...], layers_per_block: int) -> dict[str, tuple[int, int]]:
    """Block path → number of layers with attention, and their width; in execution order."""
    deepest = len(block_widths) - 1
    down = {f"down_blocks.{level}": (layers_per_block, block_widths[level]) for level in range(deepest)}
    up = {
        f"up_blocks.{deepest - level}": (layers_per_block + 1, block_widths[level])
        for level in reversed(range(deepest))
    }
    return down | {"mid_block": (1, block_widths[-1])} | up


def level_of_up_block(config: UNetConfig, index: int) -> int:
    return len(config.block_widths) - 1 - index


class DownBlock(nn.Module):
    """Level `index` of the way down."""

    def __init__(self, index: int, config: UNetConfig, build: Build) -> None:
        super().__init__()
        widths = config.block_widths
        before, width = widths[max(index - 1, 0)], widths[index]
        layers = config.layers_per_block
        self.resnets = nn.ModuleList(
            resnet(before if layer == 0 else width, width, config, build) for layer in range(layers)
        )
        if attends(config, index):
            self.attentions = nn.ModuleList(spatial(width, config, build) for _ in range(layers))
            self.downsamplers = nn.ModuleList([Downsample(width, build)])


class MidBlock(nn.Module):
    def __init__(self, config: UNetConfig, build: Build) -> None:
        super().__init__()
        width = config.block_widths[-1]
        self.attentions = nn.ModuleList([spatial(width, config, build)])
        self.resnets = nn.ModuleList(resnet(width, width, config, build) for _ in range(2))


class UpBlock(nn.Module):
    """Block `index` of the way up; it takes one skip connection more than its level has layers."""

    def __init__(self, index: int, config: UNetConfig, build: Build) -> None:
        super().__init__()
        upward = config.block_widths[::-1]
        width, before = upward[index], upward[max(index - 1, 0)]
        skip_below = upward[min(index + 1, len(upward) - 1)]
        layers = config.layers_per_block + 1
        self.resnets = nn.ModuleList(
            resnet(
                (before if layer == 0 else width) + (skip_below if layer == layers - 1 else width),
                width,
                config,
                build,
            )
            for layer in range(layers)
        )
        if attends(config, level_of_up_block(config, index)):
            self.attentions = nn.ModuleList(spatial(width, config, build) for _ in range(layers))
        if index < len(upward) - 1:
            self.upsamplers = nn.ModuleList([Upsample(width, build)])


def attention_blocks(unet: nn.Module) -> dict[str, nn.ModuleList]:
    """Block path → its spatial transformers, in execution order.

    The two UNets are paired by these paths; the original sorts both by width and gets the same pairs (quirk 8).
    """
    blocks = {f"down_blocks.{index}": block for index, block in enumerate(unet.down_blocks)}
    blocks["mid_block"] = unet.mid_block
    blocks |= {f"up_blocks.{index}": block for index, block in enumerate(unet.up_blocks)}
    return {path: block.attentions for path, block in blocks.items() if hasattr(block, "attentions")}
