"""Pieces of a video, upscaled anywhere and in any order, also while the video is still being made: the same clips as in
one run over the whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from torch import Tensor

from ..runtime import Runtime
from .clip_writer import CLIP_FRAMES, BackgroundWriter, ClipStore
from .face_tracks import context_frames
from .job_key import Upscale
from .render import finished_frames
from .settings import UpscaleSettings
from .upscale import first_frame_needed

# Each piece restores about one window that its neighbor restores too: one in eight with the default windows.
PIECE_CLIPS = 6


@dataclass(frozen=True)
class Piece:
    """Frames start to stop: whole clips, except at the end of the video."""

    start: int
    stop: int

    @property
    def frames(self) -> int:
        return self.stop - self.start

    @property
    def clips(self) -> range:
        return range(self.start // CLIP_FRAMES, -(-self.stop // CLIP_FRAMES))

    def without(self, clips: Collection[int]) -> Piece | None:
        """From the first to the last clip that is not among `clips`; None if all are."""
        missing = [clip for clip in self.clips if clip not in clips]
        if not missing:
            return None
        return Piece(missing[0] * CLIP_FRAMES, min((missing[-1] + 1) * CLIP_FRAMES, self.stop))

    def source(self, settings: UpscaleSettings, frames: int) -> range:
        """The source frames that the piece depends on, of `frames` in all.

        Its last window must not be taken for the video's last one: that is known from the frame behind it.
        """
        step = settings.window_frames - settings.overlap_frames
        window_end = (self.stop - 1) // step * step + settings.window_frames
        end = window_end + 1 + context_frames(settings)
        return range(first_frame_needed(self.start, settings), min(end, frames))


def cut_pieces(frames: int, clips: int = PIECE_CLIPS) -> list[Piece]:
    """The whole video. clips: of a piece."""
    step = clips * CLIP_FRAMES
    return [Piece(start, min(start + step, frames)) for start in range(0, frames, step)]


def upscale_piece(
    upscale: Upscale, piece: Piece, frames: Iterator[Tensor], fps: Fraction, clips: ClipStore, runtime: Runtime
) -> None:
    """frames: `piece.source`, (h w 3). fps: the source's nominal rate. clips: receives the piece's clips in order."""
    with BackgroundWriter(clips, fps, upscale.video_settings) as writer:
        for frame in islice(finished_frames(upscale, frames, piece.start, runtime), piece.stop - piece.start):
            writer.write(frame.planes)
        writer.finish()
