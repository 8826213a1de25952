"""Recognizes cartoons, as ArcFace recognizes people: the faces of one actor are close, whatever they do.

Fisher's linear discriminants of drawn faces: the recognizers of photographs were not trained on cartoons.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from torch import Tensor

from .cartoons import Actor, Tracks, draw, measure
from .cartoons.split import Split
from .draws import sample_rng
from .frame_reading import Box, box_around, pieces_of
from .prepare_pictures import scattered_tracks

ACTORS, FRAMES = 160, 10
READ_SIDE = 24
WIDTH = 64
DRAWN_PX = 64
RIDGE = 1e-3  # on the variance within an actor, relative to its mean


@dataclass(frozen=True)
class ActorRecognizer:
    mean: Tensor  # (d)
    projection: Tensor  # (d 64)

    def embed(self, frames: Tensor, box: Box) -> Tensor:
        """frames: (f h w 3), 0..1.  box: of the face, see `face_place`.  Returns (f 64), of length 1."""
        projected = (pieces_of(frames, box, READ_SIDE) - self.mean) @ self.projection
        return projected / projected.norm(dim=1, keepdim=True).clamp_min(1e-12)


def face_place(seed: int, split: Split, size_px: int) -> Box:
    """Where this actor's face is, at rest."""
    actor = Actor.from_seed(seed, split)
    return box_around(measure(actor, Tracks.still(), size_px).face_box, size_px, room=0.05)


def actor_recognizer(actors: int = ACTORS) -> ActorRecognizer:
    """Fitted to the first actors of the training split."""
    drawn = torch.stack([_faces(seed) for seed in range(actors)])  # (a f d)
    means = reduce(drawn, "a f d -> a 1 d", "mean")
    within = rearrange(drawn - means, "a f d -> (a f) d").double()
    spread = within.T @ within / len(within)
    spread += RIDGE * spread.diagonal().mean() * torch.eye(len(spread), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(spread)
    whitening = vectors * values.rsqrt()
    mean = rearrange(means, "a 1 d -> a d").mean(dim=0)
    between = (rearrange(means, "a 1 d -> a d") - mean).double() @ whitening
    directions = torch.linalg.svd(between, full_matrices=False).Vh[:WIDTH]
    return ActorRecognizer(mean, (whitening @ directions.T).float())


def _faces(seed: int) -> Tensor:
    """(f d): one actor."""
    tracks = scattered_tracks(sample_rng(3, seed, "actor recognizer"), FRAMES)
    frames = draw(Actor.from_seed(seed, "train"), tracks, DRAWN_PX)
    return pieces_of(frames, face_place(seed, "train", DRAWN_PX), READ_SIDE)
