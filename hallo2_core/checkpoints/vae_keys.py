"""Key maps of the VAE: Stable Diffusion's own names, and those of diffusers before 0.17, which sd-vae-ft-mse has."""

from __future__ import annotations

import re
from dataclasses import replace

from torch import Tensor

from .read import Weights

OLD_NAMES = {
    "mid_block.attentions.0.query.": "mid_block.attentions.0.to_q.",
    "mid_block.attentions.0.key.": "mid_block.attentions.0.to_k.",
    "mid_block.attentions.0.value.": "mid_block.attentions.0.to_v.",
    "mid_block.attentions.0.proj_attn.": "mid_block.attentions.0.to_out.0.",
}
# Pattern → name, applied in turn. `up` is numbered from the smallest level in diffusers, from the largest in SD.
SD_NAMES = (
    (r"\.down\.(\d+)\.block\.", r".down_blocks.\1.resnets."),
    (r"\.down\.(\d+)\.downsample\.", r".down_blocks.\1.downsamplers.0."),
    (r"\.up\.(\d+)\.block\.", r".up_blocks.\1.resnets."),
    (r"\.up\.(\d+)\.upsample\.", r".up_blocks.\1.upsamplers.0."),
    (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
    (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
    (r"\.mid\.attn_1\.norm\.", ".mid_block.attentions.0.group_norm."),
    (r"\.mid\.attn_1\.([qkv])\.", r".mid_block.attentions.0.to_\1."),
    (r"\.mid\.attn_1\.proj_out\.", ".mid_block.attentions.0.to_out.0."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
    (r"\.norm_out\.", ".conv_norm_out."),
)  # fmt: skip
SD_UP = re.compile(r"decoder\.up\.(\d+)\.")


def renamed_vae_keys(weights: Weights) -> Weights:
    """With diffusers' current names; nothing is dropped. Attention weights may be stored as 1×1 convolutions."""
    largest = max((int(level[1]) for key in weights if (level := SD_UP.match(key))), default=0)
    renamed = {_today(_diffusers_name(key, largest)): tensor for key, tensor in weights.items()}
    return replace(weights, tensors={key: _as_linear(key, tensor) for key, tensor in renamed.items()})


def _diffusers_name(key: str, largest_level: int) -> str:
    """The name of a tensor in Stable Diffusion's VAE; other keys stay."""
    key = SD_UP.sub(lambda level: f"decoder.up.{largest_level - int(level[1])}.", key)
    for pattern, name in SD_NAMES:
        key = re.sub(pattern, name, key)
    return key


def _today(key: str) -> str:
    for old, new in OLD_NAMES.items():
        key = key.replace(old, new)
    return key


def _as_linear(key: str, tensor: Tensor) -> Tensor:
    is_convolution = "mid_block.attentions." in key and tensor.ndim == 4
    return tensor.flatten(1) if is_convolution else tensor
