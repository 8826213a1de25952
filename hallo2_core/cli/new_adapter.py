"""Write an untrained text-control adapter, as the starting point for training.

No adapter for net.pth has been released. Until one is trained, its prompts have no effect; this file defines the
format.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .named_file import DEMO
from .output import tell

RELEASED = "released"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--model", choices=(RELEASED, DEMO), default=RELEASED,
                        help="the model it fits: net.pth, or the demo")  # fmt: skip
    parser.add_argument("--hidden-width", type=int, metavar="N", help="hidden width of its MLPs (256)")


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from ..checkpoints.small_model import SMALL_HALLO2, SMALL_TEXT
    from ..checkpoints.text_control import EMBEDDING, SMALL_EMBEDDING, write_new_adapter
    from ..config import TextControlConfig
    from ..errors import SettingsError

    config, embedding = TextControlConfig(), EMBEDDING
    if arguments.model == DEMO:
        config = replace(TextControlConfig.fitting(SMALL_HALLO2.unet), text_width=SMALL_TEXT.text_width)
        embedding = SMALL_EMBEDDING
    if arguments.hidden_width is not None:
        if arguments.hidden_width < 1:
            raise SettingsError(f"The hidden width is {arguments.hidden_width}; choose 1 or more (256 is usual).")
        config = replace(config, hidden_width=arguments.hidden_width)
    write_new_adapter(arguments.target, config, embedding)
    megabytes = arguments.target.stat().st_size / 1e6
    tell(f"{arguments.target} written ({megabytes:.1f} MB). It has no effect until it is trained.")
    return 0
