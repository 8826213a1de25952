"""Stage 1 of the paper's training (§4.4): appearance, from pairs of frames of the same clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from einops import rearrange
from torch import nn

from ..animation.noise_schedule import TRAINING_STEPS
from ..config import PIXELS_PER_LATENT
from .clip_records import FACE_BOX, LATENTS, MASKS, face_region_of, identity_of, mask_levels
from .denoiser_objective import ObjectiveSettings
from .draws import sample_generator
from .picture_objective import PictureObjective, PortraitPairs
from .records import RecordShards
from .released_model import ModelSettings


@dataclass(frozen=True)
class PictureStageSettings:
    clips: str  # a folder of shards, as `clip_records` makes them, or a TOML file of several data sets
    validation_clips: str
    vae: str  # the file that encoded the clips' latents; only compared with them
    model: ModelSettings = field(kw_only=True)
    uncond_ratio: float = 0.1  # of the pictures without portrait, identity and face region
    least_distance_frames: int = 30  # between picture and portrait, or half of a shorter clip (release: 30)
    noise_offset: float = 0.0  # deviation of each channel's own offset of the noise (release: 0.05)
    validation_samples: int = 32
    validation_batch_size: int = 4
    objective: ObjectiveSettings = field(default_factory=lambda: ObjectiveSettings(lip_weight=0.0))


class PictureStage:
    name = "stage1"

    def __init__(self, network: PictureObjective, settings: PictureStageSettings, clips: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        self.network = network
        self._settings = settings
        self._clips = clips
        self._held_back = held_back
        self._seed = seed

    def batch(self, numbers: Sequence[int]) -> PortraitPairs:
        return self._pairs(self._clips, numbers, self._seed)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return not name.startswith(("denoising_unet.conv_in", "denoising_unet.conv_out", "reference_net.conv_in"))

    def validate(self) -> Mapping[str, float]:
        """The loss on held-back pairs, always the same ones with the same noise."""
        device = next(self.network.parameters()).device
        pairs, at_once = self._settings.validation_samples, self._settings.validation_batch_size
        total = 0.0
        for first in range(0, pairs, at_once):
            numbers = range(first, min(first + at_once, pairs))
            batch = self._pairs(self._held_back, numbers, self._seed + 1)
            total += float(self.network(batch.to(device))["loss"]) * len(numbers)
        return {"loss": total / pairs}

    def _pairs(self, records: RecordShards, numbers: Sequence[int], seed: int) -> PortraitPairs:
        """One batch; the pictures without conditions come first."""
        pairs = sorted((self._pair(records, number, seed) for number in numbers), key=lambda pair: pair.seeing)
        return PortraitPairs(
            latents=torch.cat([pair.latents for pair in pairs]),
            noise=torch.cat([pair.noise for pair in pairs]),
            timesteps=torch.cat([pair.timesteps for pair in pairs]),
            reference=torch.cat([pair.reference for pair in pairs]),
            face_region=torch.cat([pair.face_region for pair in pairs]),
            face=torch.cat([pair.face for pair in pairs]),
            lips=torch.cat([pair.lips for pair in pairs]),
            identity=torch.cat([pair.identity for pair in pairs]),
            seeing=sum(pair.seeing for pair in pairs),
        )

    def _pair(self, records: RecordShards, number: int, seed: int) -> PortraitPairs:
        """Of one picture."""
        settings, draws = self._settings, sample_generator(seed, number, "stage1")

        def draw(limit: int) -> int:
            return int(torch.randint(limit, (), generator=draws))

        record = draw(len(records))
        length = records.rows(record, LATENTS)
        portrait = draw(length)
        distance = min(settings.least_distance_frames, (length - 1) // 2)
        others = [frame for frame in range(length) if abs(frame - portrait) >= distance]
        frame = others[draw(len(others))]
        latents = records.read(record, LATENTS, slice(frame, frame + 1)).float()
        height, width = latents.shape[-2:]
        noise = torch.randn(latents.shape, generator=draws)
        if settings.noise_offset:
            noise = noise + settings.noise_offset * torch.randn((*latents.shape[:2], 1, 1), generator=draws)
        size_px = height * PIXELS_PER_LATENT
        _, face, lips = rearrange(
            mask_levels(records.read(record, MASKS, frame), size_px)[0], "r (h w) -> r h w", w=width
        )
        return PortraitPairs(
            latents=latents,
            noise=noise,
            timesteps=torch.tensor([draw(TRAINING_STEPS)]),
            reference=records.read(record, LATENTS, slice(portrait, portrait + 1)).float(),
            face_region=face_region_of(records.read(record, FACE_BOX, portrait), size_px).unsqueeze(0),
            face=face.unsqueeze(0),
            lips=lips.unsqueeze(0),
            identity=identity_of(records, record).unsqueeze(0),
            seeing=int(torch.rand((), generator=draws) >= settings.uncond_ratio),
        )
