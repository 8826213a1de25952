"""The paper's two stages (§4.4), for networks of the released model's size: from tables of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from ..errors import SettingsError
from .clip_records import LATENTS
from .clip_sources import clip_records_of
from .config_file import settings_from
from .denoiser_objective import ObjectiveSettings
from .joint_objective import JointObjective
from .joint_stage import ClipSettings, JointStage
from .loop import Stage
from .lora import add_lora_layers
from .picture_objective import PictureObjective
from .picture_stage import PictureStage, PictureStageSettings
from .records import RecordShards
from .released_model import ModelSettings, released_model, released_vae
from .sampled_clips import SamplingSettings
from .stage_parts import makes_motion, makes_pictures


@dataclass(frozen=True)
class MotionStageSettings(ClipSettings):
    """Stage 2, with the release's ratios. A clip that has neither image nor sound is what guidance needs; the release
    has a ratio for it, which nothing reads."""

    model: ModelSettings = field(kw_only=True)
    uncond_ratio: float = 0.05
    uncond_image_ratio: float = 0.05
    uncond_audio_ratio: float = 0.05
    portrait_motion_ratio: float = 0.0
    start_ratio: float = 0.05
    validation_batch_size: int = 1
    objective: ObjectiveSettings = field(default_factory=lambda: ObjectiveSettings(lip_weight=0.0))
    sampling: SamplingSettings = field(default_factory=lambda: SamplingSettings(clips=0))  # no drawn truth to compare
    video: SamplingSettings = field(
        default_factory=lambda: SamplingSettings(clips=1, first_frame=0, steps=20, guidance=3.5)
    )


class MotionStage(JointStage):
    """Stage 2: motion and audio modules; everything else is frozen."""

    name = "stage2"


def picture_stage(table: Mapping[str, Any], seed: int, where: str) -> Stage:
    """Stage 1."""
    settings = settings_from(PictureStageSettings, table, where)
    vae = released_vae(settings.vae)
    clips, held_back = (clip_records_of(where, vae) for where in (settings.clips, settings.validation_clips))
    models = released_model(settings.model, makes_pictures, seed)
    network = PictureObjective(models, settings.objective, settings.model.trains(makes_pictures), settings.model.run)
    adapt(network, makes_pictures, settings.model, seed)
    return PictureStage(network, settings, clips, held_back, seed)


def motion_stage(table: Mapping[str, Any], seed: int, where: str) -> Stage:
    """Stage 2."""
    settings = settings_from(MotionStageSettings, table, where)
    vae = released_vae(settings.vae)
    clips, held_back = (clip_records_of(where, vae) for where in (settings.clips, settings.validation_clips))
    _check_videos(settings.video, held_back)
    models = released_model(settings.model, makes_motion, seed)
    trains, run = settings.model.trains(makes_motion), settings.model.run
    network = JointObjective(models, vae, settings.objective, trains, run)
    adapt(network, makes_motion, settings.model, seed)
    return MotionStage(network, settings, clips, held_back, seed)


def adapt(network: nn.Module, stage: Callable[[str], bool], model: ModelSettings, seed: int) -> None:
    """With lora_rank: train updates of the linear layers that the stage would train."""
    if model.lora_rank:
        add_lora_layers(network, stage, model.lora_rank, model.lora_alpha or float(model.lora_rank), seed)


def _check_videos(video: SamplingSettings, held_back: RecordShards) -> None:
    """Before the training rather than when the first video is sampled."""
    for number in range(min(video.clips, len(held_back))):
        length = held_back.rows(number, LATENTS)
        if length < video.first_frame + video.frames:
            raise SettingsError(
                f"Clip {number} of validation_clips has {length} frames, but the sampled video takes {video.frames} "
                f"from frame {video.first_frame} on. Choose fewer in the table 'video'."
            )
