"""Recognizes the expression of a generated cartoon, by a reader that is fitted to drawn frames of the same actor.

It is right on every frame of four held-back actors' drawn performances, after the VAE, but for changes of expression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .cartoons import EXPRESSIONS, Actor, Tracks, draw, measure
from .cartoons.split import Split
from .draws import sample_rng
from .frame_reading import FrameReader, box_around, fitted_reader
from .prepare_pictures import scattered_tracks

DRAWN_FRAMES = 800
POSES = 0.4  # of the largest angles: talking heads turn less
BLINKS = 0.15  # of the frames
SMOOTHED_FRAMES = 9  # what a single frame shows is a guess: blinks and vowels look like moods
REACH = 10.0  # of the kernel, in median squared distances
SETTLED_FRAMES = 5  # a recognition counts once it has lasted


@dataclass(frozen=True)
class ExpressionReader:
    reader: FrameReader

    def read(self, frames: Tensor) -> Tensor:
        """frames: (f h w 3), 0..1.  Returns (f), indices of EXPRESSIONS: what the frames around each one show."""
        weights = self.reader.read(frames)
        reach = SMOOTHED_FRAMES // 2
        padded = torch.cat([weights[:1].expand(reach, -1), weights, weights[-1:].expand(reach, -1)])
        return padded.unfold(0, SMOOTHED_FRAMES, 1).mean(dim=-1).argmax(dim=1)


def expression_reader(seed: int, split: Split, size_px: int) -> ExpressionReader:
    """For the actor of this seed."""
    actor, tracks = Actor.from_seed(seed, split), _played(seed, split)
    box = box_around(measure(actor, tracks, size_px).face_box, size_px, room=0.0)
    return ExpressionReader(fitted_reader(draw(actor, tracks, size_px), box, tracks.expression, REACH))


def seconds_to_recognition(read: Tensor, expression: int, fps: float) -> float | None:
    """read: (f), from the moment of the change on.  None if it is never recognized, or not for long enough."""
    shown = (read == expression).unfold(0, min(SETTLED_FRAMES, len(read)), 1).all(dim=1).nonzero()
    return float(shown[0]) / fps if len(shown) else None


def _played(seed: int, split: Split) -> Tracks:
    """Faces that talk: unrelated frames, with expressions as strong as in performances."""
    rng = sample_rng(2, seed, f"expression reader {split}")
    tracks = scattered_tracks(rng, DRAWN_FRAMES)
    strength = torch.from_numpy(rng.uniform(0.75, 1.0, (DRAWN_FRAMES, 1))).float()
    shown = torch.eye(len(EXPRESSIONS))[torch.arange(DRAWN_FRAMES) % len(EXPRESSIONS)]
    return replace(
        tracks,
        yaw=POSES * tracks.yaw,
        pitch=POSES * tracks.pitch,
        roll=POSES * tracks.roll,
        gaze_x=0.5 * tracks.gaze_x,
        gaze_y=0.5 * tracks.gaze_y,
        brow=0.5 * tracks.brow,
        blink=tracks.blink * torch.from_numpy(rng.random(DRAWN_FRAMES) < BLINKS),
        expression=strength * shown + (1.0 - strength) * torch.eye(len(EXPRESSIONS))[:1],
    )
