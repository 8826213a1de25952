"""Picture: the VAE, jitter of what stands still, the mouth's amplitude, the background's color."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from hallo2_core.training.frame_reading import FrameReader

from .clips import Clip, steadied
from .figures import Figure

STILL_LEVELS = 1.0 / 255  # what changes less is still
EYE_ROOM = 0.12  # of the face's height, around each eye


def picture_figures(clips: Sequence[Clip], readers: Sequence[FrameReader], steady_levels: float) -> list[Figure]:
    """steady_levels: of the made clips."""
    jitters = [[still_change(frames, clip) for frames in clip.kinds] for clip in clips]
    made, true, decoded = (sum(column) for column in zip(*jitters, strict=True))
    still = [fmean([background_change(clip.kinds[kind], clip) for clip in clips]) * 255 for kind in range(3)]
    pairs = list(zip(clips, readers, strict=True))
    amplitudes = [fmean([amplitude(clip.kinds[kind], clip, reader) for clip, reader in pairs]) for kind in range(3)]
    colors = [fmean([background_distance(clip.kinds[kind], clip) for clip in clips]) for kind in range(3)]
    return [
        Figure("VAE, PSNR of held-back faces, dB", decibels([clip.decoded - clip.true for clip in clips]), least=30.0),
        Figure("VAE, PSNR around the eyes, dB", decibels([eyes(clip.decoded - clip.true, clip) for clip in clips])),
        Figure("jitter of still regions / the truth's", made / true, most=1.5, truth=1.0, through_vae=decoded / true),
        *_steady_figures(clips, true, steady_levels),
        Figure("change of the background, 0-255", still[0], truth=still[1], through_vae=still[2]),
        Figure("mouth amplitude / the truth's", amplitudes[0], 0.8, 1.25, amplitudes[1], amplitudes[2]),
        Figure("color distance of the background", colors[0], most=0.02, truth=colors[1], through_vae=colors[2]),
    ]


def _steady_figures(clips: Sequence[Clip], true_change: float, levels: float) -> list[Figure]:
    """How much of the jitter is held back, and what that takes from frames in which nothing shimmers."""
    if not levels:
        return []
    before = sum(still_change(clip.sampled, clip) for clip in clips)
    taken = [steadied(clip.true, levels) - clip.true for clip in clips]
    return [
        Figure("jitter before shimmer is held back", before / true_change),
        Figure("drawn frames after shimmer is held back, PSNR, dB", decibels(taken)),
    ]


def still_change(frames: Tensor, clip: Clip) -> float:
    """Mean change from frame to frame, over the pixels whose true change is below the picture's mean.

    Not over those that never change in the truth: a ratio to the truth would have no meaning there.
    """
    true = clip.true.diff(dim=0).abs().mean(dim=(0, 3))
    return float(frames.diff(dim=0).abs().mean(dim=(0, 3))[true < true.mean()].mean())


def background_of(clip: Clip) -> Tensor:
    """(h w) bool: what never changes in the truth, outside of the face."""
    still = (clip.true - clip.true[:1]).abs().amax(dim=(0, 3)) < STILL_LEVELS
    low, high = clip.truth.face_box[:, :2].amin(dim=0), clip.truth.face_box[:, 2:].amax(dim=0)
    left, top, right, bottom = (round(x) for x in (*low.tolist(), *high.tolist()))
    still[max(top, 0) : bottom, max(left, 0) : right] = False
    return still


def background_change(frames: Tensor, clip: Clip) -> float:
    """Mean change from frame to frame where the truth stands still, 0..1."""
    return float(frames.diff(dim=0).abs().mean(dim=(0, 3))[background_of(clip)].mean())


def background_distance(frames: Tensor, clip: Clip) -> float:
    """Between the mean colors of background and portrait's background, root mean square over the channels, 0..1; mean
    over the frames."""
    background = background_of(clip)
    apart = frames[:, background].mean(dim=1) - clip.portrait[background].mean(dim=0)
    return float(apart.square().mean(dim=1).sqrt().mean())


def amplitude(frames: Tensor, clip: Clip, reader: FrameReader) -> float:
    """Deviation of the mouth's opening, relative to the truth's."""
    return float(reader.read(frames)[:, 0].std() / clip.truth.mouth_opening.std().clamp_min(1e-4))


def eyes(values: Tensor, clip: Clip) -> Tensor:
    """values: (f h w 3).  Returns those around the eyes, flat."""
    height = clip.truth.face_box[:, 3] - clip.truth.face_box[:, 1]
    found = []
    for frame in range(len(values)):
        room = float(EYE_ROOM * height[frame])
        for x, y in clip.truth.five_points[frame, :2].tolist():
            rows = slice(max(round(y - room), 0), round(y + room))
            found.append(values[frame, rows, max(round(x - room), 0) : round(x + room)].flatten())
    return torch.cat(found)


def decibels(errors: Sequence[Tensor]) -> float:
    square = sum(float(error.square().sum()) for error in errors) / sum(error.numel() for error in errors)
    return 10.0 * math.log10(1.0 / square)
