"""Weights of Stable Diffusion 1.x for both UNets, where training begins (paper §4.4).

The file is diffusers' UNet, whose names equal ours, or a whole checkpoint with Stable Diffusion's own names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from torch import nn

from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from .detect import FileContent, file_content
from .read import Weights, check_shapes, read_tensors

CHOICE = "Choose unet/diffusion_pytorch_model.safetensors of Stable Diffusion 1.5, or its whole checkpoint."
CHECKPOINT_PREFIX = "model.diffusion_model."
ADDED_MODULES = (".audio_modules.", ".motion_modules.")  # in the denoising UNet, not in Stable Diffusion's

# Stable Diffusion's own names count the blocks through: input_blocks.N and output_blocks.N are three per level.
LAYERS_PER_LEVEL = 3
FIXED_NAMES = {
    "time_embed.0.": "time_embedding.linear_1.",
    "time_embed.2.": "time_embedding.linear_2.",
    "input_blocks.0.0.": "conv_in.",
    "middle_block.0.": "mid_block.resnets.0.",
    "middle_block.1.": "mid_block.attentions.0.",
    "middle_block.2.": "mid_block.resnets.1.",
    "out.0.": "conv_norm_out.",
    "out.2.": "conv_out.",
}
RESNET_NAMES = {
    "in_layers.0.": "norm1.",
    "in_layers.2.": "conv1.",
    "emb_layers.1.": "time_emb_proj.",
    "out_layers.0.": "norm2.",
    "out_layers.3.": "conv2.",
    "skip_connection.": "conv_shortcut.",
}
BLOCK = re.compile(r"(?P<way>input|output)_blocks\.(?P<number>\d+)\.(?P<part>\d+)\.(?P<below>.+)")


def fill_with_picture_model(models: Hallo2Models, path: Path | str) -> None:
    """Both UNets, but for the denoising UNet's audio and motion modules; in place. The networks may be on the meta
    device; each weight gets the dtype that its parameter has. Errors: CheckpointError."""
    weights = picture_weights(path)
    expected = {
        key: tuple(tensor.shape)
        for key, tensor in models.denoising_unet.state_dict().items()
        if not any(module in key for module in ADDED_MODULES)
    }
    check_shapes(weights, expected, "is not a UNet of Stable Diffusion 1.x", CHOICE)
    for network in (models.denoising_unet, models.reference_net):
        copies = {  # of its own memory, for each UNet
            key: weights[key].to(own.dtype, copy=True) for key, own in network.state_dict().items() if key in expected
        }
        network.load_state_dict(copies, strict=False, assign=True)


def picture_weights(path: Path | str) -> Weights:
    """The UNet's weights under our names. Errors: CheckpointError for a file of another kind, or an unknown name."""
    weights = read_tensors(path)
    content = file_content(weights.shapes)
    if content is FileContent.SD_UNET:
        return weights
    if content is FileContent.SD_CHECKPOINT:
        own = weights.under(CHECKPOINT_PREFIX)
        return replace(own, tensors={diffusers_name(key): tensor for key, tensor in own.items()})
    raise CheckpointError(
        f"{weights.path.name} seems to be {content.value}, not a UNet of Stable Diffusion 1.x. {CHOICE}"
    )


def diffusers_name(key: str) -> str:
    """Our name, which is diffusers', of a UNet key in Stable Diffusion's own naming. Errors: CheckpointError."""
    for theirs, ours in FIXED_NAMES.items():
        if key.startswith(theirs):
            return _in_resnet(ours, key.removeprefix(theirs))
    match = BLOCK.fullmatch(key)
    if match is None:
        raise CheckpointError(f"'{key}' is not part of a UNet of Stable Diffusion 1.x. Choose another checkpoint.")
    number, part, below = int(match["number"]), int(match["part"]), match["below"]
    if match["way"] == "input":
        level, layer = divmod(number - 1, LAYERS_PER_LEVEL)
        if below.startswith("op."):
            return f"down_blocks.{level}.downsamplers.0.conv.{below.removeprefix('op.')}"
        block = f"down_blocks.{level}"
    else:
        level, layer = divmod(number, LAYERS_PER_LEVEL)
        if below.startswith("conv."):
            return f"up_blocks.{level}.upsamplers.0.conv.{below.removeprefix('conv.')}"
        block = f"up_blocks.{level}"
    kind = "attentions" if part else "resnets"
    return _in_resnet(f"{block}.{kind}.{layer}.", below)


def _in_resnet(place: str, below: str) -> str:
    """Attention has the same names in both."""
    for theirs, ours in RESNET_NAMES.items():
        if ".resnets." in place and below.startswith(theirs):
            return f"{place}{ours}{below.removeprefix(theirs)}"
    return place + below


def added_modules(unet: nn.Module) -> dict[str, nn.Module]:
    """Path → audio or motion module of the denoising UNet: what Stable Diffusion has no weights for."""
    ends = tuple(module.rstrip(".") for module in ADDED_MODULES)
    return {
        f"{path}.{number}": module
        for path, modules in unet.named_modules()
        if path.endswith(ends)
        for number, module in enumerate(modules)
    }
