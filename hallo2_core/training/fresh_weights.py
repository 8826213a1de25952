"""Initial weights of the small model's networks."""

from __future__ import annotations

import torch
from torch import nn

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
        for name, module in network.named_modules():
            if isinstance(module, PositionTable):
                module.pe.copy_(sinusoidal_positions(*module.pe.shape[1:]))
            elif hasattr(module, "reset_parameters"):
                module.reset_parameters()
            if name.endswith(("conv2", "temporal_transformer.proj_out", "face_locator.conv_out")):
                nn.init.zeros_(module.weight)
                nn.init.zeros_(module.bias)
    unet = models.denoising_unet
    nn.init.zeros_(unet.conv_out.weight)
    nn.init.zeros_(unet.conv_out.bias)
    for name, module in unet.named_modules():
        if name.endswith("transformer_blocks.0.attn1") and "audio_modules" not in name:
            module.to_k.weight.copy_(module.to_q.weight)
    own = models.reference_net.state_dict()
    models.reference_net.load_state_dict({key: value for key, value in unet.state_dict().items() if key in own})
