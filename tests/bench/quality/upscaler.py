"""Upscaler: its frames against the true drawing at 512×512, and their flicker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from hallo2_core.checkpoints.demo import FULL_PRECISION
from hallo2_core.checkpoints.small_model import SMALL_UPSCALER
from hallo2_core.checkpoints.upscaler import load_upscaler
from hallo2_core.evaluation.flicker import Flicker
from hallo2_core.models.upscaler.upscaler import Upscaler
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.runtime import Runtime
from hallo2_core.training.cartoons import Actor, draw, performance
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.upscaling.upscale import upscale_frames

from .clips import SPLIT, SmallPipeline
from .figures import Figure
from .picture import decibels

LARGE_PX = 512


def upscaler_figures(
    pipeline: SmallPipeline, upscaler_file: Path, seeds: Sequence[int], frames: int, fidelity: float
) -> list[Figure]:
    """Given the small drawing, and the small drawing after the VAE, which is what the upscaler gets in the demo."""
    upscaler = load_upscaler(upscaler_file, FULL_PRECISION, config=SMALL_UPSCALER)
    upscaled = partial(upscaled_frames, upscaler, fidelity, pipeline.runtime)
    gains: dict[str, list[float]] = {"drawn": [], "VAE": []}
    flickers: dict[str, list[float]] = {"aligned": [], "frame by frame": [], "true": []}
    for seed in seeds:
        played = performance(seed, SPLIT, frames / 25)
        actor = Actor.from_seed(seed, SPLIT)
        true, drawn = (draw(actor, played.tracks, side) for side in (LARGE_PX, pipeline.settings.size_px))
        for name, small in (("drawn", drawn), ("VAE", pipeline.through_vae(drawn))):
            aligned = upscaled(small, 16)
            gains[name].append(decibels([aligned - true]) - decibels([bicubic(small) - true]))
        flickers["aligned"].append(flicker_of(aligned))
        flickers["frame by frame"].append(flicker_of(upscaled(small, 1)))
        flickers["true"].append(flicker_of(true))
    ratios = [with_ / without for with_, without in zip(flickers["aligned"], flickers["frame by frame"], strict=True)]
    truth = fmean(flickers["true"])
    return [
        Figure("PSNR above bicubic, of the drawing, dB", fmean(gains["drawn"]), least=2.0),
        Figure("PSNR above bicubic, of the drawing through the VAE, dB", fmean(gains["VAE"]), least=2.0),
        Figure("flicker with temporal alignment / without", fmean(ratios), most=0.8),
        Figure("flicker with temporal alignment, 0-255", fmean(flickers["aligned"]), truth=truth),
        Figure("flicker frame by frame, 0-255", fmean(flickers["frame by frame"]), truth=truth),
    ]


def upscaled_frames(upscaler: Upscaler, fidelity: float, runtime: Runtime, small: Tensor, window_frames: int) -> Tensor:
    """small: (f h w 3), 0..1.  window_frames: 1 is without temporal alignment.  Returns (f 512 512 3)."""
    overlap = 4 if window_frames > 1 else 0
    settings = UpscaleSettings(LARGE_PX, LARGE_PX, fidelity, window_frames=window_frames, overlap_frames=overlap)
    return torch.stack(list(upscale_frames(small, upscaler, built_in_face_analysis(), settings, runtime)))


def bicubic(small: Tensor) -> Tensor:
    """small: (f h w 3).  Returns (f 512 512 3)."""
    pictures = rearrange(small, "f h w c -> f c h w")
    large = F.interpolate(pictures, (LARGE_PX, LARGE_PX), mode="bicubic", align_corners=False).clamp(0, 1)
    return rearrange(large, "f c h w -> f h w c")


def flicker_of(frames: Iterable[Tensor]) -> float:
    flicker = Flicker()
    for frame in frames:
        flicker.add((frame * 255).round().byte())
    return flicker.figures()["flicker"]
