"""The stages by name: from a configuration's table to a stage of the loop, and to a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..checkpoints.build import open_hallo2
from ..checkpoints.lora import write_lora
from ..checkpoints.networks import PREFIXES, hallo2_networks, with_fingerprint
from ..checkpoints.read import read_tensors
from ..checkpoints.small_model import SMALL_HALLO2, SMALL_TEXT, SMALL_VAE, SMALL_WAV2VEC
from ..checkpoints.text_control import SMALL_EMBEDDING, load_text_adapter, metadata_of, new_text_adapter
from ..config import TextControlConfig
from ..errors import CheckpointError, SettingsError
from ..jobs.fingerprint import fingerprint
from ..models.hallo2_models import FewSteps, Hallo2Models
from ..models.layers import Build
from ..models.text_control import TextControl
from ..models.text_encoder import TextTransformer
from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from ..storage.durable import replacing
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
from .lora import lora_alpha, lora_tensors
from .paper_stages import adapt, motion_stage, picture_stage
from .plain_attention import plain_attention
from .records import RecordShards
from .released_model import released_model, released_vae
from .settings import TrainSettings
from .speech_stage import SpeechStage, SpeechStageSettings
from .stage_parts import is_distilled
from .text_encoder_stage import TextEncoderStage, TextEncoderStageSettings
from .text_objective import PromptedClip, TextObjective
from .text_stage import TextStage, TextStageSettings
from .upscaler.stages import UPSCALER_STAGES, UpscalerStage, upscaler_tensors
from .vae_stage import FRAMES, VAEStage, VAEStageSettings, fresh_vae_weights, normalize_latents, pixels_of

FULL_PRECISION = Build(dtype=torch.float32, attention=plain_attention)
NORMALIZING_RECORDS = 64  # from which the latents' mean and standard deviation are computed


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
                settings.motion_frames, settings.portrait_motion_ratio, settings.start_ratio, seed)  # fmt: skip
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


def small_vae(path: str = "") -> AutoencoderKL:
    """path: of its file; "" leaves torch's initial weights."""
    vae = AutoencoderKL(SMALL_VAE, FULL_PRECISION)
    return _filled(vae, path) if path else vae


def small_speech_encoder(path: str = "") -> SpeechEncoder:
    encoder = SpeechEncoder(SMALL_WAV2VEC)
    if path:
        _filled(encoder.wav2vec, path)
    return encoder


def small_text_encoder(path: str = "") -> TextTransformer:
    encoder = TextTransformer(SMALL_TEXT, FULL_PRECISION)
    return _filled(encoder, path) if path else encoder


def small_hallo2(path: str = "") -> Hallo2Models:
    models = hallo2_networks(SMALL_HALLO2, FULL_PRECISION)
    if path:
        tensors = _read(path)
        for name, prefix in PREFIXES.items():
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            _fill(getattr(models, name), own, path)
    return models


def stage_tensors(stage: Stage) -> dict[str, Tensor]:
    """The stage's weights under the names of their files: diffusers' for the VAE, transformers' for the speech encoder,
    net_g.pth's for the upscaler, net.pth's for the rest. If a VAE's encoder was trained, its latents are normalized
    first."""
    if isinstance(stage, VAEStage):
        if not stage.settings.frozen_encoder:
            some = range(0, len(stage.frames), max(len(stage.frames) // NORMALIZING_RECORDS, 1))
            normalize_latents(stage.network.vae, [pixels_of(stage.frames.read(n, FRAMES)) for n in some])
        return stage.network.vae.state_dict()
    if isinstance(stage, UpscalerStage):
        return upscaler_tensors(stage)
    if isinstance(stage, SpeechStage):
        return stage.network.encoder.wav2vec.state_dict()
    if isinstance(stage, TextEncoderStage):
        return stage.network.encoder.state_dict()
    if isinstance(stage, TextStage):
        return stage.network.control.state_dict()
    network = stage.network.model if isinstance(stage, JointTextStage) else stage.network
    return {
        prefix + key: value
        for name, prefix in PREFIXES.items()
        for key, value in getattr(network, name).state_dict().items()
    }


def export_stage(stage: Stage, path: Path) -> None:
    """The stage's weights; of one with LoRA layers, these alone. An adapter that was trained along with its model gets
    a file beside the model's, `adapter_beside`."""
    alpha = lora_alpha(stage.network)
    if isinstance(stage, DistilStage):
        write_lora(lora_tensors(stage.network.model), alpha, path, few_steps=FewSteps(stage.settings.steps))
    elif alpha is not None:
        write_lora(lora_tensors(stage.network), alpha, path)
    elif isinstance(stage, TextStage):
        write_adapter(stage.network.control, path)
    else:
        write_weights(stage_tensors(stage), path)
        if isinstance(stage, JointTextStage):
            write_adapter(stage.network.control, adapter_beside(path))


def adapter_beside(model: Path) -> Path:
    return model.with_name(f"{model.stem}_text_adapter{model.suffix}")


def write_adapter(control: TextControl, path: Path) -> None:
    write_weights(control.state_dict(), path, metadata=metadata_of(control.config, SMALL_EMBEDDING))


def write_weights(
    tensors: Mapping[str, Tensor],
    path: Path,
    dtype: torch.dtype = torch.float16,
    metadata: Mapping[str, str] | None = None,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {key: value.detach().to("cpu", dtype).contiguous() for key, value in tensors.items()}
    with replacing(path) as part:
        save_file(stored, part, metadata)


def _filled(network: nn.Module, path: str) -> nn.Module:
    _fill(network, _read(path), path)
    return network


def _read(path: str) -> dict[str, Tensor]:
    weights = read_tensors(path)
    return {key: weights.take(key, torch.float32) for key in weights}


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], path: str) -> None:
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} does not hold the small model's weights ({reason}). Choose another.") from error
