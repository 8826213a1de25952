"""Attention maps: attention probabilities, recomputed beside the fused attention and summed in pieces."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple, TypeVar

import torch
from einops import einsum, rearrange, reduce
from torch import Tensor

PIECE = 2**24  # probabilities at a time
WORKING_BYTES = 4 * 4 * PIECE  # of one piece in float32: logits, probabilities and temporaries


class SpatialRecord(NamedTuple):
    """Attention of the tokens of f frames: to their own frame and to the portrait. Means over the heads."""

    own: Tensor  # (f l), the share of each token's attention within its frame
    portrait: Tensor  # (f l), the share on the portrait; own + portrait = 1
    received: Tensor  # (f l), over the portrait: attention received by each of its tokens, summed over the frame's


class TemporalRecord(NamedTuple):
    """Attention of f new frames over time. Means over the heads."""

    motion: Tensor  # (f l), the share of each position's attention on the motion frames
    frames: Tensor  # (f n), the mean over positions: each row sums to 1, the m motion frames come first


class AttentionRecorder:
    """Records attention in one clip of a video, in some of its steps: a mean over those steps and
    all layers of the same size.

    It is passed to the layers as an argument and does not change them: they keep using fused attention.
    """

    def __init__(self, clip: int, steps: Container[int]) -> None:
        self.clip = clip
        self.steps = steps
        self._spatial: dict[int, tuple[int, SpatialRecord]] = {}
        self._temporal: dict[int, tuple[int, TemporalRecord]] = {}

    def record_spatial(self, q: Tensor, k: Tensor, heads: int) -> None:
        """q: (f l d).  k: (f 2l d).  The conditional half's; see `spatial_record`."""
        _add(self._spatial, q.shape[1], spatial_record(q, k, heads))

    def record_temporal(self, q: Tensor, k: Tensor, heads: int) -> None:
        """q: (l f d).  k: (l n d).  The conditional half's; see `temporal_record`."""
        _add(self._temporal, q.shape[0], temporal_record(q, k, heads))

    def spatial(self) -> dict[int, SpatialRecord]:
        """By the number of tokens l, which identifies the resolution; finest first. On the CPU."""
        return _means(self._spatial)

    def temporal(self) -> dict[int, TemporalRecord]:
        """As `spatial`."""
        return _means(self._temporal)


def probabilities(q: Tensor, k: Tensor, heads: int) -> Tensor:
    """q: (b l d).  k: (b m d).  Returns (b heads l m), float32 for any dtype of the networks; rows sum to 1."""
    q, k = (rearrange(x.float(), "b l (heads d) -> b heads l d", heads=heads) for x in (q, k))
    return einsum(q * q.shape[-1] ** -0.5, k, "b heads l d, b heads m d -> b heads l m").softmax(dim=-1)


def spatial_record(q: Tensor, k: Tensor, heads: int, piece: int = PIECE) -> SpatialRecord:
    """q: (f l d), a frame's own tokens.  k: (f 2l d), its own, then the portrait's.  piece: probabilities at a
    time."""
    tokens = q.shape[1]
    queries = max(1, piece // (heads * k.shape[1]))
    own, portrait = q.new_empty(2, *q.shape[:2], dtype=torch.float32)
    received = torch.zeros_like(own)
    for frame in range(q.shape[0]):
        for start in range(0, tokens, queries):
            rows = slice(start, start + queries)
            seen = probabilities(q[frame : frame + 1, rows], k[frame : frame + 1], heads)
            seen = reduce(seen, "1 heads l m -> l m", "mean")
            own[frame, rows] = seen[:, :tokens].sum(dim=1)
            portrait[frame, rows] = seen[:, tokens:].sum(dim=1)
            received[frame] += seen[:, tokens:].sum(dim=0)
    return SpatialRecord(own, portrait, received)


def temporal_record(q: Tensor, k: Tensor, heads: int, piece: int = PIECE) -> TemporalRecord:
    """q: (l f d), the new frames at each position.  k: (l n d), the n - f motion frames, then the new ones.
    piece: probabilities and their inputs at a time."""
    places, frames, width = k.shape
    motion_frames = frames - q.shape[1]
    rows = max(1, piece // (frames * (heads * frames + 2 * width)))
    shares, total = [], 0
    for some_q, some_k in zip(q.split(rows), k.split(rows), strict=True):
        seen = reduce(probabilities(some_q, some_k, heads), "l heads f n -> l f n", "mean")
        shares.append(reduce(seen[..., :motion_frames], "l f m -> f l", "sum"))
        total = total + reduce(seen, "l f n -> f n", "sum")
    return TemporalRecord(torch.cat(shares, dim=1), total / places)


Kind = TypeVar("Kind", SpatialRecord, TemporalRecord)


def _add(sums: dict[int, tuple[int, Kind]], tokens: int, new: Kind) -> None:
    count, total = sums.get(tokens, (0, None))
    sums[tokens] = count + 1, new if total is None else type(new)(*(a + b for a, b in zip(total, new, strict=True)))


def _means(sums: dict[int, tuple[int, Kind]]) -> dict[int, Kind]:
    return {
        tokens: type(total)(*((part / count).cpu() for part in total))
        for tokens, (count, total) in sorted(sums.items(), reverse=True)
    }
