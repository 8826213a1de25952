"""Initial weights of the upscaler."""

from __future__ import annotations

import torch
from torch import nn

from ...models.upscaler.codebook import VectorTable
from ...models.upscaler.video_restorer import VideoRestorer
from .color_path import open_color_path

# The last layer of each residual branch, and of the fusion: zero, so that all of them begin as the identity.
LAST_LAYERS = ("conv2.weight", "proj_out.weight", "to_out.weight", "linear2.weight", "scale.2.weight", "shift.2.weight")


@torch.no_grad()
def fill_with_fresh_weights(restorer: VideoRestorer, seed: int) -> None:
    """In place, on the CPU.

    Convolutions begin delta-orthogonal (Xiao et al., 2018): an orthogonal matrix in the middle, and zeros around it.
    Colors pass from end to end, see `color_path`.
    """
    torch.manual_seed(seed)
    for name, parameter in restorer.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.ndim == 4:
            nn.init.zeros_(parameter)
            middle = parameter.shape[-1] // 2
            nn.init.orthogonal_(parameter[:, :, middle, middle])
        elif parameter.ndim == 2:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
        if name.endswith(LAST_LAYERS):
            nn.init.zeros_(parameter)
    for module in restorer.modules():
        if isinstance(module, VectorTable):
            nn.init.normal_(module.weight)
    nn.init.normal_(restorer.position_embedding.weight, std=0.1)
    open_color_path(restorer)
