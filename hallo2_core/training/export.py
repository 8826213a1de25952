"""From a trained stage to files of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..checkpoints.lora import write_lora
from ..checkpoints.networks import PREFIXES
from ..checkpoints.text_control import SMALL_EMBEDDING, metadata_of
from ..models.hallo2_models import FewSteps
from ..models.text_control import TextControl
from ..storage.durable import replacing
from .distil_stage import DistilStage
from .joint_text_stage import JointTextStage
from .loop import Stage
from .lora import lora_alpha, lora_tensors
from .speech_stage import SpeechStage
from .text_encoder_stage import TextEncoderStage
from .text_stage import TextStage
from .upscaler.stages import UpscalerStage, upscaler_tensors
from .vae_stage import FRAMES, VAEStage, normalize_latents, pixels_of

NORMALIZING_RECORDS = 64  # from which the latents' mean and standard deviation are computed


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
        write_adapter(stage.network.control, path, stage.prompt_gain)
    else:
        write_weights(stage_tensors(stage), path)
        if isinstance(stage, JointTextStage):
            write_adapter(stage.network.control, adapter_beside(path), stage.prompt_gain)


def adapter_beside(model: Path) -> Path:
    return model.with_name(f"{model.stem}_text_adapter{model.suffix}")


def write_adapter(control: TextControl, path: Path, gain: float = 1.0) -> None:
    """gain: of every scale and shift, which the second layers make."""
    tensors = {name: x * gain if ".linear_2." in name else x for name, x in control.state_dict().items()}
    write_weights(tensors, path, metadata=metadata_of(control.config, SMALL_EMBEDDING))


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
