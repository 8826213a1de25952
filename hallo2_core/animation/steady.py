"""Holds back shimmer: small changes from frame to frame where nothing moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..errors import SettingsError

MOST_LEVELS = 64.0
LEAST_SHARE = 0.03  # of the smallest changes: where the picture changes slowly, it is followed within a second or two
ROUND = 2  # a change is judged together with those of so many pixels around it
STEADIED = "steadied"


@dataclass(frozen=True)
class SteadyConfig:
    """levels: mean changes of about so many levels of 255 are taken for movement, smaller ones for shimmer. 0: nothing
    is held back, as in the original."""

    levels: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.levels <= MOST_LEVELS:  # NaN too
            raise SettingsError(
                f"steady is {self.levels:g}; choose 0 (off, as in the original) to {MOST_LEVELS:g} levels of 255 (6 is "
                f"usual)."
            )


class SteadyFrames:
    """A video's frames, given in order, with their shimmer held back.

    A recursive filter over time that adapts to motion: of a change from the last frame shown, a share is taken over
    that grows with the change. Noise is averaged over some thirty frames; what moves is taken over at once. Holds one
    frame, which is all that a video has to keep to continue.
    """

    def __init__(self, config: SteadyConfig, before: Tensor | None) -> None:
        """before: (h w 3), the last frame shown, 0..1; None: the next one is the first."""
        self._levels = config.levels
        self._before = before

    def next(self, frame: Tensor) -> Tensor:
        """frame: (h w 3), 0..1.  Returns what to show in its place."""
        if self._levels and self._before is not None:
            frame = _taken_over(frame, self._before, self._levels)
        self._before = frame
        return frame

    def state(self) -> Mapping[str, Tensor]:
        """What a job keeps, for `last_shown`."""
        return {STEADIED: self._before} if self._levels and self._before is not None else {}


def last_shown(state: Mapping[str, Tensor], start_frames: Tensor | None) -> Tensor | None:
    """What comes before the next frame: as the job kept it, or at the beginning the user's start frames, if any."""
    if STEADIED in state:
        return state[STEADIED]
    return None if start_frames is None else start_frames[-1, ..., :3].float().cpu()


def _taken_over(frame: Tensor, before: Tensor, levels: float) -> Tensor:
    change = frame - before
    size = rearrange(change.abs().amax(dim=-1), "h w -> 1 1 h w")
    size = F.avg_pool2d(F.pad(size, (ROUND,) * 4, mode="replicate"), 2 * ROUND + 1, stride=1)
    moves = (size * (255.0 / levels)).clamp(max=1.0).pow(3)
    share = rearrange(LEAST_SHARE + (1.0 - LEAST_SHARE) * moves, "1 1 h w -> h w 1")
    return before + share * change
