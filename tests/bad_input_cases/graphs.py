"""What other nodes' wires may carry, below the host. At the nodes themselves: `host/test_refusals.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hallo2_core.animation.acceleration import Acceleration
from hallo2_core.animation.motion_settings import ClipConfig
from hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
from hallo2_core.audio.waveform import audio_from_comfy
from hallo2_core.portrait.picture import as_mask, as_picture
from hallo2_core.timeline.speakers import parse_speakers, parse_turns
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights
from hallo2_core.video.reader import probe
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.source import trimmed

from .case import Case, Place

LEVEL = torch.full((1, 4, 6, 3), 0.5)
TONE = torch.sin(torch.arange(800) / 5)


def audio(waveform: Any, rate: Any = 16000) -> dict[str, Any]:
    return {"waveform": waveform, "sample_rate": rate}


def given(function: Callable[..., Any], *values: Any) -> Callable[[Place], Any]:
    return lambda place: function(*values)


IMAGES = {
    "a list": ([LEVEL], "type list"),
    "an array": (np.zeros((1, 4, 6, 3)), "type ndarray"),
    "nothing": (None, "type NoneType"),
    "an empty batch": (torch.zeros(0, 4, 6, 3), "batch of pictures is empty"),
    "two channels": (torch.zeros(1, 4, 6, 2), "has shape (1, 4, 6, 2)"),
    "channels first": (torch.zeros(1, 3, 40, 60), "has shape (1, 3, 40, 60)"),
    "no pixels": (torch.zeros(1, 0, 6, 3), "has shape (1, 0, 6, 3)"),
    "a video batch": (torch.zeros(1, 2, 4, 6, 3), "has shape"),
    "NaN": (LEVEL * float("nan"), "NaN or infinite"),
    "0 to 255": (LEVEL * 255, "0 to 1 was expected"),
    "-1 to 1": (LEVEL * 2 - 2, "0 to 1 was expected"),
}
IMAGES_HANDLED = {
    "uint8": (LEVEL * 255).to(torch.uint8),
    "half": LEVEL.half(),
    "with gradients": LEVEL.clone().requires_grad_(),
    "one channel": LEVEL[..., :1],
    "no batch": LEVEL[0],
    "two pictures": LEVEL.expand(2, -1, -1, -1),
    "an opaque alpha": torch.cat([LEVEL, torch.ones(1, 4, 6, 1)], dim=-1),
}
SOUNDS = {
    "nothing": (None, "There is no sound"),
    "a list": ([TONE], "holds a list"),
    "no rate": ({"waveform": TONE}, "the keys ['waveform']"),
    "an array": (audio(np.zeros(8)), "expected a 'waveform' tensor"),
    "four axes": (audio(torch.zeros(1, 1, 1, 8)), "has shape"),
    "time before channels": (audio(torch.zeros(1, 800, 2)), "800 channels"),
    "no samples": (audio(torch.zeros(1, 1, 0)), "is empty"),
    "NaN": (audio(TONE * float("nan")), "not numbers"),
    "16-bit numbers in floats": (audio(TONE * 20000), "samples up to"),
    "complex": (audio(TONE.to(torch.complex64)), "expected float or integer"),
    "booleans": (audio(TONE > 0), "expected float or integer"),
    "a rate of 0": (audio(TONE, 0), "sample rate of 0 Hz"),
    "a rate of nan": (audio(TONE, float("nan")), "sample rate is nan"),
    "a rate in words": (audio(TONE, "fast"), "sample rate is 'fast'"),
}
SOUNDS_HANDLED = {
    "time alone": audio(TONE),
    "channels and time": audio(TONE[None]),
    "a batch of two": audio(TONE.expand(2, 1, -1)),
    "16 bits": audio((TONE * 32767).to(torch.int16)[None]),
    "a rate of 16000.0": audio(TONE, 16000.0),
    "half": audio(TONE.half()),
}
VALUES = {
    "steps of 0": (lambda: SamplerConfig(steps=0), "steps is 0"),
    "a guidance of nan": (lambda: SamplerConfig(guidance=float("nan")), "nan"),
    "a weight of infinity": (lambda: RegionWeights(lip=float("inf")), "inf"),
    "banks of none": (lambda: SamplerConfig(reference_banks="none"), "choose 'released' or 'aligned'"),
    "a solver of none": (lambda: Acceleration(solver="none"), "The solver is 'none'"),
    "more motion frames than frames": (lambda: ClipConfig(16, 17), "choose 1 to 16"),
    "a GIF": (lambda: VideoSettings(codec="gif"), "The codec is 'gif'"),
    "a mask of zeros": (lambda: as_mask(torch.zeros(4, 6), "face", 4, 6), "mask is empty"),
    "a mask of three axes": (lambda: as_mask(torch.zeros(1, 1, 4, 6), "face", 4, 6), "has shape"),
    "turns that cannot be read": (lambda: parse_turns("left and right"), "line 1"),
    "no speaker": (lambda: parse_speakers(""), "speaker"),
    "the same weight twice": (lambda: parse_weights("lip 1 @ 0-; lip 2 @ 3-", Transition()), "a second time"),
}


def trimmed_to(start: float, seconds: float) -> Callable[[Place], Any]:
    return lambda place: probe(trimmed(Path(place.path("media:plain.mp4")), start, seconds))


CASES = [
    *(Case(f"IMAGE: {name}", given(as_picture, value), said) for name, (value, said) in IMAGES.items()),
    *(Case(f"IMAGE: {name}", given(as_picture, value),
           is_right=lambda made: made.shape == (4, 6, 3) and bool(((made - 0.5).abs() < 0.01).all()))
      for name, value in IMAGES_HANDLED.items()),
    *(Case(f"AUDIO: {name}", given(audio_from_comfy, value), said) for name, (value, said) in SOUNDS.items()),
    *(Case(f"AUDIO: {name}", given(audio_from_comfy, value),
           is_right=lambda made: made.rate_hz == 16000 and made.samples == 800
           and bool(((made.read(0, 800) - TONE).abs() < 1e-3).all()))
      for name, value in SOUNDS_HANDLED.items()),
    *(Case(name, given(make), said) for name, (make, said) in VALUES.items()),
    Case("VIDEO trimmed beyond its end", trimmed_to(9.0, 1.0), "it has no frames"),
    Case("VIDEO trimmed to its middle", trimmed_to(0.04, 0.04), is_right=lambda made: made.width == 48),
]  # fmt: skip
