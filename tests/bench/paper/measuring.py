"""Measures what is not kept yet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from draw_attention_maps import CLIP, demo_maps
from quality.clips import Settings, SmallPipeline
from quality.long_video import VARIANTS

from hallo2_core.checkpoints.demo import TRAINED, demo_text_adapter
from hallo2_core.checkpoints.text_control import with_text_adapter
from hallo2_core.inspection.attention_plot import draw_overview
from hallo2_core.timeline.demo_encoder import DemoTextEncoder
from hallo2_core.training.actor_recognition import actor_recognizer
from hallo2_core.training.cartoons import EXPRESSIONS

from .enlarged import enlarged
from .kept import KeptResults, Result
from .long_videos import DRAWN, LongVideos
from .prompts import prompt_of, prompted
from .results import Results

MODEL = tuple(TRAINED / f"small_{name}.safetensors" for name in ("hallo2", "vae", "speech_encoder"))
TEXT = tuple(TRAINED / f"small_text_{name}.safetensors" for name in ("adapter", "encoder"))
UPSCALER = TRAINED / "small_upscaler.safetensors"


@dataclass(frozen=True)
class Budget:
    """How much is made; `paper_in_small.py --help` explains it. The defaults take about 14 processor minutes."""

    seconds: float = 6.4
    actors: int = 2
    first: int = 0
    text_seconds: float = 1.92
    upscaled_frames: int = 16
    fidelity: float = 1.0
    clip: int = CLIP


class Paper:
    """Networks are loaded when the first result needs them."""

    def __init__(self, budget: Budget, folder: Path) -> None:
        """folder: where results are kept."""
        self.budget, self._results = budget, KeptResults(folder)
        self._settings = Settings()

    @cached_property
    def pipeline(self) -> SmallPipeline:
        return SmallPipeline(*MODEL, self._settings)

    def results(self) -> Results:
        long: dict[str, list[Result]] = {variant: [] for variant in (DRAWN, *VARIANTS)}
        for seed in range(self.budget.first, self.budget.first + self.budget.actors):
            for variant in long:
                long[variant].append(self._long(variant, seed))
        prompts = {expression: self._prompted(expression) for expression in EXPRESSIONS}
        return Results(long, prompts, self._upscaler(), self._attention())

    def picture(self, name: str) -> Path:
        """Of the result of this name."""
        return self._results.folder / f"{name}.png"

    @cached_property
    def _videos(self) -> dict[int, LongVideos]:
        seeds = range(self.budget.first, self.budget.first + self.budget.actors)
        recognizer = actor_recognizer()
        return {seed: LongVideos(self.pipeline, recognizer, seed, self.budget.seconds) for seed in seeds}

    def _long(self, variant: str, seed: int) -> Result:
        name = long_name(variant, seed)
        drop = None if variant == DRAWN else asdict(VARIANTS[variant])
        settings = {"seed": seed, "seconds": self.budget.seconds, "patch_drop": drop, **self._sampling}
        return self._kept(name, settings, MODEL, lambda: self._videos[seed].measured(variant, self.picture(name)))

    def _prompted(self, expression: str) -> Result:
        seed, seconds, name = self.budget.first, self.budget.text_seconds, prompted_name(expression)

        def measure() -> Mapping[str, Any]:
            models = with_text_adapter(self.pipeline.models, demo_text_adapter())
            return prompted(self.pipeline, models, DemoTextEncoder(), seed, expression, seconds, self.picture(name))

        settings = {"seed": seed, "seconds": seconds, "prompt": prompt_of(expression), **self._sampling}
        return self._kept(name, settings, (*MODEL, *TEXT), measure)

    def _upscaler(self) -> Result:
        seed, frames, fidelity = self.budget.first, self.budget.upscaled_frames, self.budget.fidelity
        settings = {"seed": seed, "frames": frames, "fidelity": fidelity}

        def measure() -> Mapping[str, Any]:
            return enlarged(self.pipeline, UPSCALER, seed, frames, fidelity, self.picture("upscaler"))

        return self._kept("upscaler", settings, (MODEL[1], UPSCALER), measure)

    def _attention(self) -> Result:
        def measure() -> Mapping[str, Any]:
            maps = demo_maps(self.budget.clip)
            draw_overview(maps).save(self.picture("attention"), optimize=True)
            return {
                "portrait": float(maps.portrait_share.mean()),
                "portrait_if_even": 0.5,  # a frame and the portrait have as many tokens
                "motion": float(maps.motion_share.mean()),
                "motion_first": float(maps.motion_share[:2].mean()),
                "motion_last": float(maps.motion_share[-2:].mean()),
                "motion_if_even": maps.motion_frames / maps.over_time.shape[1],
            }

        return self._kept("attention", {"clip": self.budget.clip}, MODEL, measure)

    def _kept(
        self, name: str, settings: Mapping[str, Any], weights: Sequence[Path], measure: Callable[[], Mapping[str, Any]]
    ) -> Result:
        result = self._results.result(name, settings, weights, measure)
        sys.stderr.write(f"{name}: {result.measured}, {result.processor_seconds:.0f} processor seconds\n")
        return result

    @property
    def _sampling(self) -> dict[str, Any]:
        """What all videos have in common."""
        sampling = asdict(self._settings)
        del sampling["patch_drop"]
        return sampling


def long_name(variant: str, seed: int) -> str:
    return f"long_{variant.replace(' ', '_')}_{seed}"


def prompted_name(expression: str) -> str:
    return f"prompt_{expression}"
