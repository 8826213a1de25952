"""Text: prompts over time, judged by a reader fitted to drawings of the same actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from hallo2_core.checkpoints.demo import FULL_PRECISION
from hallo2_core.checkpoints.text_control import load_text_adapter, with_text_adapter
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.payloads import Portrait
from hallo2_core.timeline.prompts import TextEncoder, encode_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.training.cartoons import EXPRESSIONS, FPS, Direction, Mood, performance
from hallo2_core.training.cartoons.captions import MOODS
from hallo2_core.training.expression_reading import ExpressionReader, expression_reader, seconds_to_recognition

from .clips import SPLIT, SmallPipeline
from .figures import Figure

SETTLED_SECONDS = 1.0  # after a change the expression has to be there


@dataclass(frozen=True)
class Asked:
    """Two expressions, one after the other, the second one half-way."""

    first: str
    second: str

    def direction(self, seconds: float) -> Direction:
        return Direction((Mood(0.0, self.first), Mood(seconds / 2, self.second)))

    def timeline(self, seconds: float) -> str:
        half = f"{seconds / 2:g}"
        return f"0-{half} a person talks {MOODS[self.first][0]}; {half}- a person talks {MOODS[self.second][0]}"


def asked_of(number: int) -> Asked:
    """All pairs of two different expressions, in turn."""
    pairs = [(one, other) for one in EXPRESSIONS for other in EXPRESSIONS if one != other]
    return Asked(*pairs[number * 7 % len(pairs)])


def text_figures(
    pipeline: SmallPipeline, adapter: Path, encoder: TextEncoder, seeds: Sequence[int], seconds: float
) -> list[Figure]:
    models = with_text_adapter(pipeline.models, load_text_adapter(adapter, FULL_PRECISION))
    recognized: list[tuple[bool, bool, bool]] = []
    for number, seed in enumerate(seeds):
        asked = asked_of(number)
        prompts = encode_prompts(asked.timeline(seconds), encoder, Transition())
        played = performance(seed, SPLIT, seconds, asked.direction(seconds))
        portrait = pipeline.portrait(seed, played, is_neutral=True)
        clip = pipeline.clip_of(seed, played, portrait, prompts, models)
        reader = expression_reader(seed, SPLIT, pipeline.settings.size_px)
        recognized.append(tuple(is_recognized(reader, frames, asked) for frames in clip.kinds))
        if number == 0:
            changed = float(not is_unchanged_by_nothing(pipeline, portrait, played.samples, encoder, models))
    shares = [fmean([float(found[kind]) for found in recognized]) for kind in range(3)]
    return [
        Figure("clips whose expressions are recognized", shares[0], 0.9, truth=shares[1], through_vae=shares[2]),
        Figure("clips that an empty timeline changes", changed, most=0.0),
    ]


def is_recognized(reader: ExpressionReader, frames: Tensor, asked: Asked) -> bool:
    """Whether each half shows what was asked for: within a second of its beginning, and in most frames afterwards."""
    read, half, settled = reader.read(frames), len(frames) // 2, round(SETTLED_SECONDS * FPS)
    for name, span in ((asked.first, read[:half]), (asked.second, read[half:])):
        expression = EXPRESSIONS.index(name)
        seconds = seconds_to_recognition(span, expression, FPS)
        stays = float((span[min(settled, half - 1) :] == expression).float().mean()) > 0.5
        if seconds is None or seconds > SETTLED_SECONDS or not stays:
            return False
    return True


def is_unchanged_by_nothing(
    pipeline: SmallPipeline, portrait: Portrait, samples: Tensor, encoder: TextEncoder, models: Hallo2Models
) -> bool:
    """Whether the first clip with the adapter and an empty timeline is that without either, bit for bit."""
    empty = encode_prompts("", encoder, Transition())
    samples = samples[: pipeline.settings.clip_frames * 640]
    with_adapter = next(pipeline.talk(portrait, samples, text=empty, models=models))
    return torch.equal(with_adapter, next(pipeline.talk(portrait, samples)))
