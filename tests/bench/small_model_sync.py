"""Does the small model talk? Held-back actors and voices through the pack's own clip loop, mouths against the truth.

    python tests/bench/small_model_sync.py --joint J.safetensors --vae V.safetensors --speech-encoder S.safetensors

The portrait is a drawing of the actor, prepared with the built-in face finder; the sound is a held-back performance.
Needs espeak-ng. Prints a line for each actor and the means; --sheet writes frames under the true ones.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.models.latents import VAECodec
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.training.cartoons import Actor, Performance, draw, measure, performance
from hallo2_core.training.mouth_reading import correlation, mouth_reader
from hallo2_core.training.stages import small_hallo2, small_speech_encoder, small_vae

SPLIT = "held_back"
PORTRAIT_PX = 512
SHEET_FRAMES = 8
FURTHEST_SHIFT = 6  # frames


def talk(arguments: argparse.Namespace, seed: int, played: Performance) -> Tensor:
    """(f h w 3), 0..1."""
    runtime = LocalRuntime("cpu")
    models, vae = small_hallo2(arguments.joint), small_vae(arguments.vae)
    size_px = arguments.size
    picture = draw(Actor.from_seed(seed, SPLIT), played.tracks[0:1], PORTRAIT_PX)
    portrait = prepare_portrait(picture, built_in_face_analysis(), size_px, size_px, crop="none")
    codec = VAECodec(vae, runtime)
    inputs = AnimationInputs(
        models,
        build_reference(models, portrait, codec, runtime),
        MotionSettings(ClipConfig(arguments.clip_frames, 2)),
        SamplerConfig(steps=arguments.steps, guidance=arguments.guidance),
    )
    encoder = small_speech_encoder(arguments.speech_encoder)
    speech = encode_speech(TensorAudio(played.samples.unsqueeze(0), 16_000), encoder, Fraction(25))
    return torch.cat([clip.frames.whole() for clip in animate(inputs, speech, codec, runtime)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--joint", "--vae", "--speech-encoder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--actors", type=int, default=4)
    parser.add_argument("--first", type=int, default=0, help="seed of the first actor")
    parser.add_argument("--seconds", type=float, default=2.56)
    parser.add_argument("--clip-frames", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    rows, scores = [], []
    for seed in range(arguments.first, arguments.first + arguments.actors):
        played = performance(seed, SPLIT, arguments.seconds)
        actor = Actor.from_seed(seed, SPLIT)
        true, truth = draw(actor, played.tracks, arguments.size), measure(actor, played.tracks, arguments.size)
        made, reader = talk(arguments, seed, played), mouth_reader(seed, SPLIT, arguments.size)
        read, ceiling = reader.read(made), reader.read(true)
        shifts = range(-FURTHEST_SHIFT, FURTHEST_SHIFT + 1)
        by_shift = [correlation(read[:, 0].roll(shift), truth.mouth_opening) for shift in shifts]
        scores.append(
            (
                correlation(read[:, 0], truth.mouth_opening),
                correlation(read[:, 1], truth.mouth_width),
                correlation(ceiling[:, 0], truth.mouth_opening),
                float(read[:, 0].std() / truth.mouth_opening.std()),
                float(made.diff(dim=0).abs().mean() / true.diff(dim=0).abs().mean()),
            )
        )
        best = shifts[int(np.argmax(by_shift))]
        print(f"actor {seed}: " + _line(scores[-1]) + f", best shift {best:+d} frames", flush=True)
        some = torch.linspace(0, len(true) - 1, SHEET_FRAMES).long()
        rows += [rearrange(frames[some], "f h w c -> h (f w) c") for frames in (true, made)]
    print("mean: " + _line(tuple(torch.tensor(scores).mean(dim=0).tolist())))
    if arguments.sheet:
        Image.fromarray((torch.cat(rows) * 255).round().byte().numpy()).save(arguments.sheet)


def _line(score: tuple[float, ...]) -> str:
    names = ("opening", "width", "ceiling of opening", "amplitude", "jitter")
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(names, score, strict=True))


if __name__ == "__main__":
    main()
