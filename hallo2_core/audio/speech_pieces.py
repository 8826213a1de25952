"""How a long sound is cut for the speech encoder, which attends over one piece at a time.

The release cuts every 60 s and treats each piece as a separate file: the encoder has no context across a cut, and each
piece is normalized with its own statistics. We keep frames and features on one grid for the whole sound, add some
seconds of context on both sides of each cut, and normalize with the statistics of the whole sound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..config import Wav2VecConfig
from ..errors import SettingsError
from ..models.wav2vec import spread_positions
from .speech_signal import SPEECH_RATE_HZ


@dataclass(frozen=True)
class Piece:
    """A stretch of the 16 kHz signal that is encoded on its own, and the frames kept from it."""

    first_frame: int
    frames: int
    start: int  # samples of the signal: start to stop
    stop: int
    zeros: int  # appended after normalization
    lead_frames: int = 0  # context: encoded before `first_frame`, and dropped
    encoded_frames: int = 0  # leading context, kept frames, trailing context
    first_position: float = 0.0  # of the first encoded frame, counted in features
    features_per_frame: float | None = None  # None, as in the original: the available features, spread evenly

    def positions(self, features: int) -> Tensor:
        """Positions of the encoded frames among `features` features: (f)."""
        if self.features_per_frame is None:
            return spread_positions(features, self.encoded_frames)
        steps = torch.arange(self.encoded_frames, dtype=torch.float64)
        return self.first_position + steps * self.features_per_frame


@dataclass(frozen=True)
class SpeechPieces:
    """How to cut. Pieces start at whole frames, so piece_seconds and context_seconds are rounded to frames.

    context_seconds: encoded on both sides of a piece and discarded. wav2vec2's position convolution reaches 64 frames,
    2.6 s; from 3 s on, a cut only affects long-range attention (measured by tests/bench/speech_pieces.py).
    normalize: with the statistics of the "piece", of the "whole" sound, or of its "sounding" parts. With "piece" and no
    context, a piece is a separate file, as in the release: its last, incomplete frame is not padded, and its features
    are spread evenly over its frames.
    """

    piece_seconds: float = 60.0
    context_seconds: float = 4.0
    normalize: str = "whole"

    def __post_init__(self) -> None:
        if not 0.0 < self.piece_seconds < math.inf:
            raise SettingsError(
                f"The length of a piece is {self.piece_seconds} s; choose more than 0 (the default is 60)."
            )
        if not 0.0 <= self.context_seconds < math.inf:
            raise SettingsError(f"The context of a piece is {self.context_seconds} s; choose 0 (the release) or more.")
        if self.normalize not in ("piece", "whole", "sounding"):
            raise SettingsError(f"Speech is normalized by '{self.normalize}'; choose 'piece', 'whole' or 'sounding'.")

    def plan(
        self, samples: int, frames: int, clip_frames: int, fps: Fraction, encoder: Wav2VecConfig
    ) -> tuple[Piece, ...]:
        """The pieces of a signal; the last one is padded to whole clips.

        They cover every frame exactly once. (The release pads by another count where the last piece, but not the whole,
        is a multiple of a clip, and then loses the tail: quirk 20.)
        """
        piece_frames = max(round(Fraction(self.piece_seconds) * fps), 1)
        total = -(-frames // clip_frames) * clip_frames
        pieces = []
        for first in range(0, frames, piece_frames):
            last = first + piece_frames if first + piece_frames < frames else total
            if self.normalize == "piece" and not self.context_seconds:
                pieces.append(_piece_by_itself(samples, first, last, frames, fps, encoder))
            else:
                context = round(Fraction(self.context_seconds) * fps)
                pieces.append(_piece_with_context(samples, first, last, context, total, fps, encoder))
        return tuple(pieces)


RELEASED = SpeechPieces(piece_seconds=60.0, context_seconds=0.0, normalize="piece")
OURS = SpeechPieces()
PART_OF_THE_SOUND = SpeechPieces(normalize="sounding")  # for a voice that is silent while others speak


def _piece_by_itself(samples: int, first: int, last: int, frames: int, fps: Fraction, encoder: Wav2VecConfig) -> Piece:
    """As in the original. Frames first to last; those from `frames` on are after the end of the audio."""
    frame_samples = SPEECH_RATE_HZ / fps
    start = math.floor(first * frame_samples)
    stop = samples if last >= frames else math.floor(last * frame_samples)
    zeros = math.floor(max(last - frames, 0) * frame_samples)
    zeros = max(zeros, encoder.reach_samples - (stop - start))  # a shorter sound has no feature at all
    return Piece(first, last - first, start, stop, zeros, encoded_frames=last - first)


def _piece_with_context(
    samples: int, first: int, last: int, context: int, total: int, fps: Fraction, encoder: Wav2VecConfig
) -> Piece:
    """Frames first to last and up to `context` more on either side, with every feature that lies next to one of them.

    A feature begins at a whole multiple of the hop from the beginning of the sound, whatever piece it is in.
    """
    begin, end = max(first - context, 0), min(last + context, total)
    features_per_frame = SPEECH_RATE_HZ / fps / encoder.hop_samples
    first_feature = math.floor(begin * features_per_frame)
    last_feature = math.ceil((end - 1) * features_per_frame)
    start = first_feature * encoder.hop_samples
    heard = max(last_feature * encoder.hop_samples + encoder.reach_samples, math.ceil(end * SPEECH_RATE_HZ / fps))
    stop = min(heard, samples)
    return Piece(
        first_frame=first,
        frames=last - first,
        start=start,
        stop=stop,
        zeros=heard - stop,
        lead_frames=first - begin,
        encoded_frames=end - begin,
        first_position=float(begin * features_per_frame - first_feature),
        features_per_frame=float(features_per_frame),
    )
