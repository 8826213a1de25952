"""`hallo2 prepare videos`: clips from users' videos, for training."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

MOST_WORKERS = 4  # by default: each loads the encoders


def add_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dataset_config", "--dataset-config", type=Path, metavar="FILE",
                       help="TOML with [[datasets]]; its keys are described in docs/training.md")  # fmt: skip
    group.add_argument("--face-models", type=Path, metavar="DIR",
                       help="folder of the released face models, for identity embeddings (without: zeros)")  # fmt: skip
    group.add_argument("--workers", type=int, metavar="N", help="parallel processes (one per CPU core, at most 4)")


def run(arguments: argparse.Namespace) -> int:
    from ..errors import SettingsError
    from ..training.data.load_encoders import EncoderFiles
    from ..training.data.prepare_videos import prepare_videos
    from ..training.data.summary import summary_lines
    from .machine import TerminalRuntime, chosen_device

    missing = [
        flag
        for flag, given in (
            ("--dataset_config", arguments.dataset_config),
            ("--vae", arguments.vae),
            ("--speech-encoder", arguments.speech_encoder),
        )
        if not given
    ]
    if missing:
        raise SettingsError(f"Preparing videos needs {', '.join(missing)}. docs/training.md has an example.")
    workers = arguments.workers if arguments.workers is not None else min(os.cpu_count() or 1, MOST_WORKERS)
    if workers < 1:
        raise SettingsError(f"--workers is {workers}; choose 1 or more.")
    runtime = TerminalRuntime(chosen_device(arguments.device))
    if not arguments.face_models:
        runtime.notify("Without --face-models, identity embeddings are zeros.")
    files = EncoderFiles(arguments.vae, arguments.speech_encoder, str(arguments.face_models or ""))
    for line in summary_lines(prepare_videos(arguments.dataset_config, files, runtime, workers, runtime.progress)):
        sys.stdout.write(f"{line}\n")
    return 0
