"""Measures the mouth of a generated cartoon by kernel regression on drawn frames of the same actor.

On other drawn frames its readings correlate with the truth at 0.99 (opening) and 0.96 to 0.99 (width): an upper bound
for a generated video.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .cartoons import Actor, draw, measure
from .cartoons.split import Split
from .draws import sample_rng
from .frame_reading import FrameReader, box_around, fitted_reader
from .prepare_pictures import scattered_tracks

DRAWN_FRAMES = 500
POSES = 0.4  # of the largest angles: talking heads turn less


def mouth_reader(seed: int, split: Split, size_px: int) -> FrameReader:
    """For the actor of this seed. It reads (f 2), opening and width in the units of `measure`."""
    actor = Actor.from_seed(seed, split)
    tracks = scattered_tracks(sample_rng(1, seed, f"mouth reader {split}"), DRAWN_FRAMES)
    tracks = replace(tracks, yaw=POSES * tracks.yaw, pitch=POSES * tracks.pitch, roll=POSES * tracks.roll)
    truth = measure(actor, tracks, size_px)
    targets = torch.stack([truth.mouth_opening, truth.mouth_width], dim=1)
    return fitted_reader(draw(actor, tracks, size_px), box_around(truth.lip_box, size_px), targets)


def correlation(a: Tensor, b: Tensor) -> float:
    """Of two series (f). 0 if one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = a.norm() * b.norm()
    return float(a @ b / scale) if scale > 0 else 0.0
