"""Command-line options of the motion frames."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ..animation.motion_presets import PRESETS, RELEASE
from ..animation.motion_settings import MOST_NOISE_TIME, ClipConfig, MotionSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("motion frames", "What a clip continues from. Options override the preset.")
    group.add_argument("--motion-preset", choices=tuple(PRESETS), default=RELEASE, help="base settings (release)")
    group.add_argument("--motion-frames", type=int, help="number (2; paper: 4)")
    group.add_argument("--drop-rate", type=float, help="fraction of patches dropped (0.25)")
    group.add_argument("--patch-size", type=int, metavar="PX", help="side of a dropped patch (1)")
    noise = group.add_mutually_exclusive_group()
    noise.add_argument("--noise", type=float, metavar="SIGMA", help="noise on motion frames (0; paper: as trained)")
    noise.add_argument(
        "--noise-time", type=int, metavar="T", help=f"or noise of a training timestep, 0-{MOST_NOISE_TIME}"
    )
    noise.add_argument("--noise-as-trained", action="store_true", help="noise of a random timestep per clip")
    group.add_argument("--adaptive-drop", action="store_true", help="drop more with drift from the portrait")
    group.add_argument("--colour-match", action="store_true", help="match their colors to the portrait")
    group.add_argument("--drop-seed", type=int, default=42, help="seed of patch drop and noise")


def chosen_motion(arguments: argparse.Namespace) -> MotionSettings:
    clip, drop = PRESETS[arguments.motion_preset]
    if arguments.noise is not None or arguments.noise_time is not None or arguments.noise_as_trained:
        drop = replace(
            drop,
            noise_sigma=arguments.noise or 0.0,
            noise_time=arguments.noise_time,
            noise_as_trained=arguments.noise_as_trained,
        )
    drop = replace(
        drop,
        rate=drop.rate if arguments.drop_rate is None else arguments.drop_rate,
        patch_px=drop.patch_px if arguments.patch_size is None else arguments.patch_size,
        seed=arguments.drop_seed,
        adaptive=arguments.adaptive_drop,
    )
    frames = clip.motion_frames if arguments.motion_frames is None else arguments.motion_frames
    return MotionSettings(ClipConfig(motion_frames=frames), drop, colour_match=arguments.colour_match)
