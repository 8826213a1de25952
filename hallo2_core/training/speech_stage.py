"""The small model's speech encoder, trained to predict mouth motion, so that its features carry it to the denoiser.

Targets are the mouth's curves per frame and a coarse spectrum, so that the features keep the rest of the sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..audio.sound_statistics import Loudness
from ..audio.speech_pieces import OURS
from ..audio.speech_signal import SPEECH_RATE_HZ
from ..config import RELEASED_FPS
from ..models.wav2vec import SpeechEncoder
from .batch import Batch
from .draws import sample_generator
from .log_mel import MEL_BANDS, log_mels
from .records import RecordShards

SOUND, MOUTH = "sound", "mouth"
FPS = Fraction(RELEASED_FPS)


@dataclass(frozen=True)
class SpeechStageSettings:
    performances: str  # a folder of shards: "sound", (t) int16 at 16 kHz, and "mouth", (f curves), at 25 frames/s
    validation_performances: str
    weights: str = ""  # a file to begin with; "" starts from scratch
    most_seconds: float = 4.0  # longer performances are cut at random
    mel_weight: float = 0.3


@dataclass(frozen=True)
class Utterance:
    sound: Tensor  # (t), normalized for the encoder
    positions: Tensor  # (f), of the frames in its features
    mouth: Tensor  # (f curves)
    mels: Tensor  # (f bands)


@dataclass(frozen=True)
class UtteranceBatch(Batch):
    utterances: tuple[Utterance, ...]  # of any length: each is encoded separately


class SpeechObjective(nn.Module):
    """Squared errors of linear probes: of all layers together, as in the audio projection, and of the last."""

    def __init__(self, encoder: SpeechEncoder, curves: int, settings: SpeechStageSettings) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        config = encoder.config
        self.reading = nn.Linear(config.layers * config.width, curves + MEL_BANDS)
        self.last_reading = nn.Linear(config.width, curves + MEL_BANDS)

    def forward(self, batch: UtteranceBatch) -> dict[str, Tensor]:
        mouth, mels = 0.0, 0.0
        for utterance in batch.utterances:
            states = self.encoder(utterance.sound, utterance.positions).float()
            for reading in (self.reading(rearrange(states, "f l d -> f (l d)")), self.last_reading(states[:, -1])):
                curves = utterance.mouth.shape[1]
                mouth = mouth + F.mse_loss(reading[:, :curves], utterance.mouth)
                mels = mels + F.mse_loss(reading[:, curves:], utterance.mels)
        count = len(batch.utterances)
        return {
            "loss": (mouth + self.settings.mel_weight * mels) / count, "mouth": mouth / count, "mels": mels / count
        }  # fmt: skip


class SpeechStage:
    name = "speech"

    def __init__(self, encoder: SpeechEncoder, settings: SpeechStageSettings, performances: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        curves = performances.read(0, MOUTH).shape[1]
        self.network = SpeechObjective(encoder, curves, settings)
        self._settings = settings
        self._performances = performances
        self._held_back = held_back
        self._seed = seed

    def batch(self, numbers: Sequence[int]) -> UtteranceBatch:
        return UtteranceBatch(tuple(self._sample(number) for number in numbers))

    def _sample(self, number: int) -> Utterance:
        draws = sample_generator(self._seed, number, "speech")
        record = int(torch.randint(len(self._performances), (), generator=draws))
        frames = self._performances.rows(record, MOUTH)
        longest = min(frames, int(self._settings.most_seconds * FPS))
        first = int(torch.randint(frames - longest + 1, (), generator=draws))
        return utterance_of(self._performances, record, slice(first, first + longest), self.network.encoder)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """The position convolution is stored as direction and norm; Adam trains the direction."""
        return name.startswith("encoder.") and "pos_conv" not in name and "conv_layers.0." not in name

    def validate(self) -> Mapping[str, float]:
        """R² of the mouth's curves, over all held-back frames."""
        device = next(self.network.parameters()).device
        read, true = [], []
        for number in range(len(self._held_back)):
            frames = self._held_back.rows(number, MOUTH)
            utterance = utterance_of(self._held_back, number, slice(0, frames), self.network.encoder)
            states = self.network.encoder(utterance.sound.to(device), utterance.positions)
            reading = self.network.reading(rearrange(states, "f l d -> f (l d)"))
            read.append(reading[:, : utterance.mouth.shape[1]].cpu())
            true.append(utterance.mouth)
        scores = r_squared(torch.cat(read), torch.cat(true))
        return {f"r_squared_{curve}": float(score) for curve, score in enumerate(scores)}


def utterance_of(records: RecordShards, record: int, frames: slice, encoder: SpeechEncoder) -> Utterance:
    """Frames of a performance, with its sound cut to them and encoded as a separate sound."""
    per_frame = int(SPEECH_RATE_HZ / FPS)
    sound = records.read(record, SOUND, slice(frames.start * per_frame, frames.stop * per_frame)).float() / 32768.0
    count = frames.stop - frames.start
    heard, positions = heard_sound(sound, count, encoder)
    return Utterance(heard, positions, records.read(record, MOUTH, frames), log_mels(sound, count))


def heard_sound(sound: Tensor, frames: int, encoder: SpeechEncoder) -> tuple[Tensor, Tensor]:
    """sound: (t) at 16 kHz, of this many frames, shorter than a piece.  Returns the encoder's two inputs, as for a
    video with this sound: the normalized samples and the frames' positions among the features."""
    (piece,) = OURS.plan(len(sound), frames, 1, FPS, encoder.config)
    heard = F.pad(Loudness.of(sound).normalize(sound), (0, piece.zeros))
    return heard, piece.positions(encoder.features_of(len(heard)))


def r_squared(read: Tensor, true: Tensor) -> Tensor:
    """(n curves) both.  Returns (curves): 1 for a perfect prediction, 0 for one no better than the mean."""
    return 1.0 - (read - true).square().mean(dim=0) / true.var(dim=0, unbiased=False).clamp_min(1e-8)
