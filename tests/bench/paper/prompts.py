"""Figure 15: the same portrait and the same voice with each prompt, and which expression the frames show."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from quality.clips import SPLIT, SmallPipeline
from quality.text import SETTLED_SECONDS

from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.timeline.prompts import TextEncoder, encode_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.training.cartoons import EXPRESSIONS, FPS, Direction, Mood, performance
from hallo2_core.training.cartoons.captions import MOODS
from hallo2_core.training.expression_reading import ExpressionReader, expression_reader

from .long_videos import as_levels, save_strip

SHOWN = 4  # frames of each strip, of those after the first second


def prompt_of(expression: str) -> str:
    return f"a person talks {MOODS[expression][0]}"


def prompted(
    pipeline: SmallPipeline,
    models: Hallo2Models,
    encoder: TextEncoder,
    seed: int,
    expression: str,
    seconds: float,
    strip: Path,
) -> dict[str, Any]:
    """models: with the text adapter. The portrait is neutral; frames count from a second on, as in the bench.

    Returns the share of frames that shows each expression: of the made ones, and of drawn ones through the VAE.
    """
    played = performance(seed, SPLIT, seconds, Direction((Mood(0.0, expression),)))
    portrait = pipeline.portrait(seed, played, is_neutral=True)
    prompts = encode_prompts(f"0- {prompt_of(expression)}", encoder, Transition())
    clip = pipeline.clip_of(seed, played, portrait, prompts, models)
    reader = _reader(seed, pipeline.settings.size_px)
    settled = round(SETTLED_SECONDS * FPS)

    def shares(frames: torch.Tensor) -> list[float]:
        read = reader.read(frames)[settled:]
        return [float((read == number).float().mean()) for number in range(len(EXPRESSIONS))]

    some = torch.linspace(settled, len(clip.made) - 1, SHOWN).long()
    save_strip([frame for frame in as_levels(clip.made[some])], strip)
    return {"shares": shares(clip.made), "drawn": shares(clip.decoded)}


@cache
def _reader(seed: int, size_px: int) -> ExpressionReader:
    return expression_reader(seed, SPLIT, size_px)
