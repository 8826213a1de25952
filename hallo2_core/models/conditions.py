"""What the denoising UNet is given besides noise, computed once per video and once per clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from .audio_attention import AudioConditions
from .layers import KeyValues
from .spatial_attention import ReferenceKeys


@dataclass(frozen=True)
class PortraitConditions:
    """Constant over the whole video. Mappings go from a block's path to one entry per layer of it."""

    reference_keys: Mapping[str, tuple[KeyValues, ...]]  # (r l d): the unconditional and the conditional bank
    face_keys: Mapping[str, tuple[KeyValues, ...]]  # (b n d)
    face_map: Tensor  # (b c h w), added after conv_in; zeros for the unconditional half
    masks: tuple[Tensor, ...]  # per level (3 l): pose, face, lip


@dataclass(frozen=True)
class LayerConditions:
    """What one resnet → spatial → audio → motion layer is given, constant over the steps of a clip."""

    reference: ReferenceKeys
    face: KeyValues
    audio: AudioConditions
    motion: Tensor  # (b h w) m c


@dataclass(frozen=True)
class ClipConditions:
    """Constant over the denoising steps of one clip."""

    layers: Mapping[str, tuple[LayerConditions, ...]]
    face_map: Tensor  # (b c h w)
    frames: int
