"""Nods, shakes and tilts of the head, and what the head does while nobody asks anything of it."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

Gesture = Literal["none", "nod", "shake", "tilt"]
GESTURES: tuple[Gesture, ...] = get_args(Gesture)
GESTURE_SECONDS = {"nod": 1.5, "shake": 1.8, "tilt": 2.4}


def gesture_curves(gesture: Gesture, start_seconds: float, frames: int, fps: float, side: int) -> dict[str, Tensor]:
    """Degrees to add to yaw, pitch and roll, (f) each. side: -1 or 1, which way it begins."""
    curves = {name: torch.zeros(frames) for name in ("yaw", "pitch", "roll")}
    if gesture == "none":
        return curves
    share = ((torch.arange(frames) + 0.5) / fps - start_seconds) / GESTURE_SECONDS[gesture]
    within = ((share > 0) & (share < 1)).float()
    swell = torch.sin(np.pi * share.clamp(0, 1)) ** 2
    if gesture == "nod":
        curves["pitch"] = 8.0 * within * swell.sqrt() * torch.sin(2 * np.pi * 2.5 * share).clamp_min(-0.35)
    elif gesture == "shake":
        curves["yaw"] = 11.0 * side * within * swell.sqrt() * torch.sin(2 * np.pi * 3 * share)
    else:
        curves["roll"] = 12.0 * side * _eased(torch.minimum(4 * share, 4 - 4 * share).clamp(0, 1))
    return curves


def idle_head(rng: np.random.Generator, frames: int, fps: float, liveliness: float) -> dict[str, Tensor]:
    """Slow drift of yaw, pitch and roll, (f) each, in degrees: a few sines that never quite repeat."""
    reach = {"yaw": 5.0, "pitch": 2.5, "roll": 2.0}
    return {name: liveliness * degrees * _drift(rng, frames, fps) for name, degrees in reach.items()}


def _drift(rng: np.random.Generator, frames: int, fps: float) -> Tensor:
    """(f), about -1.5..1.5."""
    seconds = torch.arange(frames) / fps
    rates, phases = rng.uniform(0.06, 0.55, 4), rng.uniform(0, 2 * np.pi, 4)
    sines = [torch.sin(2 * np.pi * rate * seconds + phase) for rate, phase in zip(rates, phases, strict=True)]
    return torch.stack(sines).sum(dim=0) / 2


def _eased(share: Tensor) -> Tensor:
    return share * share * (3 - 2 * share)
