"""Train a network, or export its weights to a file.

STAGE is stage1 or stage2, of the released model; vae, speech, joint, text_encoder, text or joint_text, of the small
one; distil, for few steps, of both; or one of the upscaler's. FILE is its configuration (TOML). A stopped run resumes
where it was. Several processes: accelerate launch -m hallo2_core train STAGE --config FILE, or --ray on a Ray cluster.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from .output import tell

STAGE_NAMES = (
    "vae", "speech", "joint", "text_encoder", "text", "joint_text", "stage1", "stage2", "distil",
    "upscaler_drawing", "upscaler_autoencoder", "upscaler_codes", "upscaler_fusion", "upscaler_alignment",
    "upscaler_latents",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stage", choices=STAGE_NAMES, metavar="STAGE", help=", ".join(STAGE_NAMES))
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML; see docs/training.md")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="OUT.safetensors",
        help="instead of training, write the averaged weights of the newest checkpoint, in float16; joint_text writes "
        "its adapter beside them, as OUT_text_adapter.safetensors",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all; on a cluster: 1 per process)")
    parser.add_argument("--ray", metavar="ADDRESS", help="train on a running Ray cluster: auto or HOST:PORT; 'local' "
                        "starts one here")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="with --ray: processes, each with a GPU if "
                        "there are any (1)")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    import torch

    from ..training.export import export_stage
    from ..training.loop import averaged_weights, train
    from ..training.stages import configured_stage

    logging.getLogger("hallo2").setLevel(logging.INFO)
    if arguments.ray is not None and arguments.export is None:
        from ..farm.training import Workers, train_on_cluster

        workers = Workers(arguments.ray, arguments.workers, arguments.threads or 1)
        train_on_cluster(arguments.stage, arguments.config, workers)
        return 0
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    stage, settings = configured_stage(arguments.stage, arguments.config)
    if arguments.export is None:
        train(stage, settings)
        return 0
    step = averaged_weights(stage, settings)
    export_stage(stage, arguments.export)
    megabytes = arguments.export.stat().st_size / 1e6
    tell(f"{arguments.export}: the weights of step {step} ({megabytes:.1f} MB)")
    return 0
