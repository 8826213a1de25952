"""The upscaler from `net_g.pth` (905 MB; only the averaged half, `params_ema`, is read) or its safetensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from ..config import UpscalerConfig
from ..errors import CheckpointError
from ..models.fingerprint import weights_fingerprint
from ..models.layers import Build
from ..models.upscaler.upscaler import Upscaler
from ..models.upscaler.video_restorer import VideoRestorer
from .build import with_dtype
from .detect import FileContent, Shapes, file_content
from .read import of_these_sizes, read_tensors
from .upscaler_keys import names_of, renamed
from .zeros import check_filled

PREFIX = "upscaler."  # of its keys, for seeded weights and fingerprints
TEMPORAL_KEY = "ft_layers.0.temp_attn.in_proj_weight"


def load_upscaler(
    path: Path | str, build: Build | None = None, use_mmap: bool = True, config: UpscalerConfig | None = None
) -> Upscaler:
    """build.dtype: None keeps the file's. config: None reads the dimensions off the tensors' shapes.

    Errors: CheckpointError with the detected kind of file.
    """
    weights = read_tensors(path, use_mmap=use_mmap)
    content = file_content(weights.shapes)
    if content is not FileContent.UPSCALER:
        raise CheckpointError(
            f"{weights.path.name} seems to be {content.value}, not {FileContent.UPSCALER.value}. Choose net_g.pth, or "
            "its safetensors."
        )
    if TEMPORAL_KEY not in weights:
        raise CheckpointError(
            f"{weights.path.name} predicts codes but has no temporal attention ('{TEMPORAL_KEY}' is missing), so it "
            "only restores single pictures. Choose Hallo2's net_g.pth, or its safetensors."
        )
    check_filled(weights.path)
    build = with_dtype(build, weights)
    restorer = assemble_upscaler(config or upscaler_config(weights.shapes), weights, weights.take, build)
    return Upscaler(restorer, weights_fingerprint({PREFIX: restorer}))


def assemble_upscaler(
    config: UpscalerConfig, keys: Iterable[str], take: Callable[[str, torch.dtype], Tensor], build: Build
) -> VideoRestorer:
    """keys: the file's.  take: the tensor of a key in a dtype; called once for each, in order.

    Errors: CheckpointError if any is wrong.
    """
    restorer = of_these_sizes(lambda: VideoRestorer(config, replace(build, device="meta")), "The upscaler's file")
    dtypes = {name: tensor.dtype for name, tensor in restorer.state_dict().items()}
    tensors = ((key, take(key, dtypes.get(names_of(key)[0], torch.float32))) for key in keys)
    try:
        restorer.load_state_dict(dict(renamed(tensors)), strict=True, assign=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"The upscaler's weights do not fit together ({_first_reason(error)}). Download net_g.pth again."
        ) from error
    return restorer.to(build.device or "cpu")


def upscaler_config(shapes: Shapes) -> UpscalerConfig:
    """Dimensions from the shapes under the file's names. Heads and norm groups cannot be deduced: they are always the
    release's, 8 and 32. Errors: CheckpointError if a tensor needed for this is missing."""
    try:
        codes, code_width = shapes["quantize.embedding.weight"]
        places, token_width = shapes["position_emb"]
        widths, blocks_per_level = _encoder_levels(shapes, "encoder.")
        latent_widths = None
        if any(key.startswith("latent_encoder.") for key in shapes):
            latent_widths, _ = _encoder_levels(shapes, "latent_encoder.")
        return UpscalerConfig(
            side_px=isqrt(places) << (len(widths) - 1),
            widths=widths,
            blocks_per_level=blocks_per_level,
            codes=codes,
            code_width=code_width,
            token_width=token_width,
            feed_forward_width=shapes["ft_layers.0.linear1.weight"][0],
            alignment_layers=len(_numbers(r"ft_layers\.(\d+)\.", shapes)),
            fused_sides=tuple(sorted(_numbers(r"fuse_convs_dict\.(\d+)\.", shapes))),
            latent_widths=latent_widths,
        )
    except KeyError as error:
        raise CheckpointError(
            f"The upscaler's file has no {error}, so its dimensions are unknown. Download net_g.pth again."
        ) from None


def _encoder_levels(shapes: Shapes, prefix: str) -> tuple[tuple[int, ...], int]:
    """The width of each level, and the residual blocks per level; two more follow the last level."""
    levels: list[list[int]] = [[]]
    for number in sorted(_numbers(re.escape(prefix) + r"blocks\.(\d+)\.", shapes)):
        block = f"{prefix}blocks.{number}."
        if f"{block}conv1.weight" in shapes:
            levels[-1].append(shapes[f"{block}conv1.weight"][0])
        elif f"{block}conv.weight" in shapes:  # downsampling
            levels.append([])
    if not all(levels):
        raise KeyError(f"{prefix}blocks")
    return tuple(level[0] for level in levels), (sum(map(len, levels)) - 2) // len(levels)


def _numbers(pattern: str, shapes: Shapes) -> set[int]:
    matches = (re.match(pattern, key) for key in shapes)
    return {int(match[1]) for match in matches if match}


def _first_reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[1] if len(lines) > 1 else lines[0]
