"""Blinks at the rate people blink, and eyes that rest on something and then jump to something else."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLINK_EVERY_SECONDS = (1.8, 5.5)
CLOSING, SHUT, OPENING = 0.08, 0.05, 0.14  # seconds
GAZE_EVERY_SECONDS = (0.7, 3.0)
LOOKS_AT_CAMERA = 0.65  # share of the time
JUMP_SECONDS = 0.06


def blinks(rng: np.random.Generator, frames: int, fps: float) -> Tensor:
    """(f): 0 open .. 1 shut."""
    seconds = (torch.arange(frames) + 0.5) / fps
    blink = torch.zeros(frames)
    at = rng.uniform(0.3, BLINK_EVERY_SECONDS[1])
    while at < frames / fps:
        since = seconds - at
        closing, opening = since / CLOSING, (CLOSING + SHUT + OPENING - since) / OPENING
        blink = torch.maximum(blink, torch.minimum(closing, opening).clamp(0, 1))
        at += 0.25 if rng.random() < 0.08 else rng.uniform(*BLINK_EVERY_SECONDS)  # now and then twice in a row
    return blink


def gaze(rng: np.random.Generator, frames: int, fps: float) -> tuple[Tensor, Tensor]:
    """x and y, (f) each, -1..1."""
    seconds = (torch.arange(frames) + 0.5) / fps
    x, y = torch.zeros(frames), torch.zeros(frames)
    at, last = 0.0, (0.0, 0.0)
    while at < frames / fps:
        away = rng.random() > LOOKS_AT_CAMERA
        target = tuple(rng.uniform((-0.9, -0.5), (0.9, 0.7))) if away else tuple(rng.uniform(-0.12, 0.12, 2))
        moved = ((seconds - at) / JUMP_SECONDS).clamp(0, 1)
        for curve, old, new in ((x, last[0], target[0]), (y, last[1], target[1])):
            curve[seconds >= at] = (old + (new - old) * moved)[seconds >= at].float()
        at, last = at + rng.uniform(*GAZE_EVERY_SECONDS), target
    return x, y


def breathing(rng: np.random.Generator, frames: int, fps: float) -> Tensor:
    """(f), 0..1: in faster than out."""
    seconds = torch.arange(frames) / fps
    phase = (seconds * rng.uniform(0.22, 0.33) + rng.random()) % 1.0
    return torch.where(phase < 0.4, (1 - torch.cos(np.pi * phase / 0.4)) / 2,
                       (1 + torch.cos(np.pi * (phase - 0.4) / 0.6)) / 2)  # fmt: skip
