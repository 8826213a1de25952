"""Command-line options for prompts and weights over time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..timeline.transitions import SHAPES, Transition
from ..timeline.weights import WeightTimeline, parse_weights
from .named_file import DEMO, file_or

if TYPE_CHECKING:
    from ..models.hallo2_models import Hallo2Models
    from ..timeline.prompts import TextPrompts

ZERO = "zero"
USUAL = Transition()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("over time", "Prompts and weights over time; grammar: docs/timeline.md.")
    group.add_argument("--text", metavar="TIMELINE", help="timed prompts: '0-4.5 smiling; 4.5- serious'")
    group.add_argument("--text-adapter", type=file_or(ZERO, DEMO), metavar="FILE|zero|demo",
                       help="text-control adapter; none for net.pth has been released (demo model: demo)")  # fmt: skip
    group.add_argument(
        "--clip",
        type=Path,
        metavar="DIR",
        help="CLIP ViT-L/14, a folder in transformers' format (the demo's text encoder)",
    )
    group.add_argument("--text-strength", type=float, default=1.0, help="strength of the prompts, 0 to 3 (1)")
    group.add_argument(
        "--text-scale", type=float, default=1.0, help="guidance scale of the prompts alone; 1 is off (1)"
    )
    group.add_argument("--weights", metavar="TIMELINE", help="'lip 1.2 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5'")
    group.add_argument("--transition", type=float, default=USUAL.seconds, metavar="SECONDS",
                       help="transition between spans (0.5)")  # fmt: skip
    group.add_argument("--blend", choices=SHAPES, default=USUAL.shape, help="shape of the transition (linear)")


def check(arguments: argparse.Namespace) -> None:
    """Runs before any loading. Errors: TimelineError, SettingsError."""
    from ..timeline.prompts import parse_prompts

    chosen_weights(arguments)
    if arguments.text is not None:
        parse_prompts(arguments.text)
    elif arguments.text_adapter is not None:
        raise SettingsError("--text-adapter has no effect without --text. Add --text, or remove --text-adapter.")


def chosen_weights(arguments: argparse.Namespace) -> WeightTimeline | None:
    return None if arguments.weights is None else parse_weights(arguments.weights, _transition(arguments))


def encoded_text(arguments: argparse.Namespace) -> TextPrompts | None:
    from ..timeline.clip_encoder import load_clip_encoder
    from ..timeline.demo_encoder import DemoTextEncoder
    from ..timeline.prompts import encode_prompts

    if arguments.text is None:
        return None
    encoder = DemoTextEncoder() if arguments.clip is None else load_clip_encoder(arguments.clip)
    return encode_prompts(arguments.text, encoder, _transition(arguments))


def with_adapter(models: Hallo2Models, arguments: argparse.Namespace) -> Hallo2Models:
    """The models with the chosen adapter, in the dtype of their arithmetic. The demo model comes with its own."""
    from ..checkpoints import text_control as adapters
    from ..checkpoints.demo import demo_text_adapter
    from ..models.layers import Build, compute_dtype_of

    chosen = arguments.text_adapter
    if chosen is None and arguments.text is not None and arguments.model == DEMO:
        chosen = DEMO
    if chosen is None:
        return models
    build = Build(dtype=compute_dtype_of(models.denoising_unet))
    if chosen == ZERO:
        adapter = adapters.zero_text_adapter(models.config.unet, build)
    elif chosen == DEMO:
        adapter = demo_text_adapter(build)
    else:
        adapter = adapters.load_text_adapter(chosen, build)
    return adapters.with_text_adapter(models, adapter)


def _transition(arguments: argparse.Namespace) -> Transition:
    return Transition(arguments.transition, arguments.blend)
