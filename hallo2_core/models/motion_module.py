"""The motion module: attention along time. The only file that unfolds frames, (b f) c h w ↔ (b h w) f c."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from .attention_recorder import AttentionRecorder
from .layers import Attention, Build, FeedForward


class PositionTable(nn.Module):
    """The checkpoint's sinusoidal table, a buffer in a separate leaf module: a host that loads the network partially
    may leave it on another device."""

    def __init__(self, positions: int, width: int, build: Build) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(1, positions, width, dtype=build.small_dtype, device=build.device))

    def forward(self, like: Tensor) -> Tensor:
        """Returns (positions d), a copy with the dtype and device of `like`: the buffer may move."""
        return self.pe[0].to(like, copy=True)


@dataclass(frozen=True)
class MotionConditions:
    """Inputs of one motion module that are constant over the steps of a clip."""

    frames: Tensor  # (b h w) m d: the motion frames' tokens, normed and projected
    positions: tuple[Tensor, ...]  # (positions d), the table of each attention

    def conditional_only(self, cond_batch: int) -> MotionConditions:
        """Those of the last of `cond_batch` halves."""
        return MotionConditions(self.frames[-(self.frames.shape[0] // cond_batch) :], self.positions)


@dataclass(frozen=True)
class RowRecorder:
    """The recorder, with the row and sequence layout of this layer."""

    recorder: AttentionRecorder
    places: int  # h w; the conditional half comes last
    new_frames: int  # at the end of each sequence

    def record(self, q: Tensor, k: Tensor, heads: int) -> None:
        """q, k: (b h w) f d; q may lack the motion frames."""
        self.recorder.record_temporal(q[-self.places :, -self.new_frames :], k[-self.places :], heads)


class TemporalAttention(Attention):
    """Self-attention over frames; queries, keys and values all include the position."""

    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__(width, width, heads, build)
        self.pos_encoder = PositionTable(positions, width, build)

    def over_frames(self, placed: Tensor, asking: slice, row_recorder: RowRecorder | None = None) -> Tensor:
        """placed: (b n d), positions included.  asking: the frames that attend to all n.  Returns (b f d), those."""
        frames = self.keys_values(placed)
        if row_recorder is not None:
            row_recorder.record(self.to_q(placed[:, asking]), frames.k, self.heads)
        return self(placed[:, asking], frames)


class TemporalBlock(nn.Module):
    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(TemporalAttention(width, heads, positions, build) for _ in range(2))
        self.norms = nn.ModuleList(build.layer_norm(width) for _ in range(2))
        self.ff = FeedForward(width, build)
        self.ff_norm = build.layer_norm(width)

    def forward(
        self, x: Tensor, before: int, positions: tuple[Tensor, ...], row_recorder: RowRecorder | None = None
    ) -> Tensor:
        """x: (b n d), `before` motion frames first.  Returns (b f d), the new frames.

        The last attention is the last that needs the motion frames, and only as keys and values.
        """
        everyone, new = slice(None), slice(before, None)
        layers = zip(self.attention_blocks, self.norms, positions, (everyone, new), strict=True)
        for attention, norm, table, asking in layers:
            placed = norm(x) + table[: x.shape[1]]
            x = x[:, asking] + attention.over_frames(placed, asking, row_recorder)
        return x + self.ff(self.ff_norm(x))

    def positions(self, like: Tensor) -> tuple[Tensor, ...]:
        """(positions d) for each attention, as `like`."""
        return tuple(attention.pos_encoder(like) for attention in self.attention_blocks)


class TemporalTransformer(nn.Module):
    NORM_GROUPS = 32  # independent of the UNet's (quirk 6)

    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.positions = positions
        self.norm = build.group_norm(self.NORM_GROUPS, width, eps=1e-6)
        self.proj_in = build.wide.linear(width, width)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(width, heads, positions, build)])
        self.proj_out = build.wide.linear(width, width)

    def forward(self, x: Tensor, motion: MotionConditions, recorder: AttentionRecorder | None = None) -> Tensor:
        """x: (b f) c h w.  The motion frames come first in the sequence, and not in the output.  recorder: records
        the conditional half's attention over time."""
        height, width = x.shape[-2:]
        cond_batch, before = motion.frames.shape[0] // (height * width), motion.frames.shape[1]
        hidden = rearrange(self.norm(x), "(b f) c h w -> (b h w) f c", b=cond_batch)
        if before + hidden.shape[1] > self.positions:
            raise ValueError(f"{before} motion frames and {hidden.shape[1]} new ones exceed {self.positions} positions")
        row_recorder = None if recorder is None else RowRecorder(recorder, height * width, hidden.shape[1])
        hidden = torch.cat([motion.frames, self.proj_in(hidden)], dim=1)
        new = self.proj_out(self.transformer_blocks[0](hidden, before, motion.positions, row_recorder))
        return x + rearrange(new, "(b h w) f c -> (b f) c h w", h=height, w=width)

    def motion_conditions(self, bank: Tensor, cond_batch: int, height: int) -> MotionConditions:
        """bank: (b m) l c, the motion frames' tokens at this depth."""
        features = self.norm(rearrange(bank, "b (h w) c -> b c h w", h=height))
        frames = self.proj_in(rearrange(features, "(b m) c h w -> (b h w) m c", b=cond_batch))
        return MotionConditions(frames, self.transformer_blocks[0].positions(like=frames))


class MotionModule(nn.Module):
    def __init__(self, width: int, heads: int, positions: int, build: Build) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(width, heads, positions, build)

    def forward(self, x: Tensor, motion: MotionConditions, recorder: AttentionRecorder | None = None) -> Tensor:
        return self.temporal_transformer(x, motion, recorder)

    def motion_conditions(self, bank: Tensor, cond_batch: int, height: int) -> MotionConditions:
        return self.temporal_transformer.motion_conditions(bank, cond_batch, height)
