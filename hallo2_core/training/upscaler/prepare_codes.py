"""Face clips as the alignment learns from them: the frozen encoder's features of what is seen, and the true codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..data_settings import claim_folder, code_settings
from ..draws import sample_generator
from ..prepare_faces import FRAMES, SEEN
from ..records import RecordShards, missing_shards
from ..vae_stage import pixels_of
from .code_losses import true_codes
from .degradation import DegradationSettings, degraded, enlarged

FEATURES, CODES = "features", "codes"
RECORDS_PER_SHARD = 8


def prepare_face_codes(
    folder: Path, clips_folder: Path, restorer: VideoRestorer, sharp_encoder: Encoder, settings: DegradationSettings
) -> Iterator[Path]:
    """Yield each finished shard, see `missing_shards`: records of "features" (f c s s) float16 and "codes" (f l) int16,
    one for each clip.

    clips_folder: of `prepare_face_clips`. sharp_encoder: of the autoencoder, which gives the codes; on the device of
    the restorer, where the work is done.
    Errors: SettingsError if there are no clips, or the folder's codes were made of others or with other weights.
    """
    clips = RecordShards(clips_folder)
    claim_folder(folder, code_settings(clips_folder, restorer, sharp_encoder, asdict(settings)))
    return missing_shards(
        folder,
        "face_codes",
        range(len(clips)),
        RECORDS_PER_SHARD,
        lambda number: [_record(clips, number, restorer, sharp_encoder, settings)],
    )


@torch.no_grad()
def _record(
    clips: RecordShards, number: int, restorer: VideoRestorer, sharp_encoder: Encoder, settings: DegradationSettings
) -> dict[str, Tensor]:
    draws = sample_generator(0, number, "face codes")
    device = next(restorer.parameters()).device
    given = enlarged(degraded(clips.read(number, SEEN), settings, draws).to(device), restorer.config.side_px)
    features = restorer.encode(given.unsqueeze(0), fidelity=0.0).features[0]
    true = pixels_of(clips.read(number, FRAMES).to(device))
    codes = torch.cat([true_codes(frame, sharp_encoder, restorer) for frame in true.split(1)])
    return {FEATURES: features.half().cpu(), CODES: codes.short().cpu()}
