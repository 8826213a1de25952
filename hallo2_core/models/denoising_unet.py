"""The denoising UNet: noisy latents of a clip and everything it is conditioned on → v-prediction."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import repeat
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, UNetConfig
from ..payloads import ReferenceBanks, RegionMasks
from .conditions import ClipConditions, LayerConditions, PortraitConditions
from .denoising_blocks import DenoisingDownBlock, DenoisingMidBlock, DenoisingUpBlock
from .layers import Build, TimeEmbedding
from .spatial_attention import ReferenceKeys
from .unet_blocks import attention_blocks, face_keys


class DenoisingUNet(nn.Module):
    """Frames stay folded, (b f) c h w. b is 2 under guidance, [unconditional, conditional], else 1."""

    def __init__(self, config: UNetConfig, build: Build) -> None:
        super().__init__()
        self.config = config
        self.attention_name = getattr(build.attention, "__qualname__", repr(build.attention))
        width = config.block_widths[0]
        levels = range(len(config.block_widths))
        self.conv_in = build.conv2d(LATENT_CHANNELS, width, 3, padding=1)
        self.time_embedding = TimeEmbedding(width, build)
        self.down_blocks = nn.ModuleList(DenoisingDownBlock(index, config, build) for index in levels)
        self.mid_block = DenoisingMidBlock(config, build)
        self.up_blocks = nn.ModuleList(DenoisingUpBlock(index, config, build) for index in levels)
        self.conv_norm_out = build.group_norm(config.norm_groups, width, eps=1e-5)
        self.conv_out = build.conv2d(width, LATENT_CHANNELS, 3, padding=1)

    def forward(self, latents: Tensor, timestep: int, conditions: ClipConditions) -> Tensor:
        """latents: (b f) 4 h w, noisy.  Returns the v-prediction, the same shape."""
        time = self.time_embedding(timestep, like=latents)
        layers = conditions.layers
        x = self.conv_in(latents) + repeat(conditions.face_map, "b c h w -> (b f) c h w", f=conditions.frames)
        skips = [x]
        for index, block in enumerate(self.down_blocks):
            x, block_skips = block(x, time, layers.get(f"down_blocks.{index}", ()))
            skips += block_skips
        x = self.mid_block(x, time, layers["mid_block"])
        for index, block in enumerate(self.up_blocks):
            x = block(x, skips, time, layers.get(f"up_blocks.{index}", ()))
        return self.conv_out(F.silu(self.conv_norm_out(x)))

    def portrait_conditions(
        self, banks: ReferenceBanks, face_tokens: Tensor, face_map: Tensor, masks: RegionMasks
    ) -> PortraitConditions:
        """Everything constant over a video.

        banks: the portrait's, (r l c), r = 2 [unconditional, conditional] under guidance, else 1.
        face_tokens: (b n d).  face_map: (1 c h w); the unconditional half gets zeros, as in the original.
        """
        cond_batch = face_tokens.shape[0]
        reference_keys = {
            path: tuple(
                attention.reference_keys(bank) for attention, bank in zip(attentions, banks.layers[path], strict=True)
            )
            for path, attentions in attention_blocks(self).items()
        }
        return PortraitConditions(
            reference_keys,
            face_keys(self, face_tokens),
            torch.cat([torch.zeros_like(face_map)] * (cond_batch - 1) + [face_map]),
            tuple(torch.stack(level).to(face_map) for level in zip(masks.pose, masks.face, masks.lip, strict=True)),
        )

    def clip_conditions(
        self,
        portrait: PortraitConditions,
        motion_banks: ReferenceBanks,
        audio_tokens: Tensor,
        region_weights: Tensor,
        reference_rows: Tensor,
    ) -> ClipConditions:
        """Everything constant over the denoising steps of a clip of f frames.

        As in the original (quirk 3): motion frames enter both rows, though the unconditional one never sees the
        portrait.

        motion_banks: rows (b m).  audio_tokens: (f n d), the conditional half's; the other half's are zeros.
        region_weights: (3 f), pose, face, lip.  reference_rows: (f), the portrait bank each frame looks at.
        """
        cond_batch, frames = portrait.face_map.shape[0], audio_tokens.shape[0]
        height = portrait.face_map.shape[-2]
        layers = {}
        for path, block in self._attending_blocks().items():
            level = self._level(path)
            modules = zip(block.audio_modules, block.motion_modules, strict=True)
            layers[path] = tuple(
                LayerConditions(
                    ReferenceKeys(portrait.reference_keys[path][number], reference_rows),
                    portrait.face_keys[path][number],
                    audio.conditions(audio_tokens, portrait.masks[level], region_weights),
                    motion.motion_conditions(motion_banks.layers[path][number], cond_batch, height >> level),
                )
                for number, (audio, motion) in enumerate(modules)
            )
        return ClipConditions(layers, portrait.face_map, frames)

    def _attending_blocks(self) -> dict[str, nn.Module]:
        return {path: self.get_submodule(path) for path in attention_blocks(self)}

    def _level(self, path: str) -> int:
        """How often the latents are halved where this block attends: down i → i, mid → last, up j → last - j."""
        last = len(self.config.block_widths) - 1
        name, _, index = path.partition(".")
        return {"down_blocks": int(index or 0), "mid_block": last, "up_blocks": last - int(index or 0)}[name]
