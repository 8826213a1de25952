"""Handles for the connected VAE in the clip loop, where errors accumulate: neither bf16 nor tiles."""

from __future__ import annotations

import logging
from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

import comfy.model_management as mm
import comfy.sd
import torch
from comfy.cli_args import args

if TYPE_CHECKING:
    from ...hallo2_core.runtime import Runtime

logger = logging.getLogger("hallo2")


class WouldTile(Exception):  # noqa: N818 - a signal
    """The host ran out of memory and would fall back to tiles."""


def untiled_vae(vae: Any) -> Any:  # noqa: ANN401
    """The same VAE with shared weights, with a separate handle that does not fall back to tiles if out of memory.

    The motion frames carry tile seams from clip to clip, and equal inputs would no longer give equal frames.
    """

    def refuse(*_: object, **__: object) -> NoReturn:
        raise WouldTile

    own = copy(vae)
    own.decode_tiled_ = own.encode_tiled_ = refuse
    own._decode_tiled_owned = own._encode_tiled_owned = refuse  # newer hosts, for networks with built-in tiling
    return own


def precise_vae(vae: Any, runtime: Runtime) -> Any:  # noqa: ANN401
    """The same VAE in fp16, as in the release, or fp32 if the GPU is poor at fp16; unchanged if it is not in bf16.

    The host uses bf16 if the GPU supports it. Its errors are eight times those of fp16 and accumulate through the
    motion frames. Half of them are in the weights, which the loader has already rounded (newer hosts may not).
    The connected VAE, which other nodes share, is not changed.
    """
    if getattr(vae, "vae_dtype", None) != torch.bfloat16:
        return vae
    if args.bf16_vae:
        runtime.notify("The VAE computes in bf16, as --bf16-vae asks: more drift from clip to clip than in fp16.")
        return vae
    dtype = torch.float16 if mm.should_use_fp16(vae.device) else torch.float32
    logger.info("The VAE is loaded again in %s: in bf16 its errors would add up from clip to clip.", dtype)
    if next(vae.first_stage_model.parameters()).dtype == torch.bfloat16:
        runtime.notify("The VAE was loaded in bf16, which rounds its weights: less drift with ComfyUI's --fp16-vae.")
    return comfy.sd.VAE(sd=dict(vae.get_sd()), device=vae.device, dtype=dtype)
