"""Spatial attention, shared by both UNets: own (and reference) tokens, then face tokens, then feed-forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from .attention_recorder import AttentionRecorder
from .layers import Attention, Build, FeedForward, KeyValues, as_picture, as_tokens
from .merged_keys import MergedKeys


@dataclass(frozen=True)
class ReferenceKeys:
    """The portrait's tokens at one depth, projected once per video, and the bank that each frame attends to."""

    banks: KeyValues  # (r l d): one or two portrait banks
    rows: Sequence[int]  # f of them, the bank of each conditional frame

    def behind(self, own: KeyValues) -> KeyValues:
        """own: (f l d).  Returns (f 2l d), the keys of each frame, then those of its bank."""
        return KeyValues(self._behind(own.k, self.banks.k), self._behind(own.v, self.banks.v))

    def _behind(self, own: Tensor, banks: Tensor) -> Tensor:
        return torch.cat([own, self._of_frames(banks)], dim=1)

    def _of_frames(self, banks: Tensor) -> Tensor:
        """(f l d): a view if all frames have the same bank."""
        each = len(self.rows) // len(banks)
        if list(self.rows) == [row for row in range(len(banks)) for _ in range(each)]:
            return repeat(banks, "r l d -> (r each) l d", each=each)  # training: not an operation for each clip
        runs = [banks[row].expand(len(list(frames)), -1, -1) for row, frames in groupby(self.rows)]
        return runs[0] if len(runs) == 1 else torch.cat(runs)


class SpatialBlock(nn.Module):
    def __init__(self, width: int, face_token_width: int, heads: int, build: Build) -> None:
        super().__init__()
        self.norm1 = build.layer_norm(width)
        self.attn1 = Attention(width, width, heads, build)
        self.norm2 = build.layer_norm(width)
        self.attn2 = Attention(width, face_token_width, heads, build)
        self.norm3 = build.layer_norm(width)
        self.ff = FeedForward(width, build)

    def forward(
        self,
        x: Tensor,
        face: KeyValues | MergedKeys,
        reference: ReferenceKeys | None = None,
        recorder: AttentionRecorder | None = None,
    ) -> Tensor:
        """x: (b f) l d.  face: b rows.  reference: for the conditional half, the last f rows of x.  recorder: records
        that half's attention to the portrait."""
        return self._face_and_feed_forward(x + self._attend_to_self(self.norm1(x), reference, recorder), face)

    def with_bank(self, x: Tensor, face: KeyValues) -> tuple[Tensor, Tensor]:
        """As `forward`, without a portrait. Also returns the input of self-attention, this depth's reference bank."""
        own = self.norm1(x)
        return self._face_and_feed_forward(x + self._attend_to_self(own, None, None), face), own

    def _face_and_feed_forward(self, x: Tensor, face: KeyValues | MergedKeys) -> Tensor:
        queries = rearrange(self.norm2(x), "(b f) l d -> b (f l) d", b=face.k.shape[0])
        x = x + rearrange(self.attn2(queries, face), "b (f l) d -> (b f) l d", l=x.shape[1])
        return x + self.ff(self.norm3(x))

    def _attend_to_self(
        self, own: Tensor, reference: ReferenceKeys | None, recorder: AttentionRecorder | None
    ) -> Tensor:
        """As in the original (quirk 2): only the conditional half also attends to the portrait."""
        if reference is None:
            return self.attn1(own, self.attn1.keys_values(own))
        frames = len(reference.rows)
        alone, seeing = own[:-frames], own[-frames:]
        conditional = self._attend_to_portrait(seeing, reference, recorder)
        if not len(alone):  # guidance is off
            return conditional
        return torch.cat([self.attn1(alone, self.attn1.keys_values(alone)), conditional])

    def _attend_to_portrait(self, own: Tensor, reference: ReferenceKeys, recorder: AttentionRecorder | None) -> Tensor:
        together = reference.behind(self.attn1.keys_values(own))
        if recorder is not None:
            recorder.record_spatial(self.attn1.to_q(own), together.k, self.attn1.heads)
        return self.attn1(own, together)


class SpatialTransformer(nn.Module):
    """GroupNorm and a 1×1 projection around one `SpatialBlock`."""

    def __init__(self, width: int, face_token_width: int, heads: int, norm_groups: int, build: Build) -> None:
        super().__init__()
        self.norm = build.group_norm(norm_groups, width, eps=1e-6)
        self.proj_in = build.wide.conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([SpatialBlock(width, face_token_width, heads, build)])
        self.proj_out = build.wide.conv2d(width, width, 1)

    def forward(
        self,
        x: Tensor,
        face: KeyValues | MergedKeys,
        reference: ReferenceKeys | None = None,
        recorder: AttentionRecorder | None = None,
    ) -> Tensor:
        """x: (b f) c h w."""
        hidden = self.transformer_blocks[0](self._tokens(x), face, reference, recorder)
        return x + self.proj_out(as_picture(hidden, x.shape[-2]))

    def with_bank(self, x: Tensor, face: KeyValues) -> tuple[Tensor, Tensor]:
        """x: (b c h w).  Returns x, and the reference bank of this depth, (b l c)."""
        hidden, bank = self.transformer_blocks[0].with_bank(self._tokens(x), face)
        return x + self.proj_out(as_picture(hidden, x.shape[-2])), bank

    def bank(self, x: Tensor) -> Tensor:
        """Only the reference bank, (b l c): the only output needed of ReferenceNet's last layer (quirk 15)."""
        return self.transformer_blocks[0].norm1(self._tokens(x))

    def face_keys(self, face_tokens: Tensor) -> KeyValues:
        """face_tokens: (b n d)."""
        return self.transformer_blocks[0].attn2.keys_values(face_tokens)

    def constant_face_keys(self, face_tokens: Tensor) -> KeyValues | MergedKeys:
        """The same, for many calls."""
        return self.transformer_blocks[0].attn2.constant_keys_values(face_tokens)

    def reference_keys(self, bank: Tensor) -> KeyValues:
        """bank: (r l c), stored after norm1 and not normalized again; same projections as the own tokens."""
        return self.transformer_blocks[0].attn1.keys_values(bank)

    def _tokens(self, x: Tensor) -> Tensor:
        return as_tokens(self.proj_in(self.norm(x)))
