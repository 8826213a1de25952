"""The conditioning of the denoising UNet, computed once per video and once per clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from .attention_recorder import AttentionRecorder
from .audio_attention import AudioConditions
from .layers import KeyValues
from .merged_keys import MergedKeys
from .motion_module import MotionConditions
from .spatial_attention import ReferenceKeys
from .text_control import TextModulation


@dataclass(frozen=True)
class PortraitConditions:
    """Constant over the whole video. Mappings: block path → one entry per layer."""

    reference_keys: Mapping[str, tuple[KeyValues, ...]]  # (r l d): the unconditional and the conditional bank
    face_keys: Mapping[str, tuple[KeyValues | MergedKeys, ...]]  # b rows
    face_map: Tensor  # (b c h w), added after conv_in; zeros for the unconditional half
    masks: tuple[Tensor, ...]  # per level (3 1 l), or (3 f l) if they differ between frames: pose, face, lip

    def reference(self, path: str, layer: int, rows: Sequence[int]) -> ReferenceKeys | None:
        """rows: the bank of each conditional frame; empty if no frame attends to a portrait."""
        return ReferenceKeys(self.reference_keys[path][layer], rows) if rows else None


@dataclass(frozen=True)
class LayerConditions:
    """Inputs of one resnet → spatial → audio → motion layer, constant over the steps of a clip."""

    reference: ReferenceKeys | None  # None: no clip of the batch attends to a portrait
    face: KeyValues | MergedKeys
    audio: AudioConditions | None  # None: single pictures in training, as for `motion`
    motion: MotionConditions | None
    text: TextModulation | None = None  # None: no prompt acts in this clip
    recorder: AttentionRecorder | None = None  # records attention; changes nothing


@dataclass(frozen=True)
class ClipConditions:
    """Constant over the denoising steps of one clip."""

    layers: Mapping[str, tuple[LayerConditions, ...]]
    face_map: Tensor  # (b c h w)

    def with_text(self, text: Mapping[str, tuple[TextModulation, ...]]) -> ClipConditions:
        """The same clip with prompts: block path → one entry per layer."""
        layers = {
            path: tuple(replace(layer, text=entry) for layer, entry in zip(block, text[path], strict=True))
            for path, block in self.layers.items()
        }
        return replace(self, layers=layers)

    @property
    def has_text(self) -> bool:
        return any(layer.text is not None for block in self.layers.values() for layer in block)

    def without_text(self) -> ClipConditions:
        layers = {path: tuple(replace(layer, text=None) for layer in block) for path, block in self.layers.items()}
        return replace(self, layers=layers)

    def conditional_only(self) -> ClipConditions:
        """For a pass over the conditional half alone, without recomputing anything. b is 1."""
        cond_batch = self.face_map.shape[0]
        layers = {
            path: tuple(
                replace(
                    layer,
                    face=layer.face.last(),
                    motion=layer.motion.conditional_only(cond_batch),
                )
                for layer in block
            )
            for path, block in self.layers.items()
        }
        return replace(self, layers=layers, face_map=self.face_map[-1:])

    def recorded_by(self, recorder: AttentionRecorder | None) -> ClipConditions:
        """The same conditions; attention in the conditional half is recorded by `recorder` (None: not recorded)."""
        layers = {
            path: tuple(replace(layer, recorder=recorder) for layer in block) for path, block in self.layers.items()
        }
        return replace(self, layers=layers)
