"""Frame by frame: change from the previous frame, and distance from the portrait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..payloads import Portrait
from ..portrait.face_analysis import FaceFinder
from ..runtime import Runtime
from .likeness import LEVELS, Original, face_embedding
from .seams import change_between, check_clip_frames, is_seam


@dataclass(frozen=True)
class FrameMeasures:
    """Measures of one frame; `Original` explains them."""

    frame: int
    is_seam: bool  # first frame of a clip, except the first of the video
    change: float | None  # mean absolute difference to the previous frame, in levels; None for the first
    similarity: float
    sharpness: float
    colour_drift: float
    identity: float | None  # cosine to the portrait's embedding; only of the last frame of each clip


@torch.inference_mode()
def measure_frames(
    frames: Iterable[Tensor],
    portrait: Portrait | None,
    clip_frames: int,
    runtime: Runtime,
    faces: FaceFinder | None = None,
) -> Iterator[FrameMeasures]:
    """frames: (h w 3) uint8, in order. portrait: None compares with the video's first frame, over the whole picture.

    faces: with a recognizer, and a portrait made with it, identity is measured too. Holds two frames.
    """
    check_clip_frames(clip_frames)
    known = portrait.identity if portrait is not None and faces is not None and portrait.identity.any() else None
    original: Original | None = None
    before: Tensor | None = None
    for number, frame in enumerate(frames):
        runtime.check_cancelled()
        picture = frame.float() / LEVELS
        if original is None:
            height, width = frame.shape[:2]
            whole = (slice(0, height), slice(0, width))
            original = (
                Original.of(picture, whole) if portrait is None else Original.of_portrait(portrait, height, width)
            )
        ends_clip = number % clip_frames == clip_frames - 1
        yield FrameMeasures(
            frame=number,
            is_seam=is_seam(number, clip_frames),
            change=None if before is None else change_between(before, frame),
            similarity=original.similarity(picture),
            sharpness=original.sharpness(picture),
            colour_drift=original.colour_drift(picture),
            identity=_likeness(faces, picture, known) if ends_clip and known is not None else None,
        )
        before = frame


def _likeness(faces: FaceFinder, picture: Tensor, known: Tensor) -> float | None:
    """Of the largest face; None if there is none with an embedding."""
    embedding = face_embedding(faces, picture)
    return None if embedding is None else float(torch.cosine_similarity(embedding, known, dim=0))
