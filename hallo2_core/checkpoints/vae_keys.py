"""Key map for the VAE's attention: diffusers before 0.17 used other names, and sd-vae-ft-mse still does."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from .read import Weights

OLD_NAMES = {
    "mid_block.attentions.0.query.": "mid_block.attentions.0.to_q.",
    "mid_block.attentions.0.key.": "mid_block.attentions.0.to_k.",
    "mid_block.attentions.0.value.": "mid_block.attentions.0.to_v.",
    "mid_block.attentions.0.proj_attn.": "mid_block.attentions.0.to_out.0.",
}


def renamed_vae_keys(weights: Weights) -> Weights:
    """With current names; nothing is dropped. Old files may store the attention weights as 1×1 convolutions."""
    return replace(weights, tensors={_today(key): _as_linear(key, tensor) for key, tensor in weights.items()})


def _today(key: str) -> str:
    for old, new in OLD_NAMES.items():
        key = key.replace(old, new)
    return key


def _as_linear(key: str, tensor: Tensor) -> Tensor:
    is_old_convolution = "mid_block.attentions." in key and tensor.ndim == 4
    return tensor.flatten(1) if is_old_convolution else tensor
