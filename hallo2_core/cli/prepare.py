"""Make training data from talking cartoons or from your own videos, or resume after a stop.

KIND is pictures (for the VAE), voices (for the speech encoder; needs espeak-ng), clips (for joint training; needs both
trained) or takes (each actor with every expression, for text control). The upscaler learns from faces, face_clips
(needs espeak-ng), and face_codes, which are made of face clips. Existing shards are kept, so several processes can
share the work with --first. KIND videos takes a data set's configuration in place of DIR; it uses several processes by
itself and lists what it skips.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

from . import prepare_videos
from .output import tell

KINDS = ("pictures", "voices", "clips", "takes", "faces", "face_clips", "face_codes", "videos")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="of the shards; not for videos")
    parser.add_argument("--split", choices=("train", "held_back"), default="train",
                        help="held_back: actors, voices and sentences that are not in train (train)")  # fmt: skip
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first actor or performance (0)")
    parser.add_argument("--count", type=int, default=64, metavar="N", help="how many (64)")
    parser.add_argument("--size", type=int, default=128, metavar="PX", help="side of the pictures (128)")
    parser.add_argument(
        "--frames", type=int, default=4, metavar="N", help="frames per actor, in pictures and faces (4)"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a performance (4)")
    parser.add_argument("--vae", metavar="FILE", help="the trained VAE, for clips, faces and videos")
    parser.add_argument("--speech-encoder", metavar="FILE", help="the trained speech encoder, for clips and videos")
    parser.add_argument(
        "--latent-noise", type=float, default=0.0, metavar="X", help="most noise on the latents, for faces (0)"
    )
    parser.add_argument("--face-clips", type=Path, metavar="DIR", help="the clips that face_codes are made of")
    parser.add_argument("--autoencoder", metavar="FILE", help="the upscaler's autoencoder, for face_codes")
    parser.add_argument("--upscaler", metavar="FILE", help="the upscaler that reads codes, for face_codes")
    parser.add_argument(
        "--device", default="auto", help="draws and encodes all but pictures and voices (CUDA if available)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all)")
    prepare_videos.add_arguments(parser.add_argument_group("videos"))


def run(arguments: argparse.Namespace) -> int:
    import torch

    from ..config import check_frame_size
    from ..errors import SettingsError

    logging.getLogger("hallo2").setLevel(logging.INFO)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.kind == "videos":
        return prepare_videos.run(arguments)
    if arguments.folder is None:
        raise SettingsError(f"'hallo2 prepare {arguments.kind}' needs DIR, the folder that the shards are written to.")
    if arguments.count < 1 or arguments.first < 0:
        raise SettingsError(f"--first is {arguments.first}, --count {arguments.count}; choose 0 or more, 1 or more.")
    check_frame_size(arguments.size, arguments.size)
    for path in _shards(arguments):
        tell(f"{path}")
    return 0


def _shards(arguments: argparse.Namespace) -> Iterator[Path]:
    from ..errors import SettingsError
    from ..training.prepare_performances import prepare_clips, prepare_voices
    from ..training.prepare_pictures import prepare_pictures
    from ..training.prepare_takes import prepare_takes
    from ..training.small_networks import small_speech_encoder, small_vae
    from .machine import chosen_device

    folder, split = arguments.folder, arguments.split
    seeds = range(arguments.first, arguments.first + arguments.count)
    if arguments.kind == "pictures":
        return prepare_pictures(folder, split, seeds, arguments.frames, arguments.size)
    if arguments.kind == "voices":
        return prepare_voices(folder, split, seeds, arguments.seconds)
    if arguments.kind.startswith("face"):
        return _face_shards(arguments, seeds)
    if not (arguments.vae and arguments.speech_encoder):
        raise SettingsError("Clips need --vae and --speech-encoder: files written by 'hallo2 train … --export'.")
    device = chosen_device(arguments.device)
    vae, encoder = small_vae(arguments.vae).to(device), small_speech_encoder(arguments.speech_encoder).to(device)
    prepare = prepare_clips if arguments.kind == "clips" else prepare_takes
    return prepare(folder, split, seeds, arguments.seconds, arguments.size, vae, encoder)


def _face_shards(arguments: argparse.Namespace, seeds: range) -> Iterator[Path]:
    from ..checkpoints.small_model import SMALL_UPSCALER
    from ..errors import SettingsError
    from ..training.prepare_faces import prepare_face_clips, prepare_faces
    from ..training.small_networks import small_vae
    from ..training.upscaler.degradation import DegradationSettings
    from ..training.upscaler.prepare_codes import prepare_face_codes
    from ..training.upscaler.stages import sharp_encoder_of, small_restorer
    from .machine import chosen_device

    device = chosen_device(arguments.device)
    if arguments.kind == "face_codes":
        if not (arguments.face_clips and arguments.autoencoder and arguments.upscaler):
            raise SettingsError("Face codes need --face-clips, --autoencoder and --upscaler.")
        restorer = small_restorer(arguments.upscaler).to(device)
        sharp_encoder = sharp_encoder_of(arguments.autoencoder).to(device)
        return prepare_face_codes(
            arguments.folder, arguments.face_clips, restorer, sharp_encoder, DegradationSettings()
        )
    if not arguments.vae:
        raise SettingsError("Faces need --vae: a file written by 'hallo2 train vae … --export'.")
    prepare = prepare_faces if arguments.kind == "faces" else prepare_face_clips
    vae, side_px = small_vae(arguments.vae).to(device), SMALL_UPSCALER.side_px
    return prepare(arguments.folder, arguments.split, seeds, arguments.frames, side_px, vae, arguments.latent_noise)
