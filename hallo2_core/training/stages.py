"""The stages by name: from a configuration's table to a stage of the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ..checkpoints.build import open_hallo2
from ..checkpoints.networks import with_fingerprint
from ..checkpoints.small_model import SMALL_HALLO2, SMALL_TEXT
from ..checkpoints.text_control import load_text_adapter, new_text_adapter
from ..config import TextControlConfig
from ..errors import CheckpointError, SettingsError
from ..jobs.fingerprint import fingerprint
from ..models.text_control import TextControl
from .clip_records import MOUTH_TRUTH
from .clip_sources import clip_records_of
from .config_file import read_config, settings_from
from .denoiser_objective import is_idle
from .distil_objective import DistilObjective
from .distil_stage import DistilStage, DistilStageSettings
from .fresh_weights import fill_with_fresh_weights
from .joint_objective import JointObjective
from .joint_stage import JointStage, JointStageSettings
from .joint_text_stage import JointTextStage, JointTextStageSettings
from .loop import Stage
from .paper_stages import adapt, motion_stage, picture_stage
from .records import RecordShards
from .released_model import released_model, released_vae
from .settings import TrainSettings
from .small_networks import FULL_PRECISION, small_hallo2, small_speech_encoder, small_text_encoder, small_vae
from .speech_stage import SpeechStage, SpeechStageSettings
from .stage_parts import is_distilled
from .text_encoder_stage import TextEncoderStage, TextEncoderStageSettings
from .text_objective import PromptedClip, TextObjective
from .text_stage import TextStage, TextStageSettings
from .upscaler.stages import UPSCALER_STAGES
from .vae_stage import VAEStage, VAEStageSettings, fresh_vae_weights


def configured(stage: str, path: Path) -> tuple[TrainSettings, Mapping[str, Any]]:
    """The loop's settings and the stage's own table. Errors: SettingsError."""
    config = read_config(path)
    tables = {key for key, value in config.items() if isinstance(value, Mapping)}
    if tables != {stage}:
        found = ", ".join(f"[{name}]" for name in sorted(tables)) or "no table"
        raise SettingsError(f"{path.name} has {found}; the stage {stage} needs the single table [{stage}].")
    general = {key: value for key, value in config.items() if key not in tables}
    return settings_from(TrainSettings, general, path.name), config[stage]


def configured_stage(stage: str, path: Path) -> tuple[Stage, TrainSettings]:
    """A stage ready for the loop, by its configuration. Errors: Hallo2Error."""
    settings, table = configured(stage, path)
    return STAGES[stage](table, settings.seed, f"{path.name} [{stage}]"), settings


def vae_stage(table: Mapping[str, Any], seed: int, where: str) -> Stage:
    settings = settings_from(VAEStageSettings, table, where)
    vae = small_vae(settings.weights)
    if not settings.weights:
        fresh_vae_weights(vae, seed)
    frames, held_back = RecordShards(settings.frames), RecordShards(settings.validation_frames)
    return VAEStage(vae, settings, frames, held_back, seed)


def speech_stage(table: Mapping[str, Any], seed: int, where: str) -> Stage:
    settings = settings_from(SpeechStageSettings, table, where)
    torch.manual_seed(seed)
    encoder = small_speech_encoder(settings.weights)
    performances, held_back = RecordShards(settings.performances), RecordShards(settings.validation_performances)
    return SpeechStage(encoder, settings, performances, held_back, seed)


def joint_stage(table: Mapping[str, Any], seed: int, where: str) -> JointStage:
    return _joint_stage(settings_from(JointStageSettings, table, where), seed)


def _joint_stage(settings: JointStageSettings, seed: int) -> JointStage:
    models = small_hallo2(settings.weights)
    if not settings.weights:
        fill_with_fresh_weights(models, seed)
    vae = small_vae(settings.vae)
    clips, held_back = (clip_records_of(where, vae) for where in (settings.clips, settings.validation_clips))
    if settings.sampling.clips and not held_back.has(0, MOUTH_TRUTH):
        raise SettingsError(
            f"{settings.validation_clips} has filmed clips, whose true mouths are unknown, so sampled clips cannot be "
            "scored. Set clips = 0 in [joint.sampling], or validate on clips of 'hallo2 prepare clips'."
        )
    return JointStage(JointObjective(models, vae, settings.objective), settings, clips, held_back, seed)


def text_encoder_stage(table: Mapping[str, Any], seed: int, where: str) -> Stage:
    settings = settings_from(TextEncoderStageSettings, table, where)
    torch.manual_seed(seed)
    return TextEncoderStage(small_text_encoder(settings.weights), seed)


def text_stage(table: Mapping[str, Any], seed: int, where: str) -> TextStage:
    settings = settings_from(TextStageSettings, table, where)
    models, vae = small_hallo2(settings.model), small_vae(settings.vae)
    return _text_stage(
        settings, TextObjective(JointObjective(models, vae, settings.objective), _control(settings)), seed
    )


def _text_stage(settings: TextStageSettings, network: TextObjective, seed: int) -> TextStage:
    vae = network.model.vae
    clips, held_back = (clip_records_of(where, vae) for where in (settings.clips, settings.validation_clips))
    takes = clip_records_of(settings.takes, vae) if settings.takes else None
    encoder = small_text_encoder(settings.text_encoder)
    return TextStage(network, encoder, settings, clips, held_back, seed, takes)


def _control(settings: TextStageSettings) -> TextControl:
    unet = SMALL_HALLO2.unet
    config = TextControlConfig(unet.block_widths, unet.layers_per_block, SMALL_TEXT.text_width, settings.hidden_width)
    adapter = load_text_adapter(settings.weights, FULL_PRECISION) if settings.weights else new_text_adapter(config)
    if adapter.config != config:
        raise CheckpointError(
            f"{settings.weights} is an adapter with {adapter.config}; this stage trains one with {config}. Choose "
            f"another for weights, or another hidden_width."
        )
    return adapter.control


def joint_text_stage(table: Mapping[str, Any], seed: int, where: str) -> JointTextStage:
    settings = settings_from(JointTextStageSettings, table, where)
    joint = _joint_stage(settings.joint, seed)
    network = TextObjective(joint.network, _control(settings.text), trains_model=True)
    return JointTextStage(joint, _text_stage(settings.text, network, seed))


def distil_stage(table: Mapping[str, Any], seed: int, where: str) -> DistilStage:
    settings = settings_from(DistilStageSettings, table, where)
    _, found = open_hallo2(settings.model.weights)
    is_small = found.unet.block_widths == SMALL_HALLO2.unet.block_widths
    models = released_model(settings.model, lambda _: False, seed, SMALL_HALLO2 if is_small else found)
    vae = small_vae(settings.vae) if is_small else released_vae(settings.vae)
    clips, held_back = (clip_records_of(where, vae) for where in (settings.clips, settings.validation_clips))
    model = JointObjective(models, vae, settings.objective, lambda _: False, settings.model.run)
    joint = JointStage(model, settings.of_student, clips, held_back, seed)
    asked, control = settings.prompts, None
    samples = lambda number: PromptedClip.without_prompt(joint.sample(number), 0)  # noqa: E731
    if asked.adapter:
        text = TextStageSettings(
            settings.clips, settings.validation_clips, settings.vae, settings.model.weights, asked.text_encoder,
            asked.takes, weights=asked.adapter, frames=settings.frames, motion_frames=settings.motion_frames,
        )  # fmt: skip
        control = _control(text)
        samples = JointTextStage(joint, _text_stage(text, TextObjective(model, control), seed)).sample
    of_paths = (settings.teacher, settings.prompts, settings.clips, settings.validation_clips, settings.frames,
                settings.motion_frames, settings.portrait_motion_ratio, settings.start_ratio,
                settings.corrupt_motion_frames, seed)  # fmt: skip
    folder = Path(settings.path_folder) / fingerprint(with_fingerprint(models).fingerprint, of_paths)[:12]
    adapt(model, lambda name: is_distilled(name) and not is_idle(name, models), settings.model, seed)
    return DistilStage(DistilObjective(model, control), settings, joint, samples, folder, seed)


STAGES: dict[str, Callable[[Mapping[str, Any], int, str], Stage]] = {
    "vae": vae_stage,
    "speech": speech_stage,
    "joint": joint_stage,
    "stage1": picture_stage,
    "stage2": motion_stage,
    **UPSCALER_STAGES,
    "text_encoder": text_encoder_stage,
    "text": text_stage,
    "joint_text": joint_text_stage,
    "distil": distil_stage,
}
