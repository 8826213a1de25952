"""The motion module: attention along time. The only file that unfolds frames, (b f) c h w ↔ (b h w) f c."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from .attention_recorder import AttentionRecorder
from .layers import Attention, Build, FeedForward


class PositionTable(nn.Module):
    """The checkpoint's sinusoidal table, a buffer in a separate leaf module and cast on use: a host that loads the
    network partially may leave it on another device."""

    def __init__(self, positions: int, width: int, build: Build) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(1, positions, width, dtype=build.small_dtype, device=build.device))

    def forward(self, x: Tensor) -> Tensor:
        """x: (b f d) with f at most the number of positions."""
        return x + self.pe[:, : x.shape[1]].to(x)


@dataclass(frozen=True)
class RowRecorder:
    """The recorder, with the row and sequence layout of this layer."""

    recorder: AttentionRecorder
    places: int  # h w; the conditional half comes last
    motion_frames: int  # at the start of each sequence

    def record(self, q: Tensor, k: Tensor, heads: int) -> None:
        """q, k: (b h w) f d."""
        self.recorder.record_temporal(q[-self.places :], k[-self.places :], heads, self.motion_frames)


class TemporalAttention(Attention):
    """Self-attention over frames; queries, keys and values all include the position."""

    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__(width, width, heads, build)
        self.pos_encoder = PositionTable(positions, width, build)

    def over_frames(self, x: Tensor, row_recorder: RowRecorder | None = None) -> Tensor:
        """x: (b f d)."""
        placed = self.pos_encoder(x)
        frames = self.keys_values(placed)
        if row_recorder is not None:
            row_recorder.record(self.to_q(placed), frames.k, self.heads)
        return self(placed, frames)


class TemporalBlock(nn.Module):
    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(TemporalAttention(width, heads, positions, build) for _ in range(2))
        self.norms = nn.ModuleList(build.layer_norm(width) for _ in range(2))
        self.ff = FeedForward(width, build)
        self.ff_norm = build.layer_norm(width)

    def forward(self, x: Tensor, row_recorder: RowRecorder | None = None) -> Tensor:
        """x: (b f d)."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = x + attention.over_frames(norm(x), row_recorder)
        return x + self.ff(self.ff_norm(x))


class TemporalTransformer(nn.Module):
    NORM_GROUPS = 32  # independent of the UNet's (quirk 6)

    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.positions = positions
        self.norm = build.group_norm(self.NORM_GROUPS, width, eps=1e-6)
        self.proj_in = build.wide.linear(width, width)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(width, heads, positions, build)])
        self.proj_out = build.wide.linear(width, width)

    def forward(self, x: Tensor, motion: Tensor, recorder: AttentionRecorder | None = None) -> Tensor:
        """x: (b f) c h w.  motion: (b h w) m c from `motion_conditions`; prepended to the sequence and removed
        from the output.  recorder: records the conditional half's attention over time.
        """
        height, width = x.shape[-2:]
        cond_batch, before = motion.shape[0] // (height * width), motion.shape[1]
        hidden = rearrange(self.norm(x), "(b f) c h w -> (b h w) f c", b=cond_batch)
        if before + hidden.shape[1] > self.positions:
            raise ValueError(f"{before} motion frames and {hidden.shape[1]} new ones exceed {self.positions} positions")
        row_recorder = None if recorder is None else RowRecorder(recorder, height * width, before)
        hidden = self.transformer_blocks[0](torch.cat([motion, self.proj_in(hidden)], dim=1), row_recorder)
        new = self.proj_out(hidden[:, before:])
        return x + rearrange(new, "(b h w) f c -> (b f) c h w", h=height, w=width)

    def motion_conditions(self, bank: Tensor, cond_batch: int, height: int) -> Tensor:
        """bank: (b m) l c, the motion frames' tokens at this depth.  Returns (b h w) m c, normed and projected."""
        features = self.norm(rearrange(bank, "b (h w) c -> b c h w", h=height))
        return self.proj_in(rearrange(features, "(b m) c h w -> (b h w) m c", b=cond_batch))


class MotionModule(nn.Module):
    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(width, heads, positions, build)

    def forward(self, x: Tensor, motion: Tensor, recorder: AttentionRecorder | None = None) -> Tensor:
        return self.temporal_transformer(x, motion, recorder)

    def motion_conditions(self, bank: Tensor, cond_batch: int, height: int) -> Tensor:
        return self.temporal_transformer.motion_conditions(bank, cond_batch, height)
