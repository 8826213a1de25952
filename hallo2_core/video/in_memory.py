"""A video in memory, as another pack hands it over: checked before ComfyUI encodes it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..errors import VideoError


def check_in_memory(images: Any, audio: Any) -> None:  # noqa: ANN401 - of any kind, which is what is checked
    """Refuse what ComfyUI cannot encode.

    images: (f h w 3), 0..1. audio: None, or a mapping with a "waveform" (b c t). Errors: VideoError.
    """
    if not isinstance(images, Tensor):
        raise VideoError(f"The VIDEO's pictures are of type {type(images).__name__}; a tensor was expected.")
    if images.ndim != 4 or 0 in images.shape:
        raise VideoError(
            f"The VIDEO's pictures have shape {tuple(images.shape)}; (frames, height, width, 3) was expected."
        )
    height, width, channels = images.shape[1:]
    if channels != 3:
        raise VideoError(
            f"The VIDEO's pictures have {channels} channels; ComfyUI encodes only 3, red, green and blue. Remove alpha "
            f"before 'Create Video'."
        )
    if height % 2 or width % 2:
        raise VideoError(
            f"The VIDEO has {width}x{height} pixels; ComfyUI encodes only even sizes. Crop or resize its pictures "
            f"before 'Create Video'."
        )
    if audio is None:
        return
    waveform = audio.get("waveform") if hasattr(audio, "get") else None
    if not isinstance(waveform, Tensor) or waveform.ndim != 3 or 0 in waveform.shape:
        found = tuple(waveform.shape) if isinstance(waveform, Tensor) else type(waveform).__name__
        raise VideoError(
            f"The VIDEO's sound has a waveform of {found}; (batch, channels, samples) was expected. Connect an AUDIO "
            f"to 'Create Video', or none."
        )
