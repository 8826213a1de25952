"""Command-line options of the sampler."""

from __future__ import annotations

import argparse

from ..animation.sampler_config import CLIP_NOISES, INDEPENDENT, REPEATED, RegionWeights, SamplerConfig
from ..checkpoints.small_model import SMALL_SETTINGS
from ..config import UsualSettings
from ..errors import CheckpointError
from .acceleration_args import chosen_acceleration
from .named_file import DEMO


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sampling")
    group.add_argument("--seed", type=int, default=42, help="the same seed and inputs give the same frames (42)")
    group.add_argument("--steps", type=int, help="denoising steps (40; demo model: 10)")
    group.add_argument("--cfg", type=float, help="guidance scale; 1 is off (3.5; demo model: 1.5)")
    group.add_argument("--pose-weight", type=float, default=1.0, help="strength of head motion (1)")
    group.add_argument("--face-weight", type=float, default=1.0, help="strength of face motion (1)")
    group.add_argument("--lip-weight", type=float, default=1.0, help="strength of lip motion (1)")
    group.add_argument("--legacy-rng", action="store_true", help="draw random numbers in the release's order")
    group.add_argument("--clip-noise", choices=CLIP_NOISES,
                          help="each clip begins with noise of its own, as in the release, or all with the first one's "
                          "for smaller seams (independent; demo model: repeated, unless --legacy-rng)")  # fmt: skip
    group.add_argument("--reference-banks", choices=("released", "aligned"), default="released",
                       help="'released': every second frame attends to the portrait without its identity, as in the "
                       "official code; 'aligned': every frame with it (released)")  # fmt: skip


def usual_settings(arguments: argparse.Namespace) -> UsualSettings:
    return SMALL_SETTINGS if arguments.model == DEMO else UsualSettings()


def chosen_sampler(arguments: argparse.Namespace) -> SamplerConfig:
    is_demo = arguments.model == DEMO
    steps, guidance = _usual_steps(arguments)
    clip_noise = REPEATED if is_demo and not arguments.legacy_rng else INDEPENDENT
    return SamplerConfig(
        steps=steps if arguments.steps is None else arguments.steps,
        guidance=guidance if arguments.cfg is None else arguments.cfg,
        seed=arguments.seed,
        weights=RegionWeights(arguments.pose_weight, arguments.face_weight, arguments.lip_weight),
        legacy_rng=arguments.legacy_rng,
        reference_banks=arguments.reference_banks,
        text_strength=arguments.text_strength,
        text_scale=arguments.text_scale,
        acceleration=chosen_acceleration(arguments),
        clip_noise=arguments.clip_noise or clip_noise,
    )


def _usual_steps(arguments: argparse.Namespace) -> tuple[int, float]:
    """Steps and guidance of the chosen weights. Errors: CheckpointError for a file that is no few-step LoRA."""
    from ..checkpoints.lora import few_steps_of
    from .weights import few_step_file

    if (file := few_step_file(arguments.few_step)) is None:
        usual = usual_settings(arguments)
        return usual.steps, usual.guidance
    if (made_for := few_steps_of(file)) is None:
        raise CheckpointError(f"{file.name} is a LoRA, but not one for few steps. Choose it with --lora instead.")
    return made_for.steps, made_for.guidance
