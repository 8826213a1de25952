"""Write an untrained text-control adapter, as the starting point for training.

No adapter has been released. Until one is trained, prompts have no effect; this file defines the format.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DEMO, RELEASED = "demo", "released"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--model", choices=(RELEASED, DEMO), default=RELEASED,
                        help="the model it fits: net.pth, or the demo")  # fmt: skip
    parser.add_argument("--hidden-width", type=int, metavar="N", help="hidden width of its MLPs (256)")


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from ..checkpoints.demo import DEMO_HALLO2
    from ..checkpoints.text_control import write_new_adapter
    from ..config import TextControlConfig
    from ..errors import SettingsError

    config = TextControlConfig.fitting(DEMO_HALLO2.unet) if arguments.model == DEMO else TextControlConfig()
    if arguments.hidden_width is not None:
        if arguments.hidden_width < 1:
            raise SettingsError(f"The hidden width is {arguments.hidden_width}; choose 1 or more (256 is usual).")
        config = replace(config, hidden_width=arguments.hidden_width)
    write_new_adapter(arguments.target, config)
    megabytes = arguments.target.stat().st_size / 1e6
    sys.stderr.write(f"{arguments.target} written ({megabytes:.1f} MB). It has no effect until it is trained.\n")
    return 0
