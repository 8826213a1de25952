"""Values of widgets and wires: numbers, choices and texts as a saved workflow can hold them, sounds and pictures."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor

from hallo2_core.animation.acceleration import Acceleration
from hallo2_core.animation.motion_settings import ClipConfig, PatchDropConfig
from hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
from hallo2_core.audio.waveform import audio_from_comfy
from hallo2_core.config import check_frame_size
from hallo2_core.downloads.endpoint import chosen_endpoint
from hallo2_core.inspection.attention_maps import MapSettings
from hallo2_core.jobs.actions import act_on
from hallo2_core.portrait.picture import as_mask, as_picture
from hallo2_core.timeline.masking import Masking
from hallo2_core.timeline.transitions import Transition
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.upscaling.target_size import target_size
from hallo2_core.video.metadata import MetadataChoice
from hallo2_core.video.settings import VideoSettings

from .target import Target, text_of
from .work import JSON

KINDS = {
    kind.__name__: kind
    for kind in (
        Acceleration,
        ClipConfig,
        PatchDropConfig,
        RegionWeights,
        SamplerConfig,
        MapSettings,
        Masking,
        Transition,
        UpscaleSettings,
        VideoSettings,
        MetadataChoice,
    )
}
REQUIRED = {UpscaleSettings: {"width_px": 64, "height_px": 64}, Masking: {"terms": ("a",)}}
DTYPES = (torch.float32, torch.uint8, torch.int16, torch.float16, torch.bool, torch.complex64, torch.int64)


def settings(data: bytes, _folder: Path) -> object:
    """The first line chooses the settings; the rest is a JSON object of widget values. The host checks their types,
    which are taken from the field's default, but not that numbers are finite."""
    name, _, text = text_of(data).partition("\n")
    kind = KINDS.get(name) or KINDS[sorted(KINDS)[len(name) % len(KINDS)]]
    given = _object(text)
    known = {field.name: str(field.type) for field in fields(kind)}
    given = REQUIRED.get(kind, {}) | given
    made = kind(**{key: x for key, x in given.items() if key in known and (type(x) is tuple or _fits(x, known[key]))})
    for key in known:
        value = getattr(made, key)
        assert not isinstance(value, float) or math.isfinite(value), f"{name}.{key} is {value}"
    return made


def inputs(data: bytes, _folder: Path) -> object:
    """Widgets that are not fields of settings."""
    given = _object(text_of(data))
    size = given.get("width"), given.get("height")
    if all(_fits(side, "int") and side > 0 for side in size):
        target_size(*size, scale=_number(given.get("scale")), long_side=None if "scale" in given else 512)
        check_frame_size(*size)
    jobs = str(given.get("jobs", ""))
    return act_on([], str(given.get("action", "move")), jobs.replace(",", " ").split()), chosen_endpoint(jobs, {})


def wires(data: bytes, _folder: Path) -> object:
    """Tensors of any shape, dtype and values as AUDIO, IMAGE and MASK."""
    tensor = _tensor(data)
    kind = data[0] % 3 if data else 0
    if kind == 0:
        audio = audio_from_comfy({"waveform": tensor, "sample_rate": float(data[0]) * 400 if data else None})
        assert audio.read(0, audio.samples).isfinite().all()
        return audio
    made = as_picture(tensor) if kind == 1 else as_mask(tensor, "face", 8, 8)
    assert 0 <= made.min() and made.max() <= 1 and made.shape[-1] == (3 if kind == 1 else 8)
    return made


def _tensor(data: bytes) -> Tensor:
    """The first bytes are the number of sides, the sides, and the dtype; the rest are the values."""
    count = data[1] % 6 if len(data) > 1 else 0
    sides = [side % 9 for side in data[2 : 2 + count]]
    dtype = DTYPES[data[-1] % len(DTYPES)] if data else torch.float32
    needed = math.prod(sides) * dtype.itemsize
    if needed > 1 << 20 or not needed:
        return torch.zeros(sides, dtype=dtype)
    content = bytearray((data[2 + count :] or b"\0") * needed)[:needed]
    return torch.frombuffer(content, dtype=torch.uint8).view(dtype).reshape(sides)


def _object(text: str) -> dict[str, object]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _fits(value: object, kind: str) -> bool:
    """Whether the host would let a value through to an input of this type."""
    if isinstance(value, bool):
        return "bool" in kind
    if isinstance(value, int):
        return "int" in kind or ("float" in kind and abs(value) < 2**64)
    if isinstance(value, float):
        return "float" in kind
    return isinstance(value, str) and ("str" in kind or "Literal" in kind)


def _number(value: object) -> float:
    return float(value) if _fits(value, "float") else 1.0


SETTINGS = (
    Target(
        "settings",
        settings,
        lambda: tuple(
            f'{name}\n{{"seed": 1, "rate": 0.5, "steps": 4, "quality": 5, "width_px": 64}}'.encode() for name in KINDS
        ),
        (
            *JSON,
            *(f'"{field.name}":'.encode() for kind in KINDS.values() for field in fields(kind)),
            *(f"{name}\n".encode() for name in KINDS),
        ),
    ),
    Target(
        "inputs",
        inputs,
        lambda: (b'{"width": 64, "height": 64, "scale": 2, "jobs": "https://huggingface.co", "action": "move"}',),
        (
            *JSON,
            b'"width":',
            b'"height":',
            b'"scale":',
            b'"jobs":',
            b'"action":',
            b'"http://[::1"',
            b'"remove"',
            b"1e308",
        ),
    ),
    Target(
        "wires",
        wires,
        lambda: (
            b"\x70\x04\x01\x08\x08\x03" + bytes(192),
            b"\x2d\x03\x01\x02\x08" + bytes(64),
            b"\x2f\x02\x08\x08\x01\x01" + bytes(255),
        ),
        (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x04\x01\x08\x08\x03", b"\x00", b"\xff"),
    ),
)
