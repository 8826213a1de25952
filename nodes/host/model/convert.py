"""A Hallo2 model as a host MODEL, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import comfy.model_patcher

from ....hallo2_core.checkpoints.networks import with_new_networks
from ....hallo2_core.errors import SettingsError
from ....hallo2_core.jobs.fingerprint import fingerprint
from ....hallo2_core.models.hallo2_models import Hallo2Models
from ..networks import Managed, build_of, patcher_of, with_networks
from .description import acting
from .host_steps import HostSteps
from .unet_model import UNetModel
from .unsupported import check_supported

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

NETWORK = "denoising_unet"


def to_host_model(held: Managed[Hallo2Models], disable_dynamic: bool = False) -> ModelPatcher:
    """The denoising UNet as a MODEL: a second module with the memory of the first one's weights, because the host
    manages each module by itself. disable_dynamic: as in the host's own loaders, for its nodes that need it.
    Errors: SettingsError."""
    check_free_of_host_nodes(held)
    build = build_of(held.payload.denoising_unet)
    models = with_new_networks(held.payload, (NETWORK,), build)
    model = UNetModel(replace(held, payload=models), models.denoising_unet, build.attention, build.device)
    patcher = patcher_of(model, comfy.model_patcher.ModelPatcher if disable_dynamic else None)
    patcher.cached_patcher_init = (to_host_model, (held,))  # newer hosts make a MODEL anew if a node needs it whole
    return patcher


def from_host_model(patcher: ModelPatcher) -> Managed[Hallo2Models]:
    """The Hallo2 model of a MODEL, with the nodes that act on it. Errors: SettingsError for those that cannot."""
    check_supported(patcher)
    held, acts = patcher.model.held, acting(patcher)
    models = held.payload
    if acts:
        models = replace(models, fingerprint=fingerprint(models.fingerprint, acts), run_steps=HostSteps(patcher))
    others = [network for network in models.networks if network is not models.denoising_unet]
    return replace(held, payload=models, patchers=(patcher, *with_networks(held, models, *others).patchers))


def check_free_of_host_nodes(held: Managed[Hallo2Models]) -> None:
    """For what replaces the UNet. Errors: SettingsError if nodes already act on the one that is there."""
    if isinstance(held.payload.run_steps, HostSteps):
        raise SettingsError(
            "This model comes from 'Model from ComfyUI (Hallo2)', whose nodes act on its weights as they are. Connect "
            "this node before 'Model to ComfyUI (Hallo2)'."
        )
