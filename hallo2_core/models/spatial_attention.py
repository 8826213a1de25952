"""Spatial attention, shared by both UNets: own (and reference) tokens, then face tokens, then feed-forward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from .attention_recorder import AttentionRecorder
from .layers import Attention, Build, FeedForward, KeyValues


@dataclass(frozen=True)
class ReferenceKeys:
    """The portrait's tokens at one depth, projected once per video, and the bank that each frame attends to."""

    banks: KeyValues  # (r l d): one or two portrait banks
    rows: Tensor  # (f), the bank of each conditional frame

    def per_frame(self) -> KeyValues:
        """(f l d)."""
        return KeyValues(self.banks.k[self.rows], self.banks.v[self.rows])


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
        face: KeyValues,
        reference: ReferenceKeys | None = None,
        recorder: AttentionRecorder | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x: (b f) l d.  face: (b n d).  reference: for the conditional half, the last f rows of x.  recorder:
        records that half's attention to the portrait.

        Returns x and the input tokens of self-attention, which are this depth's reference bank.
        """
        own = self.norm1(x)
        x = x + self._attend_to_self(own, reference, recorder)
        queries = rearrange(self.norm2(x), "(b f) l d -> b (f l) d", b=face.k.shape[0])
        x = x + rearrange(self.attn2(queries, face), "b (f l) d -> (b f) l d", l=x.shape[1])
        return x + self.ff(self.norm3(x)), own

    def _attend_to_self(
        self, own: Tensor, reference: ReferenceKeys | None, recorder: AttentionRecorder | None
    ) -> Tensor:
        """As in the original (quirk 2): only the conditional half also attends to the portrait."""
        if reference is None:
            return self.attn1(own, self.attn1.keys_values(own))
        frames = reference.rows.shape[0]
        keys, portrait = self.attn1.keys_values(own), reference.per_frame()
        together = KeyValues(
            torch.cat([keys.k[-frames:], portrait.k], dim=1),
            torch.cat([keys.v[-frames:], portrait.v], dim=1),
        )
        conditional = self.attn1(own[-frames:], together)
        if recorder is not None:
            recorder.record_spatial(self.attn1.to_q(own[-frames:]), together.k, self.attn1.heads)
        if own.shape[0] == frames:  # guidance is off
            return conditional
        alone = KeyValues(keys.k[:-frames], keys.v[:-frames])
        return torch.cat([self.attn1(own[:-frames], alone), conditional])


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
        face: KeyValues,
        reference: ReferenceKeys | None = None,
        recorder: AttentionRecorder | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x: (b f) c h w.  Returns x, and the reference bank of this depth, (b f) l c."""
        hidden, bank = self.transformer_blocks[0](self._tokens(x), face, reference, recorder)
        return x + self.proj_out(rearrange(hidden, "b (h w) c -> b c h w", h=x.shape[-2])), bank

    def bank(self, x: Tensor) -> Tensor:
        """Only the reference bank, (b f) l c: the only output needed of ReferenceNet's last layer (quirk 15)."""
        return self.transformer_blocks[0].norm1(self._tokens(x))

    def face_keys(self, face_tokens: Tensor) -> KeyValues:
        """face_tokens: (b n d)."""
        return self.transformer_blocks[0].attn2.keys_values(face_tokens)

    def reference_keys(self, bank: Tensor) -> KeyValues:
        """bank: (r l c), stored after norm1 and not normalized again; same projections as the own tokens."""
        return self.transformer_blocks[0].attn1.keys_values(bank)

    def _tokens(self, x: Tensor) -> Tensor:
        return rearrange(self.proj_in(self.norm(x)), "b c h w -> b (h w) c")
