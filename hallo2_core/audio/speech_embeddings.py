"""Speech for the denoising UNet: wav2vec2 features per video frame, in windows of five frames.

Speech is encoded when a clip asks for it, and only the last pieces are kept, so memory does not grow with the length.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import AudioError, PrecisionError, SettingsError
from .sound_statistics import Loudness
from .speech_pieces import OURS, PART_OF_THE_SOUND, Piece, SpeechPieces
from .speech_signal import SpeechSignal
from .waveform import PaddedAudio

if TYPE_CHECKING:
    from ..models.wav2vec import SpeechEncoder
    from ..runtime import Runtime
    from .waveform import AudioSource

WINDOW_REACH = 2  # frames on either side of each frame
KEPT_PIECES = 2  # a clip spans two at most, unless pieces are shorter than clips
HIGHEST_FPS = 240
FINEST_FPS = 1_000_000  # the float 29.97 becomes 2997/100, and 30000/1001 stays exact


@dataclass(frozen=True)
class SpeechEmbeddings:
    """Speech for the networks, encoded lazily, clip by clip."""

    audio: AudioSource  # the original audio, which the video will carry, and which sets its length
    encoder: SpeechEncoder
    fps: Fraction
    frames: int  # ceil(seconds × fps), at least 1
    pieces: SpeechPieces
    signal: SpeechSignal  # the voice as the encoder's input: of the same audio, or of a part of it; caches statistics

    @property
    def voice(self) -> AudioSource:
        """What moves the face."""
        return self.signal.audio

    @property
    def seconds(self) -> float:
        return self.audio.samples / self.audio.rate_hz

    def windows(self, clip_frames: int, runtime: Runtime) -> SpeechWindows:
        """For one run over the video."""
        return SpeechWindows(self, clip_frames, runtime)


def encode_speech(
    voice: AudioSource,
    encoder: SpeechEncoder,
    fps: Fraction | float,
    pieces: SpeechPieces | None = None,
    resampler: str = "pyav",
    sound: AudioSource | None = None,
) -> SpeechEmbeddings:
    """The payload that every clip takes its windows from; no audio is read yet.

    fps: of the video. pieces: None for OURS, or PART_OF_THE_SOUND. resampler: "pyav", or "soxr" as in the original.
    sound: what the video carries, and as long as which it is, if not the voice itself: a recording with music, or with
    other speakers. Errors: SettingsError; AudioError for a voice longer than the sound.
    """
    fps = frame_rate(fps)
    pieces = pieces or (OURS if sound is None else PART_OF_THE_SOUND)
    sound = voice if sound is None else sound
    return SpeechEmbeddings(
        audio=sound,
        encoder=encoder,
        fps=fps,
        frames=count_frames(sound.samples, sound.rate_hz, fps),
        pieces=pieces,
        signal=SpeechSignal(_as_long_as(sound, voice, fps), resampler),
    )


def _as_long_as(sound: AudioSource, voice: AudioSource, fps: Fraction) -> AudioSource:
    """The voice, followed by silence if it is shorter. A frame too much is what resampling may add."""
    seconds, voice_seconds = Fraction(sound.samples, sound.rate_hz), Fraction(voice.samples, voice.rate_hz)
    if voice_seconds > seconds + 1 / fps:
        raise AudioError(
            f"The voice takes {float(voice_seconds):.2f} s, but the sound of the video only {float(seconds):.2f} s. "
            f"Connect the recording that the voice is a part of."
        )
    samples = math.ceil(seconds * voice.rate_hz)
    return PaddedAudio(voice, samples) if voice.samples < samples else voice


def frame_rate(fps: Fraction | float) -> Fraction:
    """The exact frame rate closest to a number."""
    exact = Fraction(fps).limit_denominator(FINEST_FPS) if math.isfinite(fps) else Fraction(0)
    if not 1 <= exact <= HIGHEST_FPS:
        raise SettingsError(f"The frame rate is {fps}; choose 1 to {HIGHEST_FPS} frames per second (the release: 25).")
    return exact


def count_frames(samples: int, rate_hz: int, fps: Fraction) -> int:
    """ceil(seconds × fps), exactly, and at least 1: every part of the audio gets a frame."""
    return max(math.ceil(Fraction(samples, rate_hz) * fps), 1)


class SpeechWindows:
    """The windows of one run. A clip's windows are bit-identical, whatever has been read before.

    clip_frames: the audio is padded with silence to a multiple of this. `frames` includes the padding.
    """

    def __init__(self, speech: SpeechEmbeddings, clip_frames: int, runtime: Runtime) -> None:
        self._speech = speech
        self._runtime = runtime
        self._pieces = speech.pieces.plan(
            speech.signal.samples, speech.frames, clip_frames, speech.fps, speech.encoder.config
        )
        self._first_frames = [piece.first_frame for piece in self._pieces]
        self._encoded: OrderedDict[int, Tensor] = OrderedDict()
        self.frames = self._pieces[-1].first_frame + self._pieces[-1].frames

    def clip(self, start_frame: int, frames: int) -> Tensor:
        """(f window layers d) float32 on the CPU: frames start_frame, … each with two neighbors on either side.

        As in the original: windows are taken from the joined sequence of all pieces, with its ends repeated.
        """
        assert 0 <= start_frame and start_frame + frames <= self.frames, f"{start_frame}+{frames} of {self.frames}"
        first, last = start_frame - WINDOW_REACH, start_frame + frames - 1 + WINDOW_REACH
        heard = self._embeddings(max(first, 0), min(last + 1, self.frames))
        centre = torch.arange(start_frame, start_frame + frames).unsqueeze(1)
        window = torch.arange(-WINDOW_REACH, WINDOW_REACH + 1)
        return heard[(centre + window).clamp(0, self.frames - 1) - max(first, 0)]

    def _embeddings(self, start: int, stop: int) -> Tensor:
        """Frames start to stop: (f layers d)."""
        parts = []
        while start < stop:
            index = bisect_right(self._first_frames, start) - 1
            first = self._first_frames[index]
            parts.append(self._encoded_piece(index)[start - first : stop - first])
            start += parts[-1].shape[0]
        return torch.cat(parts)

    def _encoded_piece(self, index: int) -> Tensor:
        if index not in self._encoded:
            self._runtime.check_cancelled()
            self._runtime.ready(self._speech.encoder)
            self._encoded[index] = self._encode(self._pieces[index])
            while len(self._encoded) > KEPT_PIECES:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(index)
        return self._encoded[index]

    def _encode(self, piece: Piece) -> Tensor:
        """The frames that are kept of one piece: (f layers d) float32 on the CPU."""
        signal, encoder = self._speech.signal, self._speech.encoder
        sound = signal.read(piece.start, piece.stop)
        normalize = self._speech.pieces.normalize
        window, stride = encoder.config.conv_kernels[0], encoder.config.conv_strides[0]
        if normalize == "sounding":
            parts = signal.statistics(window, stride, self._runtime.check_cancelled, sounding_only=True)
            loudness, channels = parts.loudness, parts.channels(encoder.first_weight, silence=0)
        elif normalize == "piece" or len(self._pieces) == 1:  # one piece is the whole
            loudness, channels = Loudness.of(sound), None
        else:
            whole = signal.statistics(window, stride, self._runtime.check_cancelled)
            loudness, channels = whole.loudness, whole.channels(encoder.first_weight, self._pieces[-1].zeros)
        sound = F.pad(loudness.normalize(sound), (0, piece.zeros))
        with torch.no_grad():
            states = encoder(sound, piece.positions(encoder.features_of(len(sound))), channels)
        if not torch.isfinite(states).all():
            raise PrecisionError(
                "The speech encoder returned infinities or NaNs, so its weights are likely damaged: download the file "
                "again."
            )
        return states[piece.lead_frames : piece.lead_frames + piece.frames].float().cpu()
