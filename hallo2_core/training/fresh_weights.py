"""Initial weights: of all of the small model's networks, and of what Stable Diffusion has no weights for."""

from __future__ import annotations

import torch
from torch import nn

from ..checkpoints.picture_model import added_modules
from ..checkpoints.seeded import sinusoidal_positions
from ..models.hallo2_models import Hallo2Models
from ..models.motion_module import PositionTable


@torch.no_grad()
def fill_with_fresh_weights(models: Hallo2Models, seed: int) -> None:
    """In place; the networks are on the CPU.

    ReferenceNet starts as a copy of the denoising UNet, and the keys of self-attention as its queries: from the first
    step on, a position attends to similar ones in the portrait. Motion modules start as the identity, as AnimateDiff's.
    Audio modules do not start at zero, unlike the release's: the small model has no pretrained picture model to keep.
    """
    torch.manual_seed(seed)
    networks = (models.denoising_unet, models.reference_net, models.face_locator, models.image_projection)
    for network in (*networks, models.audio_projection):
        _reset(network)
        for name, module in network.named_modules():
            if name.endswith(("conv2", "temporal_transformer.proj_out")):
                _zero(module)
    unet = models.denoising_unet
    _zero(unet.conv_out)
    for name, module in unet.named_modules():
        if name.endswith("transformer_blocks.0.attn1") and "audio_modules" not in name:
            module.to_k.weight.copy_(module.to_q.weight)
    own = models.reference_net.state_dict()
    models.reference_net.load_state_dict({key: value for key, value in unet.state_dict().items() if key in own})


@torch.no_grad()
def fill_added_parts(models: Hallo2Models, seed: int) -> None:
    """Audio and motion modules, face locator and projections, in place, for networks on the meta device whose other
    parts come from a file.

    Audio and motion modules and the face locator end in a layer of zeros, so the model begins as the picture model that
    it was. One such layer is enough: the audio modules' zero convolutions, which lie before it, begin with ordinary
    values, or neither of the two would get a gradient.
    """
    torch.manual_seed(seed)
    for module in added_modules(models.denoising_unet).values():
        transformer = _reset(module.to_empty(device="cpu"))
        _zero(getattr(transformer, "temporal_transformer", transformer).proj_out)
    _zero(_reset(models.face_locator.to_empty(device="cpu")).conv_out)
    for projection in (models.image_projection, models.audio_projection):
        _reset(projection.to_empty(device="cpu"))


def _reset(network: nn.Module) -> nn.Module:
    """Torch's initial weights, and the position tables."""
    for module in network.modules():
        if isinstance(module, PositionTable):
            module.pe.copy_(sinusoidal_positions(*module.pe.shape[1:]))
        elif hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return network


def _zero(layer: nn.Module) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
