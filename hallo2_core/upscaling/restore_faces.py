"""One face through a window of frames, restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ..memory_retry import attempts
from ..models.finite import check_finite
from ..models.layers import compute_dtype_of
from ..models.upscaler.upscaler import Upscaler
from ..models.upscaler.video_restorer import Encoded
from ..runtime import Runtime

SHORTAGE_ADVICE = (
    "Choose a smaller window or a smaller result, weights of fewer bits (fp16, bf16), or close other programs that use "
    "the device."
)


@dataclass(frozen=True)
class RestoredFace:
    """One face in one frame."""

    picture: Tensor  # (3 s s), 0..1
    encoded: Encoded | None  # the cut-out face through the encoder; None: dropped, no later window needs it


class FaceRestorer:
    """Restores one face at a time.

    The network processes frames one by one in any case. In a batch of faces the last bits would depend on the other
    faces in view, so a resumed video would not have the same frames.
    """

    def __init__(self, upscaler: Upscaler, fidelity: float, runtime: Runtime, device: torch.device) -> None:
        """device: of the results."""
        self._upscaler, self._fidelity, self._runtime, self._device = upscaler, fidelity, runtime, device
        self._parks_features = False  # on the CPU, after running out of memory: slower, same bits

    def __call__(self, face: Sequence[Tensor | Encoded]) -> list[RestoredFace]:
        """face: through time, each frame cut out, (3 s s), 0..1, or encoded by an earlier window: the encoder sees one
        frame at a time. Returns each frame restored.

        Raises MemoryShortageError, and PrecisionError if values exceed the dtype's range.
        """
        restorer, runtime = self._upscaler.restorer, self._runtime
        for attempt in attempts(runtime, SHORTAGE_ADVICE):
            self._parks_features = self._parks_features or attempt.is_retry
            with attempt:
                runtime.ready(restorer)
                encoded = [self._encoded(frame) for frame in face]
                restored = restorer.restore(
                    Encoded.joined(encoded), fidelity=self._fidelity, between_frames=runtime.check_cancelled
                )
                check_finite(restored.scores, "The codes of faces", restorer, "Load Upscaler (Hallo2)")
                frames = rearrange(restored.frames.to(self._device, torch.float32), "1 f c h w -> f c h w")
                check_finite(frames, "The restored faces", restorer, "Load Upscaler (Hallo2)")
                frames = frames.clamp(-1.0, 1.0) / 2 + 0.5
        return list(map(RestoredFace, frames, encoded))

    def _encoded(self, frame: Tensor | Encoded) -> Encoded:
        if isinstance(frame, Encoded):
            return frame
        restorer, runtime = self._upscaler.restorer, self._runtime
        return restorer.encode(
            rearrange(frame * 2 - 1, "c h w -> 1 1 c h w").to(runtime.device, compute_dtype_of(restorer)),
            fidelity=self._fidelity,
            between_frames=runtime.check_cancelled,
            parks_features=self._parks_features,
        )
