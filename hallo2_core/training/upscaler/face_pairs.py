"""Pairs of a degraded face and the drawing that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..draws import sample_generator
from ..prepare_faces import FRAMES, LATENTS, SEEN
from ..records import RecordShards
from ..vae_stage import pixels_of
from .color_swap import swapped_colors
from .degradation import DegradationSettings, degraded, enlarged, shrunk


@dataclass(frozen=True)
class FacePairs:
    given: Tensor  # (b 3 h w), -1..1, as the upscaler gets it
    true: Tensor  # (b 3 h w), -1..1
    fidelity: Tensor  # (b), 0..1: 1 in four of nine, where there is most to learn, more often near it in the others

    def to(self, device: torch.device) -> FacePairs:
        return FacePairs(self.given.to(device), self.true.to(device), self.fidelity.to(device))


def face_pairs(
    faces: RecordShards,
    numbers: Sequence[int],
    side_px: int,
    settings: DegradationSettings,
    color_swap_ratio: float,
    seed: int,
) -> FacePairs:
    """One frame of a record for each sample's number, mirrored half of the time, and sometimes in other colors."""
    samples = []
    for number in numbers:
        draws = sample_generator(seed, number, "face pairs")
        record = int(torch.randint(len(faces), (), generator=draws))
        frame = int(torch.randint(faces.rows(record, FRAMES), (), generator=draws))
        is_mirrored, fidelity, clean = torch.rand(3, generator=draws).tolist()
        true, seen = (faces.read(record, name, slice(frame, frame + 1)) for name in (FRAMES, SEEN))
        is_clean = clean < settings.clean_ratio
        given = shrunk(true, seen, side_px) if is_clean else degraded(seen, side_px, settings, draws)
        pair = (given[0], pixels_of(true)[0])
        order = swapped_colors(color_swap_ratio, draws)
        pair = [x[order].flip(-1) if is_mirrored < 0.5 else x[order] for x in pair]
        samples.append([*pair, torch.tensor(1.25 * (1.0 - fidelity**2)).clamp(max=1.0)])
    return FacePairs(*(torch.stack(part) for part in zip(*samples, strict=True)))


def held_back_pairs(faces: RecordShards, side_px: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The first frame of each record, only enlarged, and the truth: (1 3 h w), -1..1, each."""
    for number in range(len(faces)):
        seen = faces.read(number, SEEN, slice(0, 1)).float() / 255.0
        yield enlarged(seen, side_px), pixels_of(faces.read(number, FRAMES, slice(0, 1)))


def enlarged_latents(faces: RecordShards, record: int, rows: slice, side: int) -> Tensor:
    """(f 4 side side): a small video's latents, as the encoder of latents takes them."""
    latents = faces.read(record, LATENTS, rows).float()
    return torch.nn.functional.interpolate(latents, size=(side, side), mode="bilinear", align_corners=False)
