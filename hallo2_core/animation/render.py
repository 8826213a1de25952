"""Animate and write: from a performance and its speech to a finished video file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..models.latents import LatentCodec
from ..payloads import SpeechEmbeddings
from ..runtime import Runtime
from ..video.writer import VideoSettings, VideoWriter
from .animate import Performance, animate
from .checks import check_performance


@dataclass(frozen=True)
class RenderedVideo:
    """A finished file."""

    path: Path
    frames: int
    fps: Fraction
    width: int
    height: int

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


def render_video(
    performance: Performance,
    speech: SpeechEmbeddings,
    codec: LatentCodec,
    settings: VideoSettings,
    path: Path,
    runtime: Runtime,
) -> RenderedVideo:
    """Write the whole video to `path`, clip by clip as they are made, with the given sound.

    The file appears under its name when it is whole, not before. Raises a Hallo2Error before the work starts where
    the parts do not fit together.
    """
    check_performance(performance, speech)
    portrait = performance.reference.portrait
    with VideoWriter(path, portrait.width, portrait.height, speech.fps, settings, speech.audio) as writer:
        for frames in animate(performance, speech, codec, runtime):
            writer.write(frames)
    return RenderedVideo(path, speech.frames, speech.fps, portrait.width, portrait.height)
