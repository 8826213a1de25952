"""Pairs of a degraded face and the drawing that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..batch import Batch
from ..draws import sample_generator
from ..prepare_faces import FRAMES, LATENTS, PICTURE_PX, SEEN
from ..records import RecordShards
from ..vae_stage import pixels_of
from .color_swap import swapped_colors
from .degradation import DegradationSettings, degraded, enlarged, enlargement, shrunk


@dataclass(frozen=True)
class FacePairs:
    given: Tensor  # (b 3 h w), -1..1, as the upscaler gets it
    true: Tensor  # (b 3 h w), -1..1
    fidelity: Tensor  # (b), 0..1: 1 in four of nine, where there is most to learn, more often near it in the others


@dataclass(frozen=True)
class SmallFaces(Batch):
    """Pairs as they are read: the device that learns from them enlarges what is given, or the part that it needs."""

    small: Tensor  # (b 3 128 128), 0..1: each picture in the upper left corner, zeros beside it
    sides: Tensor  # (b 2): of each picture, and of the face that it is enlarged to, in pixels
    corners: Tensor  # (b 2): top and left of the part in the face
    true: Tensor  # (b 3 h w) uint8: the part
    fidelity: Tensor  # (b)

    def to(self, device: torch.device) -> FacePairs:
        moved, (height, width) = super().to(device), self.true.shape[-2:]
        rows, columns = [], []
        for (small_px, side_px), (top, left) in zip(self.sides.tolist(), self.corners.tolist(), strict=True):
            weights = F.pad(enlargement(small_px, side_px, device), (0, PICTURE_PX - small_px))
            rows.append(weights[top : top + height])
            columns.append(weights[left : left + width])
        across = moved.small @ torch.stack(columns).unsqueeze(1).mT
        large = torch.stack(rows).unsqueeze(1) @ across
        given = large.clamp(0.0, 1.0) * 2.0 - 1.0
        return FacePairs(given, pixels_of(moved.true), moved.fidelity)


@dataclass(frozen=True)
class FaceSampler:
    """One frame of a record for each sample's number, mirrored half of the time, and sometimes in other colors."""

    faces: RecordShards
    side_px: int
    degradation: DegradationSettings
    color_swap_ratio: float
    seed: int
    crop_px: int = 0  # side of the part of a face; 0: all of it
    place_px: int = 1  # corners of parts are multiples of it

    def batch(self, numbers: Sequence[int]) -> SmallFaces:
        return SmallFaces(*(torch.stack(part) for part in zip(*map(self._sample, numbers), strict=True)))

    def _sample(self, number: int) -> tuple[Tensor, ...]:
        faces, draws = self.faces, sample_generator(self.seed, number, "face pairs")
        record = int(torch.randint(len(faces), (), generator=draws))
        frame = int(torch.randint(faces.rows(record, FRAMES), (), generator=draws))
        mirror, fidelity, clean = torch.rand(3, generator=draws).tolist()
        is_mirrored = mirror < 0.5
        seen = faces.read(record, SEEN, slice(frame, frame + 1))
        small_px = seen.shape[-1]
        if clean < self.degradation.clean_ratio:
            small = shrunk(faces.read(record, FRAMES, slice(frame, frame + 1)), small_px)
        else:
            small = degraded(seen, self.degradation, draws)
        order = swapped_colors(self.color_swap_ratio, draws)
        top, left = self._corner(number)
        part_px = self.crop_px or self.side_px
        first = self.side_px - part_px - left if is_mirrored else left
        rows, columns = slice(top, top + part_px), slice(first, first + part_px)
        true = faces.read(record, FRAMES, (frame, slice(None), rows, columns))
        small, true = (x[order].flip(-1) if is_mirrored else x[order] for x in (small[0], true))
        beside = PICTURE_PX - small_px
        return (
            F.pad(small, (0, beside, 0, beside)),
            torch.tensor([small_px, self.side_px]),
            torch.tensor([top, left]),
            true,
            torch.tensor(1.25 * (1.0 - fidelity**2)).clamp(max=1.0),
        )

    def _corner(self, number: int) -> list[int]:
        if not self.crop_px:
            return [0, 0]
        draws = sample_generator(self.seed, number, "parts of faces")
        places = (self.side_px - self.crop_px) // self.place_px + 1
        return (torch.randint(places, (2,), generator=draws) * self.place_px).tolist()


def held_back_pairs(faces: RecordShards, side_px: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The first frame of each record, only enlarged, and the truth: (1 3 h w), -1..1, each."""
    for number in range(len(faces)):
        seen = faces.read(number, SEEN, slice(0, 1)).float() / 255.0
        yield enlarged(seen, side_px), pixels_of(faces.read(number, FRAMES, slice(0, 1)))


def enlarged_latents(faces: RecordShards, record: int, rows: slice, side: int) -> Tensor:
    """(f 4 side side): a small video's latents, as the encoder of latents takes them."""
    latents = faces.read(record, LATENTS, rows).float()
    return F.interpolate(latents, size=(side, side), mode="bilinear", align_corners=False)
