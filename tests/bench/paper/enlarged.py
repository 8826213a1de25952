"""Figure 14: a small video and what the upscaler makes of it, beside the true drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from quality.clips import SPLIT, SmallPipeline
from quality.upscaler import LARGE_PX, bicubic, upscaled_frames, upscaler_figures

from hallo2_core.checkpoints.demo import FULL_PRECISION
from hallo2_core.checkpoints.small_model import SMALL_UPSCALER
from hallo2_core.checkpoints.upscaler import load_upscaler
from hallo2_core.training.cartoons import Actor, draw, performance

from .long_videos import as_levels, save_strip


def enlarged(pipeline: SmallPipeline, upscaler_file: Path, seed: int, frames: int, fidelity: float, strip: Path) -> Any:
    """strip: the last frame, by bicubic enlargement, by the upscaler, and drawn. Returns figures by name."""
    figures = upscaler_figures(pipeline, upscaler_file, [seed], frames, fidelity)
    tracks = performance(seed, SPLIT, frames / 25).tracks[-1:]
    actor = Actor.from_seed(seed, SPLIT)
    small = pipeline.through_vae(draw(actor, tracks, pipeline.settings.size_px))
    upscaler = load_upscaler(upscaler_file, FULL_PRECISION, config=SMALL_UPSCALER)
    restored = upscaled_frames(upscaler, fidelity, pipeline.runtime, small, window_frames=1)
    shown = torch.cat([bicubic(small), restored, draw(actor, tracks, LARGE_PX)])
    save_strip(list(as_levels(shown)), strip)
    return {figure.name: figure.as_json() for figure in figures}
