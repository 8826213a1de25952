"""ReferenceNet: SD 1.5's UNet, run once on a picture for the input tokens of its spatial attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, UNetConfig
from ..payloads import ReferenceBanks
from .layers import Build, KeyValues, Network, TimeEmbedding
from .running import RunLayer, directly
from .unet_blocks import DownBlock, MidBlock, UpBlock, attention_blocks

Keys = tuple[KeyValues, ...]
Banks = tuple[Tensor, ...]


class ReferenceNet(Network):
    """latents → ReferenceBanks. It has no output convolution: its prediction is not used (quirk 15)."""

    def __init__(self, config: UNetConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        levels = range(len(config.block_widths))
        self.conv_in = build.wide.conv2d(LATENT_CHANNELS, config.block_widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(config.block_widths[0], build.wide)
        self.down_blocks = nn.ModuleList(ReferenceDownBlock(index, config, build) for index in levels)
        self.mid_block = ReferenceMidBlock(config, build)
        self.up_blocks = nn.ModuleList(ReferenceUpBlock(index, config, build) for index in levels)

    def forward(self, latents: Tensor, face_tokens: Tensor, run: RunLayer = directly) -> ReferenceBanks:
        """latents: (b 4 h w).  face_tokens: (b n d), one set per picture.  Banks have b rows.

        As in the original: timestep 0, and no face map is added to this network (quirk 14).
        """
        banks: dict[str, Banks] = {}
        keys = {
            path: tuple(attention.face_keys(face_tokens) for attention in attentions)
            for path, attentions in attention_blocks(self).items()
        }
        time = self.time_embedding(0, like=latents)
        x = self.conv_in(latents)
        skips = [x]
        for index, block in enumerate(self.down_blocks):
            path = f"down_blocks.{index}"
            x, block_skips, banks[path] = block(x, time, keys.get(path, ()), run)
            skips += block_skips
        x, banks["mid_block"] = self.mid_block(x, time, keys["mid_block"], run)
        for index, block in enumerate(self.up_blocks):
            path = f"up_blocks.{index}"
            x, banks[path] = block(x, skips, time, keys.get(path, ()), run, index == len(self.up_blocks) - 1)
        return ReferenceBanks({path: block_banks for path, block_banks in banks.items() if block_banks})


class ReferenceDownBlock(DownBlock):
    def forward(self, x: Tensor, time: Tensor, keys: Keys, run: RunLayer) -> tuple[Tensor, list[Tensor], Banks]:
        skips, banks = [], []
        for layer, resnet in enumerate(self.resnets):
            x = run(resnet, x, time)
            if keys:
                x, bank = run(self.attentions[layer].with_bank, x, keys[layer])
                banks.append(bank)
            skips.append(x)
        if hasattr(self, "downsamplers"):
            x = self.downsamplers[0](x)
            skips.append(x)
        return x, skips, tuple(banks)


class ReferenceMidBlock(MidBlock):
    def forward(self, x: Tensor, time: Tensor, keys: Keys, run: RunLayer) -> tuple[Tensor, Banks]:
        x, bank = run(self.attentions[0].with_bank, run(self.resnets[0], x, time), keys[0])
        return run(self.resnets[1], x, time), (bank,)


class ReferenceUpBlock(UpBlock):
    def forward(
        self, x: Tensor, skips: list[Tensor], time: Tensor, keys: Keys, run: RunLayer, is_last: bool
    ) -> tuple[Tensor, Banks]:
        """Pops its skips from the end of `skips`. The last block computes nothing that only the unused output needs:
        its last layer stops at the bank (quirk 15)."""
        banks = []
        for layer, resnet in enumerate(self.resnets):
            x = run(resnet, torch.cat([x, skips.pop()], dim=1), time)
            if is_last and layer == len(self.resnets) - 1:
                return x, (*banks, self.attentions[layer].bank(x))
            if keys:
                x, bank = run(self.attentions[layer].with_bank, x, keys[layer])
                banks.append(bank)
        return (self.upsamplers[0](x) if hasattr(self, "upsamplers") else x), tuple(banks)
