"""Clips from records, as training and sampling take them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..audio.speech_embeddings import WINDOW_REACH
from .clip_batch import Clip
from .clip_records import (
    FACE_BOX,
    FEATURES,
    FRAMES,
    LATENTS,
    MASKS,
    face_region_of,
    identity_of,
    mask_levels,
    speech_windows,
)
from .records import RecordShards

PORTRAIT = (FRAMES, LATENTS, MASKS, FACE_BOX)  # what a clip needs of its portrait


def portrait_of(records: RecordShards, record: int, frame: int) -> Mapping[str, Tensor]:
    """One frame of a record, without the axis of frames."""
    return {name: records.read(record, name, frame) for name in PORTRAIT}


def clip_of(
    records: RecordShards,
    record: int,
    first: int,
    portrait: Mapping[str, Tensor],
    latents: Tensor,
    noise: Tensor,
    motion_pixels: Tensor,
) -> Clip:
    """The clip of a record that begins at frame `first`, with the record's speech and identity.

    portrait: as `portrait_of`; it may be of another record.  latents, noise: (f 4 h w).
    motion_pixels: (m 3 H W), -1..1.
    """
    size_px = motion_pixels.shape[-1]
    return Clip(
        latents=latents,
        noise=noise,
        reference=portrait[LATENTS].float(),
        motion_pixels=motion_pixels,
        face_region=face_region_of(portrait[FACE_BOX], size_px),
        masks=mask_levels(portrait[MASKS], size_px),
        windows=speech_windows(records.read(record, FEATURES).float(), first, len(latents), WINDOW_REACH),
        identity=identity_of(records, record),
    )
