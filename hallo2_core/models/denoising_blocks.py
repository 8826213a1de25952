"""The denoising UNet's blocks, written out: resnet → spatial → (text) → audio → motion (quirk 7; text: paper §4.3).

There is one path for train and eval mode, that of the released results (quirk 1): the release's script never calls
eval(), so its blocks use the motion frames and region weights everywhere, and the motion modules that the checkpoint
has for the two blocks without cross-attention, `down_blocks.3` and `up_blocks.0`, never run.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import UNetConfig
from .audio_attention import AudioTransformer
from .conditions import LayerConditions
from .layers import Build
from .motion_module import MotionModule
from .running import RunLayer
from .text_control import modulated
from .unet_blocks import DownBlock, MidBlock, UpBlock, attends, level_of_up_block

Layers = tuple[LayerConditions, ...]


def audio(width: int, inner_width: int, config: UNetConfig, build: Build) -> AudioTransformer:
    return AudioTransformer(width, inner_width, config.audio_token_width, config.heads, config.norm_groups, build)


def motion(width: int, config: UNetConfig, build: Build) -> MotionModule:
    return MotionModule(width, config.heads, config.motion_positions, build)


def attended(block: nn.Module, number: int, x: Tensor, cond: LayerConditions) -> Tensor:
    """x: (b f) c h w.  One layer of a block, after its resnet."""
    x = block.attentions[number](x, cond.face, cond.reference, cond.recorder)
    x = modulated(x, cond.text)
    if cond.audio is not None:
        x = block.audio_modules[number](x, cond.audio)
    return x if cond.motion is None else block.motion_modules[number](x, cond.motion, cond.recorder)


class DenoisingDownBlock(DownBlock):
    def __init__(self, index: int, config: UNetConfig, build: Build) -> None:
        super().__init__(index, config, build)
        before, width = config.block_widths[max(index - 1, 0)], config.block_widths[index]
        layers = range(config.layers_per_block)
        if attends(config, index):
            # the first layer's inner width is that of the previous level (quirk 10)
            self.audio_modules = nn.ModuleList(
                audio(width, before if layer == 0 else width, config, build) for layer in layers
            )
        self.motion_modules = nn.ModuleList(motion(width, config, build) for _ in layers)

    def forward(self, x: Tensor, time: Tensor, layers: Layers, run: RunLayer) -> tuple[Tensor, list[Tensor]]:
        """x: (b f) c h w.  layers: empty in a block without attention.  Returns x and the skip connections."""
        skips = self.skips(x, time, layers, run, len(self.resnets))
        x = skips[-1]
        if hasattr(self, "downsamplers"):
            x = self.downsamplers[0](x)
            skips.append(x)
        return x, skips

    def skips(self, x: Tensor, time: Tensor, layers: Layers, run: RunLayer, count: int) -> list[Tensor]:
        """The outputs of the first `count` layers."""
        skips = []
        for number, resnet in enumerate(self.resnets[:count]):
            x = run(resnet, x, time)
            if layers:
                x = run(attended, self, number, x, layers[number])
            skips.append(x)
        return skips


class DenoisingMidBlock(MidBlock):
    def __init__(self, config: UNetConfig, build: Build) -> None:
        super().__init__(config, build)
        width = config.block_widths[-1]
        self.audio_modules = nn.ModuleList([audio(width, width, config, build)])
        self.motion_modules = nn.ModuleList([motion(width, config, build)])

    def forward(self, x: Tensor, time: Tensor, layers: Layers, run: RunLayer) -> Tensor:
        """x: (b f) c h w."""
        x = run(attended, self, 0, run(self.resnets[0], x, time), layers[0])
        return run(self.resnets[1], x, time)


class DenoisingUpBlock(UpBlock):
    def __init__(self, index: int, config: UNetConfig, build: Build) -> None:
        super().__init__(index, config, build)
        upward = config.block_widths[::-1]
        layers = range(config.layers_per_block + 1)
        if attends(config, level_of_up_block(config, index)):
            # every layer's inner width is that of the next level up (quirk 10)
            inner = upward[min(index + 1, len(upward) - 1)]
            self.audio_modules = nn.ModuleList(audio(upward[index], inner, config, build) for _ in layers)
        self.motion_modules = nn.ModuleList(motion(upward[index], config, build) for _ in layers)

    def forward(self, x: Tensor, skips: list[Tensor], time: Tensor, layers: Layers, run: RunLayer) -> Tensor:
        """x: (b f) c h w.  Pops its skip connections from the end of `skips`."""
        x = self.some_layers(range(len(self.resnets)), x, skips, time, layers, run)
        return self.upsamplers[0](x) if hasattr(self, "upsamplers") else x

    def some_layers(
        self, numbers: range, x: Tensor, skips: list[Tensor], time: Tensor, layers: Layers, run: RunLayer
    ) -> Tensor:
        """As `forward`, for the layers of these numbers."""
        for number in numbers:
            x = run(self.resnets[number], torch.cat([x, skips.pop()], dim=1), time)
            if layers:
                x = run(attended, self, number, x, layers[number])
        return x
