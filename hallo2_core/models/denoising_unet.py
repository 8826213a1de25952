"""The denoising UNet: noisy latents of a clip and all conditioning → v-prediction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, UNetConfig
from ..payloads import ReferenceBanks, RegionMasks
from .conditions import ClipConditions, LayerConditions, PortraitConditions
from .denoising_blocks import DenoisingDownBlock, DenoisingMidBlock, DenoisingUpBlock
from .layers import Build, KeyValues, Network, TimeEmbedding
from .merged_keys import MergedKeys
from .running import RunLayer, directly
from .spatial_attention import ReferenceKeys
from .unet_blocks import attention_blocks


class DenoisingUNet(Network):
    """Frames stay folded, (b f) c h w. b is 2 under guidance, [unconditional, conditional], else 1; in training it is
    the number of clips."""

    def __init__(self, config: UNetConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        width = config.block_widths[0]
        levels = range(len(config.block_widths))
        self.conv_in = build.wide.conv2d(LATENT_CHANNELS, width, 3, padding=1)
        self.time_embedding = TimeEmbedding(width, build.wide)
        self.down_blocks = nn.ModuleList(DenoisingDownBlock(index, config, build) for index in levels)
        self.mid_block = DenoisingMidBlock(config, build)
        self.up_blocks = nn.ModuleList(DenoisingUpBlock(index, config, build) for index in levels)
        self.conv_norm_out = build.group_norm(config.norm_groups, width, eps=1e-5)
        self.conv_out = build.wide.conv2d(width, LATENT_CHANNELS, 3, padding=1)

    def forward(
        self, latents: Tensor, timestep: int | Tensor, conditions: ClipConditions, run: RunLayer = directly
    ) -> Tensor:
        """latents: (b f) 4 h w, noisy.  timestep: one number, or (b).  Returns the v-prediction, shaped as latents."""
        time = self.time_embedding(timestep, like=latents)
        if len(time) > 1:
            time = repeat(time, "b t -> (b f) t", f=conditions.frames)
        layers = conditions.layers
        x = self.conv_in(latents) + repeat(conditions.face_map, "b c h w -> (b f) c h w", f=conditions.frames)
        skips = [x]
        for index, block in enumerate(self.down_blocks):
            x, block_skips = block(x, time, layers.get(f"down_blocks.{index}", ()), run)
            skips += block_skips
        x = self.mid_block(x, time, layers["mid_block"], run)
        for index, block in enumerate(self.up_blocks):
            x = block(x, skips, time, layers.get(f"up_blocks.{index}", ()), run)
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
            self._face_keys(face_tokens),
            torch.cat([torch.zeros_like(face_map)] * (cond_batch - 1) + [face_map]),
            tuple(torch.stack(level).to(face_map) for level in zip(masks.pose, masks.face, masks.lip, strict=True)),
        )

    def clip_conditions(
        self,
        portrait: PortraitConditions,
        motion_banks: ReferenceBanks,
        audio_tokens: Tensor,
        region_weights: Tensor,
        reference_rows: Sequence[int],
    ) -> ClipConditions:
        """Everything constant over the denoising steps of a clip of f frames.

        As in the original (quirk 3): motion frames enter both rows, although the unconditional one never
        attends to the portrait.

        motion_banks: rows (b m).  audio_tokens: (f n d), the conditional half's; zeros for the other half.
        region_weights: (3 f), pose, face, lip.  reference_rows: f of them, the portrait bank
        that each frame attends to.
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

    def batch_conditions(
        self,
        reference_banks: ReferenceBanks | None,
        motion_banks: ReferenceBanks,
        face_tokens: Tensor,
        face_map: Tensor,
        audio_tokens: Tensor,
        masks: tuple[Tensor, ...],
        region_weights: Tensor,
    ) -> ClipConditions:
        """A batch of b clips of f frames, each from a different video, for training. As in guidance, the clips that
        do not attend to their portrait come first.

        reference_banks: rows (c), the portraits of the last c clips; None: no clip has one.  motion_banks: rows (b m).
        face_tokens: (b n d).  face_map: (b c h w), zeros for clips without a face position.
        audio_tokens: (b f n d), zeros for clips without speech.  masks: per level (3 b l).
        region_weights: (3 b f).
        """
        clips, frames, height = *audio_tokens.shape[:2], face_map.shape[-2]
        tokens = rearrange(audio_tokens, "b f n d -> (b f) n d")
        weights = rearrange(region_weights, "r b f -> r (b f)")
        frame_masks = tuple(repeat(level, "r b l -> r (b f) l", f=frames) for level in masks)
        keys = self._face_keys(face_tokens)
        attentions = attention_blocks(self)
        layers = {}
        for path, block in self._attending_blocks().items():
            level = self._level(path)
            modules = zip(attentions[path], block.audio_modules, block.motion_modules, strict=True)
            layers[path] = tuple(
                LayerConditions(
                    None
                    if reference_banks is None
                    else _own_portraits(attention.reference_keys(reference_banks.layers[path][number]), frames),
                    keys[path][number],
                    audio.conditions(tokens, frame_masks[level], weights),
                    motion.motion_conditions(motion_banks.layers[path][number], clips, height >> level),
                )
                for number, (attention, audio, motion) in enumerate(modules)
            )
        return ClipConditions(layers, face_map, frames)

    def picture_conditions(
        self, reference_banks: ReferenceBanks | None, face_tokens: Tensor, face_map: Tensor
    ) -> ClipConditions:
        """Single pictures without speech or motion frames, for the first stage of training (paper §4.4): audio and
        motion modules do not run. Arguments as for `batch_conditions`."""
        keys = self._face_keys(face_tokens)
        layers = {
            path: tuple(
                LayerConditions(
                    None
                    if reference_banks is None
                    else _own_portraits(attention.reference_keys(reference_banks.layers[path][number]), frames=1),
                    keys[path][number],
                    audio=None,
                    motion=None,
                )
                for number, attention in enumerate(attentions)
            )
            for path, attentions in attention_blocks(self).items()
        }
        return ClipConditions(layers, face_map, frames=1)

    def _face_keys(self, face_tokens: Tensor) -> dict[str, tuple[KeyValues | MergedKeys, ...]]:
        """face_tokens: (b n d).  Constant over frames and steps."""
        return {
            path: tuple(attention.constant_face_keys(face_tokens) for attention in attentions)
            for path, attentions in attention_blocks(self).items()
        }

    def _attending_blocks(self) -> dict[str, nn.Module]:
        return {path: self.get_submodule(path) for path in attention_blocks(self)}

    def _level(self, path: str) -> int:
        """Number of halvings of the latents at this block: down i → i, mid → last, up j → last - j."""
        last = len(self.config.block_widths) - 1
        name, _, index = path.partition(".")
        return {"down_blocks": int(index or 0), "mid_block": last, "up_blocks": last - int(index or 0)}[name]


def _own_portraits(banks: KeyValues, frames: int) -> ReferenceKeys:
    """Each clip's frames attend to the portrait of that clip. banks: (c l d)."""
    return ReferenceKeys(banks, [clip for clip in range(len(banks.k)) for _ in range(frames)])
