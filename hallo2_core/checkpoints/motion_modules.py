"""AnimateDiff's motion modules for the denoising UNet, where the paper's second stage begins (§4.4).

The files that AnimateDiff released have our names. Its first versions have no module in the middle block and 24
positions; diffusers' motion adapters have other names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from .detect import FileContent, file_content
from .read import Weights, check_shapes, read_tensors
from .seeded import sinusoidal_positions

CHOICE = "Choose mm_sd_v15_v2.ckpt of AnimateDiff, or a motion adapter of diffusers."
TRANSFORMER = ".temporal_transformer."
POSITIONS = "pos_encoder.pe"
# Below motion_modules.N: diffusers' names → AnimateDiff's. Both attentions of a block share diffusers' one table.
ADAPTER_NAMES = {
    "transformer_blocks.0.attn1.": ("transformer_blocks.0.attention_blocks.0.",),
    "transformer_blocks.0.attn2.": ("transformer_blocks.0.attention_blocks.1.",),
    "transformer_blocks.0.norm1.": ("transformer_blocks.0.norms.0.",),
    "transformer_blocks.0.norm2.": ("transformer_blocks.0.norms.1.",),
    "transformer_blocks.0.norm3.": ("transformer_blocks.0.ff_norm.",),
    "transformer_blocks.0.pos_embed.pe": (
        f"transformer_blocks.0.attention_blocks.0.{POSITIONS}",
        f"transformer_blocks.0.attention_blocks.1.{POSITIONS}",
    ),
}
IN_MODULE = re.compile(r"(?P<module>.*\bmotion_modules\.\d+\.)(?P<below>.+)")


def fill_with_motion_modules(models: Hallo2Models, path: Path | str) -> None:
    """The denoising UNet's motion modules, in place; one that the file lacks, in the middle block, keeps its weights.
    Each weight gets the dtype that its parameter has; the network may be on the meta device. Errors: CheckpointError.
    """
    weights = motion_weights(path)
    own = {key: x for key, x in models.denoising_unet.state_dict().items() if TRANSFORMER in key}
    length = next(x.shape[1] for key, x in own.items() if key.endswith(POSITIONS))
    tensors = {key: _with_positions(x, length) if key.endswith(POSITIONS) else x for key, x in weights.items()}
    expected = {key: tuple(x.shape) for key, x in own.items() if key in tensors or not key.startswith("mid_block.")}
    fitted = replace(weights, tensors=tensors)
    check_shapes(fitted, expected, "is not a motion module for Stable Diffusion 1.x", CHOICE)
    copies = {key: tensor.to(own[key].dtype, copy=True) for key, tensor in fitted.items()}
    models.denoising_unet.load_state_dict(copies, strict=False, assign=True)


def motion_weights(path: Path | str) -> Weights:
    """The weights under our names. Errors: CheckpointError for a file of another kind."""
    weights = read_tensors(path)
    is_adapter = any(".motion_modules." in key and ".attn1." in key for key in weights)
    if not is_adapter and file_content(weights.shapes) is not FileContent.MOTION_MODULE:
        raise CheckpointError(
            f"{weights.path.name} seems to be {file_content(weights.shapes).value}, not AnimateDiff's motion module. "
            f"{CHOICE}"
        )
    if not is_adapter:
        return weights
    return replace(weights, tensors={name: x for key, x in weights.items() for name in animatediff_names(key)})


def animatediff_names(key: str) -> tuple[str, ...]:
    """Our names, which are AnimateDiff's, of a key of diffusers' motion adapter."""
    match = IN_MODULE.fullmatch(key)
    if match is None:
        return (key,)  # refused by the comparison with the network
    module, below = match["module"] + TRANSFORMER.lstrip("."), match["below"]
    for theirs, ours in ADAPTER_NAMES.items():
        if below.startswith(theirs):
            return tuple(f"{module}{name}{below.removeprefix(theirs)}" for name in ours)
    return (module + below,)


def _with_positions(table: Tensor, length: int) -> Tensor:
    """table: (1 n d), sinusoidal.  Returns (1 length d): the formula's values after the n of the file."""
    if table.shape[1] >= length:
        return table[:, :length]
    more = sinusoidal_positions(length, table.shape[2])[table.shape[1] :].to(table)
    return torch.cat([table, more.unsqueeze(0)], dim=1)
