"""Networks of the released model's size, with the weights that a stage begins with.

Trained weights are float32. Frozen matrices have half as many bits, and are cast to the dtype of the arithmetic when
they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..checkpoints.build import fill_hallo2, load_vae, open_hallo2
from ..checkpoints.motion_modules import fill_with_motion_modules
from ..checkpoints.networks import PREFIXES, hallo2_networks
from ..checkpoints.picture_model import fill_with_picture_model
from ..config import Hallo2Config
from ..errors import SettingsError
from ..models import casting
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..models.running import RunLayer, directly, recomputed
from ..models.vae import AutoencoderKL
from .denoiser_objective import is_idle
from .fresh_weights import fill_added_parts
from .plain_attention import plain_attention

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class ModelSettings:
    """The model that a stage trains: a whole one, or a picture model; and how."""

    weights: str = ""  # net.pth, its safetensors, or what a stage exported
    unet: str = ""  # instead of a whole model, Stable Diffusion 1.5: diffusers' UNet, or a whole checkpoint
    motion_module: str = ""  # AnimateDiff's, or diffusers' motion adapter; replaces the model's
    frozen_dtype: str = "fp16"  # of frozen matrices. net.pth is in fp16, so they are exported as they were, to the bit
    gradient_checkpointing: bool = True
    lora_rank: int = 0  # train updates of this rank instead of the weights; 0: the weights
    lora_alpha: float = 0.0  # updates are multiplied by alpha / rank; 0: alpha is the rank

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.unet):
            raise SettingsError(
                "A stage begins with one model: in its table 'model', name either weights (net.pth, or what a stage "
                "exported) or unet (Stable Diffusion 1.5)."
            )
        if self.frozen_dtype not in DTYPES:
            raise SettingsError(f"frozen_dtype is '{self.frozen_dtype}'; choose one of {', '.join(DTYPES)}.")
        if self.lora_rank < 0:
            raise SettingsError(f"lora_rank is {self.lora_rank}; choose 0 (train the weights) or more.")

    @property
    def run(self) -> RunLayer:
        return recomputed if self.gradient_checkpointing else directly

    def trains(self, stage: Callable[[str], bool]) -> Callable[[str], bool]:
        """Of a model in which `stage` names the weights to train, those that have to be kept in float32."""
        return (lambda _: False) if self.lora_rank else stage


def released_model(
    settings: ModelSettings, stage: Callable[[str], bool], seed: int, config: Hallo2Config | None = None
) -> Hallo2Models:
    """stage: whether the stage trains the parameter of this name.  seed: of the parts that no file has.  config: None:
    that of the file of weights, or of the released model if it begins with a picture model.

    Errors: CheckpointError, SettingsError.
    """
    trains, frozen = settings.trains(stage), DTYPES[settings.frozen_dtype]
    weights, found = open_hallo2(settings.weights) if settings.weights else (None, None)
    config = config or found or Hallo2Config()
    models = hallo2_networks(config, ON_META)
    _set_dtypes(models, trains, frozen)
    if weights is None:
        fill_with_picture_model(models, settings.unet)
        fill_added_parts(models, seed)
    else:
        fill_hallo2(models, weights, Build())
    if settings.motion_module:
        fill_with_motion_modules(models, settings.motion_module)
    return models


def released_vae(path: str) -> AutoencoderKL:
    """In float32, as the one that prepares clips. Errors: CheckpointError."""
    return load_vae(path, Build(operations=casting, dtype=torch.float32))


ON_META = Build(operations=casting, attention=plain_attention, dtype=torch.float32, device="meta")


def _set_dtypes(models: Hallo2Models, trains: Callable[[str], bool], frozen: torch.dtype) -> None:
    """Of parameters on the meta device. Vectors (norms, biases) stay in float32: they are small."""
    for network in PREFIXES:
        for key, parameter in getattr(models, network).named_parameters():
            name = f"{network}.{key}"
            if parameter.ndim > 1 and (is_idle(name, models) or not trains(name)):
                parameter.data = parameter.data.to(frozen)
