"""Take the voice out of a recording with music or noise, with an MDX-Net file of yours such as Kim_Vocal_2.onnx.

Then animate with both, --audio VOICE.wav --sound RECORDING: the lips follow the voice, and the video keeps the
recording.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..checkpoints.onnx_session import PROVIDERS
from .output import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audio", type=Path, required=True, help="the recording: any file with audio")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.wav|flac",
                        help="the voice, stereo at 44.1 kHz; never overwritten")  # fmt: skip
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="Kim_Vocal_2.onnx or the like")
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default="cpu", help="what onnxruntime uses (cpu)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from ..audio.sound_file import FileAudio
    from ..audio.sound_writer import check_sound_target, write_sound
    from ..audio.vocals import CHANNELS, MDX_RATE_HZ, as_mdx_sound, load_vocal_net, separate_vocals
    from .machine import TerminalRuntime

    check_sound_target(arguments.out)
    net = load_vocal_net(arguments.model, arguments.provider)
    sound = as_mdx_sound(FileAudio(arguments.audio))
    pieces = separate_vocals(sound, net, TerminalRuntime(torch.device("cpu")))
    write_sound(arguments.out, MDX_RATE_HZ, CHANNELS, pieces)
    tell(f"{arguments.out}: {sound.samples / MDX_RATE_HZ:.2f} s")
    return 0
