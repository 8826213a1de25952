"""Animate a portrait with a voice: writes one video file, with exactly as many frames as the audio is long."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import RELEASED_FPS, check_frame_size
from ..errors import SettingsError
from . import acceleration_args, motion_args, precision, sampling_args, timeline_args
from .machine import add_device_arguments, chosen_runtime
from .named_file import DEMO, file_or
from .output import tell
from .result import add_metadata_argument, add_place_arguments, chosen_place, report

if TYPE_CHECKING:
    from torch import Tensor

    from ..animation.job_key import Render
    from ..animation.render import RenderedVideo
    from ..animation.steady import SteadyConfig
    from ..jobs.job import Job
    from ..runtime import LocalRuntime
    from ..video.settings import VideoSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    wanted = parser.add_argument_group("input and output")
    wanted.add_argument("--portrait", type=Path, required=True, help="a picture of one face")
    wanted.add_argument("--audio", type=Path, required=True, help="the voice: any file with audio")
    wanted.add_argument("--sound", type=Path, metavar="FILE",
                        help="what the video carries, if not the voice: the recording with music or other "
                        "speakers")  # fmt: skip
    wanted.add_argument("--out", type=Path, required=True, metavar="OUT.mp4", help="the video; never overwritten")
    wanted.add_argument("--fps", type=_rate, default=Fraction(RELEASED_FPS),
                        help="frames per second (25, the release's)")  # fmt: skip
    wanted.add_argument("--size", metavar="WxH", help="multiples of 64 (512x512; demo model: 128x128)")

    weights = parser.add_argument_group("weights")
    weights.add_argument(
        "--model", type=file_or(DEMO), default=DEMO, metavar="FILE|demo", help="net.pth or its safetensors (demo)"
    )
    weights.add_argument("--lora", type=Path, metavar="FILE", help="a LoRA from 'hallo2 train', added to the weights")
    weights.add_argument("--lora-strength", type=float, default=1.0, metavar="S", help="factor of the LoRA (1)")
    weights.add_argument("--few-step", type=file_or(DEMO), metavar="FILE|demo",
                         help="a few-step LoRA from 'hallo2 train distil', added to the weights; sets --steps and "
                         "--cfg")  # fmt: skip
    weights.add_argument("--vae", type=Path, metavar="FILE", help="sd-vae-ft-mse; the demo model has its own")
    weights.add_argument("--speech-encoder", type=file_or(DEMO), metavar="FILE|demo", help="wav2vec2-base-960h")
    weights.add_argument(
        "--face-models", type=Path, metavar="DIR", help="folder of scrfd and glintr100 (built-in detector)"
    )
    add_device_arguments(weights)
    precision.add_arguments(weights, auto="the file's; float32 on CPUs")

    sampling_args.add_arguments(parser)
    acceleration_args.add_arguments(parser)
    timeline_args.add_arguments(parser)
    motion_args.add_arguments(parser)

    face = parser.add_argument_group("face")
    face.add_argument("--crop", choices=("auto", "face", "centre", "none"), default="auto", help="how to crop (auto)")
    face.add_argument("--face-index", type=int, default=0, help="which face, largest first (0)")
    face.add_argument("--face-mask", type=Path, metavar="FILE", help="a picture, white on the face")
    face.add_argument("--lip-mask", type=Path, metavar="FILE", help="a picture, white on the lips")
    face.add_argument(
        "--whole-picture", action="store_true", help="if no face is found, use the whole picture as the face"
    )

    video = parser.add_argument_group("output file")
    video.add_argument("--codec", choices=("h264", "h265", "av1"), default="h264",
                       help="h264 plays everywhere; h265 and av1 make smaller files (h264)")  # fmt: skip
    video.add_argument("--bit-depth", type=int, choices=(8, 10), default=8,
                       help="10 avoids banding in soft backgrounds; 8 plays everywhere (8)")  # fmt: skip
    video.add_argument("--quality", type=int, default=14, metavar="CRF", help="0 lossless to 51 worst (14)")
    video.add_argument("--steady", type=float, metavar="LEVELS",
                       help="hold back shimmer: changes between frames of up to about so many levels of 255; 0 is off "
                       "(0; demo model: 6)")  # fmt: skip
    add_metadata_argument(video)
    add_place_arguments(video)
    parser.add_argument("--strict", action="store_true", help="refuse a damaged voice or sound")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    report(animated(arguments, chosen_runtime(arguments)), started, arguments.json)
    return 0


def animated(arguments: argparse.Namespace, runtime: LocalRuntime) -> RenderedVideo:
    """Errors as `prepared` and `render_video`."""
    from ..animation.render import render_video

    return render_video(*prepared(arguments, runtime), runtime)


def prepared(arguments: argparse.Namespace, runtime: LocalRuntime) -> tuple[Render, Job, Path]:
    """What to render, its job, and the video's path. Settings are checked before any loading, files before any
    computation."""
    width, height = _size(arguments)
    timeline_args.check(arguments)
    sampler, motion = sampling_args.chosen_sampler(arguments), motion_args.chosen_motion(arguments)
    settings, steady = _video_settings(arguments), _steady(arguments)

    from ..animation.inputs import AnimationInputs
    from ..animation.job_key import Render, render_key
    from ..animation.memory import sampling_bytes
    from ..animation.reference_banks import build_reference
    from ..audio.sound_file import FileAudio
    from ..audio.speech_embeddings import encode_speech, frame_rate
    from ..jobs.choice import choose_job
    from ..models.latents import VAECodec
    from ..models.precision import HALLO2_PRECISION
    from ..portrait.picture import load_picture
    from ..portrait.prepare import prepare_portrait
    from ..video.metadata import MetadataChoice
    from ..video.target import check_name
    from .weights import (
        check_weights_are_named,
        few_step_file,
        load_face_analysis,
        load_models,
        load_speech_encoder,
    )

    check_name(arguments.out)
    fps = frame_rate(arguments.fps)
    check_weights_are_named(arguments.model, arguments.vae, arguments.speech_encoder)
    picture, voice = load_picture(arguments.portrait), FileAudio(arguments.audio, arguments.strict)
    sound = None if arguments.sound is None else FileAudio(arguments.sound, arguments.strict)
    portrait = prepare_portrait(
        picture,
        load_face_analysis(arguments.face_models),
        width,
        height,
        crop=arguments.crop,
        face_index=arguments.face_index,
        face_mask=_mask(arguments.face_mask),
        lip_mask=_mask(arguments.lip_mask),
        whole_picture=arguments.whole_picture,
    )
    _say(portrait.notes)
    build = precision.chosen_build(arguments, runtime.device, HALLO2_PRECISION)
    models = load_models(
        arguments.model,
        arguments.vae,
        build,
        arguments.lora,
        arguments.lora_strength,
        few_step_file(arguments.few_step),
    )
    models = timeline_args.with_adapter(models, arguments)
    text, weights = timeline_args.encoded_text(arguments), timeline_args.chosen_weights(arguments)
    encoder = load_speech_encoder(arguments.speech_encoder, arguments.model)
    for timeline in (text, weights):
        _say(() if timeline is None else timeline.notes)
    runtime.working_bytes = sampling_bytes(models, portrait, motion.clip)
    codec = VAECodec(models.vae, runtime)
    reference = build_reference(models, portrait, codec, runtime)
    inputs = AnimationInputs(models, reference, motion, sampler, text, weights)
    speech = encode_speech(voice, encoder, fps, sound=sound)
    render = Render(inputs, speech, codec, settings, MetadataChoice(arguments.metadata), steady)
    path, job_folder = chosen_place(arguments)
    return render, choose_job(job_folder, render_key(render, runtime)), path


def _rate(text: str) -> Fraction:
    """As argparse wants its errors."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a frame rate; write 25, 29.97 or 30000/1001") from error


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        tell(f"note: {note}")


def _mask(path: Path | None) -> Tensor | None:
    """(h w), 0..1, from a picture's brightness."""
    from ..portrait.picture import load_picture

    return None if path is None else load_picture(path).mean(dim=-1)


def _size(arguments: argparse.Namespace) -> tuple[int, int]:
    if arguments.size is None:
        side = sampling_args.usual_settings(arguments).side_px
        return side, side
    match = re.fullmatch(r"(\d+)x(\d+)", arguments.size)
    if not match:
        raise SettingsError(f"The size is '{arguments.size}'; write it as WIDTHxHEIGHT, for example 512x512.")
    width, height = int(match[1]), int(match[2])
    check_frame_size(width, height)
    return width, height


def _video_settings(arguments: argparse.Namespace) -> VideoSettings:
    from ..video.settings import VideoSettings

    return VideoSettings(arguments.codec, arguments.bit_depth, arguments.quality)


def _steady(arguments: argparse.Namespace) -> SteadyConfig:
    from ..animation.steady import SteadyConfig

    usual = sampling_args.usual_settings(arguments).steady_levels
    return SteadyConfig(usual if arguments.steady is None else arguments.steady)
