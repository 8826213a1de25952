"""The error of cutting a long sound: difference of its embeddings from those of the sound encoded as a whole.

    python tests/bench/speech_pieces.py [--minutes 4] [--salt 0]

The encoder has the real depth and position convolution, but a small width and seeded weights. Their attention is
uniform over the whole sound, so part of the error comes from a piece being shorter; the tables without attention
exclude it and show the effect of the cut itself. The figures compare ways of cutting; they do not predict the error of
a trained encoder.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from hallo2_core.audio.sound_file import FileAudio  # noqa: E402
from hallo2_core.audio.speech_embeddings import SpeechWindows, encode_speech  # noqa: E402
from hallo2_core.audio.speech_pieces import OURS, RELEASED, SpeechPieces  # noqa: E402
from hallo2_core.audio.waveform import TensorAudio  # noqa: E402
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights  # noqa: E402
from hallo2_core.config import Wav2VecConfig  # noqa: E402
from hallo2_core.models.wav2vec import SpeechEncoder  # noqa: E402
from hallo2_core.runtime import LocalRuntime  # noqa: E402

FPS = 25
UNCUT = replace(RELEASED, piece_seconds=1e6)
BORDER_FRAMES = FPS // 2  # on either side of a cut
MID_FRAMES = 10 * FPS  # from any cut
GAINS = (1.0, 0.3, 0.6, 0.05, 0.8, 0.15)


@dataclass(frozen=True)
class CuttingError:
    """Relative to the norm of a frame's embedding."""

    border_mean: float
    border_max: float
    mid_mean: float
    mid_max: float

    def __str__(self) -> str:
        return (
            f"at borders {self.border_mean:.2e} (worst {self.border_max:.2e})   "
            f"in mid-piece {self.mid_mean:.2e} (worst {self.mid_max:.2e})"
        )


def small_encoder(salt: int, has_attention: bool = True) -> SpeechEncoder:
    config = Wav2VecConfig(width=64, heads=4, feed_forward_width=128, conv_widths=(16,) * 7)
    encoder = SpeechEncoder(config, device="meta")
    fill_with_seeded_weights(encoder, "", salt)
    if not has_attention:
        for layer in encoder.wav2vec.encoder.layers:
            torch.nn.init.zeros_(layer.attention.out_proj.weight)
    return encoder


def speech(minutes: float, seconds_per_gain: float) -> TensorAudio:
    """The example voice, repeated from different starting points, with jumps in loudness at fixed intervals."""
    voice = FileAudio(ROOT / "hallo2_core" / "examples" / "voice.wav")
    once = voice.read(0, voice.samples)
    samples = round(minutes * 60 * voice.rate_hz)
    turns = range(samples // voice.samples + 1)
    sound = torch.cat([once.roll(turn * voice.samples // 7, 1) for turn in turns], dim=1)[:, :samples]
    gain = torch.tensor(GAINS)[(torch.arange(samples) / voice.rate_hz / seconds_per_gain).long() % len(GAINS)]
    return TensorAudio(sound * gain, voice.rate_hz)


def embeddings(audio: TensorAudio, encoder: SpeechEncoder, pieces: SpeechPieces) -> Tensor:
    """(f, layers × d) of every frame of the sound."""
    windows = SpeechWindows(encode_speech(audio, encoder, FPS, pieces), 16, LocalRuntime())
    return windows.clip(0, windows.frames)[:, 2].flatten(1)


def cutting_error(uncut: Tensor, cut: Tensor, piece_seconds: float = 60.0) -> CuttingError:
    """Both (f d)."""
    frames, piece_frames = len(uncut), round(piece_seconds * FPS)
    error = (cut - uncut).norm(dim=1) / uncut.norm(dim=1)
    cuts = torch.arange(piece_frames, frames, piece_frames)
    distance = (torch.arange(frames).unsqueeze(1) - cuts).abs().amin(dim=1)
    border, mid = error[distance <= BORDER_FRAMES], error[distance >= MID_FRAMES]
    return CuttingError(*(float(x) for x in (border.mean(), border.max(), mid.mean(), mid.max())))


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--minutes", type=float, default=4.0)
    wanted.add_argument("--salt", type=int, default=0, help="another draw of the encoder's weights")
    arguments = wanted.parse_args()
    ways = {"released: 60 s, no context, by the piece": RELEASED, "ours": OURS}
    ways |= {f"  with {seconds} s of context": replace(OURS, context_seconds=seconds) for seconds in (0, 2, 3, 6)}
    for seconds_per_gain, has_attention in ((8, True), (40, True), (8, False), (40, False)):
        print(
            f"{arguments.minutes:g} min of speech whose loudness jumps every {seconds_per_gain} s"
            f"{'' if has_attention else ', without attention'}"
        )
        encoder = small_encoder(arguments.salt, has_attention)
        audio = speech(arguments.minutes, seconds_per_gain)
        uncut = embeddings(audio, encoder, UNCUT)
        for name, pieces in ways.items():
            print(f"  {name:42s}{cutting_error(uncut, embeddings(audio, encoder, pieces))}", flush=True)


if __name__ == "__main__":
    main()
