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
from .layers import Build, Network, TimeEmbedding
from .running import RunLayer, directly
from .unet_blocks import attention_blocks

SHALLOW_LAYERS = 1  # of the last block, those that run with deep features of an earlier step


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
        return self.with_deep_features(latents, timestep, conditions, run)[0]

    def with_deep_features(
        self, latents: Tensor, timestep: int | Tensor, conditions: ClipConditions, run: RunLayer = directly
    ) -> tuple[Tensor, Tensor]:
        """As `forward`. Also returns the deep features, (b f) c h w: what the last `SHALLOW_LAYERS` layers get from
        all others but the first."""
        x, time = self._first(latents, timestep, conditions)
        layers = conditions.layers
        skips = [x]
        for index, block in enumerate(self.down_blocks):
            x, block_skips = block(x, time, layers.get(f"down_blocks.{index}", ()), run)
            skips += block_skips
        x = self.mid_block(x, time, layers["mid_block"], run)
        *upward, last = self.up_blocks
        for index, block in enumerate(upward):
            x = block(x, skips, time, layers.get(f"up_blocks.{index}", ()), run)
        before, _ = self._split_last()
        deep = last.some_layers(before, x, skips, time, layers.get(f"up_blocks.{len(upward)}", ()), run)
        return self._last(deep, skips, time, conditions, run), deep

    def from_deep_features(
        self, latents: Tensor, timestep: int | Tensor, conditions: ClipConditions, deep: Tensor
    ) -> Tensor:
        """As `forward`, with the deep features of an earlier step (DeepCache: Ma et al., 2023, arXiv 2312.00858): only
        the shallow layers run, the first and the last `SHALLOW_LAYERS` of the finest level."""
        x, time = self._first(latents, timestep, conditions)
        layers = conditions.layers.get("down_blocks.0", ())
        skips = [x, *self.down_blocks[0].skips(x, time, layers, directly, SHALLOW_LAYERS - 1)]
        return self._last(deep, skips, time, conditions, directly)

    def _first(self, latents: Tensor, timestep: int | Tensor, conditions: ClipConditions) -> tuple[Tensor, Tensor]:
        """Returns the input of the first block, and the time embedding."""
        frames = len(latents) // len(conditions.face_map)
        time = self.time_embedding(timestep, like=latents)
        if len(time) > 1:
            time = repeat(time, "b t -> (b f) t", f=frames)
        return self.conv_in(latents) + repeat(conditions.face_map, "b c h w -> (b f) c h w", f=frames), time

    def _last(
        self, deep: Tensor, skips: list[Tensor], time: Tensor, conditions: ClipConditions, run: RunLayer
    ) -> Tensor:
        """From the input of the last layers to the prediction."""
        index = len(self.up_blocks) - 1
        _, numbers = self._split_last()
        layers = conditions.layers.get(f"up_blocks.{index}", ())
        x = self.up_blocks[index].some_layers(numbers, deep, skips, time, layers, run)
        return self.conv_out(F.silu(self.conv_norm_out(x)))

    def _split_last(self) -> tuple[range, range]:
        """The layers of the last block: the deep and the shallow ones."""
        count = len(self.up_blocks[-1].resnets)
        return range(count - SHALLOW_LAYERS), range(count - SHALLOW_LAYERS, count)

    def portrait_conditions(
        self, banks: ReferenceBanks, face_tokens: Tensor, face_map: Tensor, masks: RegionMasks
    ) -> PortraitConditions:
        """Everything constant over a video.

        banks: the portrait's, (r l c), r = 2 [unconditional, conditional] under guidance, else 1.
        face_tokens: (b n d).  face_map: (1 c h w); the unconditional half gets zeros, as in the original.
        """
        cond_batch = face_tokens.shape[0]
        levels = zip(masks.pose, masks.face, masks.lip, strict=True)
        return self._portraits(
            banks,
            face_tokens,
            torch.cat([torch.zeros_like(face_map)] * (cond_batch - 1) + [face_map]),
            tuple(rearrange(torch.stack(level), "r l -> r 1 l").to(face_map) for level in levels),
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
        cond_batch, height = portrait.face_map.shape[0], portrait.face_map.shape[-2]
        layers = {}
        for path in attention_blocks(self):
            block, level = self.get_submodule(path), self._level(path)
            modules = zip(block.audio_modules, block.motion_modules, strict=True)
            layers[path] = tuple(
                LayerConditions(
                    portrait.reference(path, number, reference_rows),
                    portrait.face_keys[path][number],
                    audio.conditions(audio_tokens, portrait.masks[level], region_weights),
                    motion.motion_conditions(motion_banks.layers[path][number], cond_batch, height >> level),
                )
                for number, (audio, motion) in enumerate(modules)
            )
        return ClipConditions(layers, portrait.face_map)

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
        frames = audio_tokens.shape[1]
        frame_masks = tuple(repeat(level, "r b l -> r (b f) l", f=frames) for level in masks)
        return self.clip_conditions(
            self._portraits(reference_banks, face_tokens, face_map, frame_masks),
            motion_banks,
            rearrange(audio_tokens, "b f n d -> (b f) n d"),
            rearrange(region_weights, "r b f -> r (b f)"),
            _own_portraits(reference_banks, frames),
        )

    def picture_conditions(
        self, reference_banks: ReferenceBanks | None, face_tokens: Tensor, face_map: Tensor
    ) -> ClipConditions:
        """Single pictures without speech or motion frames, for the first stage of training (paper §4.4): audio and
        motion modules do not run. Arguments as for `batch_conditions`."""
        portraits = self._portraits(reference_banks, face_tokens, face_map, masks=())
        rows = _own_portraits(reference_banks, frames=1)
        layers = {
            path: tuple(
                LayerConditions(portraits.reference(path, number, rows), face, audio=None, motion=None)
                for number, face in enumerate(block)
            )
            for path, block in portraits.face_keys.items()
        }
        return ClipConditions(layers, face_map)

    def _portraits(
        self, banks: ReferenceBanks | None, face_tokens: Tensor, face_map: Tensor, masks: tuple[Tensor, ...]
    ) -> PortraitConditions:
        """banks: None if no clip has a portrait.  face_tokens: (b n d)."""
        reference_keys, face_keys = {}, {}
        for path, block in attention_blocks(self).items():
            face_keys[path] = tuple(attention.constant_face_keys(face_tokens) for attention in block)
            if banks is not None:
                both = zip(block, banks.layers[path], strict=True)
                reference_keys[path] = tuple(attention.reference_keys(bank) for attention, bank in both)
        return PortraitConditions(reference_keys, face_keys, face_map, masks)

    def _level(self, path: str) -> int:
        """Number of halvings of the latents at this block: down i → i, mid → last, up j → last - j."""
        last = len(self.config.block_widths) - 1
        name, _, index = path.partition(".")
        return {"down_blocks": int(index or 0), "mid_block": last, "up_blocks": last - int(index or 0)}[name]


def _own_portraits(banks: ReferenceBanks | None, frames: int) -> list[int]:
    """Each clip's frames attend to the portrait of that clip."""
    portraits = 0 if banks is None else len(banks.layers["mid_block"][0])
    return [portrait for portrait in range(portraits) for _ in range(frames)]
