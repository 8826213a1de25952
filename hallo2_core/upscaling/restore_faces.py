"""One face through a window of frames, restored."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..memory_retry import attempts
from ..models.finite import check_finite
from ..models.layers import compute_dtype_of
from ..models.upscaler.upscaler import Upscaler
from ..runtime import Runtime

SHORTAGE_ADVICE = (
    "Choose a smaller window or a smaller result, weights of fewer bits (fp16, bf16), or close other programs that use "
    "the device."
)


class FaceRestorer:
    """Restores one face at a time.

    The network processes frames one by one in any case. In a batch of faces the last bits would depend on the other
    faces in view, so a resumed video would not have the same frames.
    """

    def __init__(self, upscaler: Upscaler, fidelity: float, runtime: Runtime) -> None:
        self._upscaler, self._fidelity, self._runtime = upscaler, fidelity, runtime
        self._parks_features = False  # on the CPU, after running out of memory: slower, same bits

    def __call__(self, crops: Tensor) -> Tensor:
        """crops: (f 3 s s), 0..1, one face through time. Returns them restored, on the same device.

        Raises MemoryShortageError, and PrecisionError if values exceed the dtype's range.
        """
        restorer, runtime = self._upscaler.restorer, self._runtime
        for attempt in attempts(runtime, SHORTAGE_ADVICE):
            self._parks_features = self._parks_features or attempt.is_retry
            with attempt:
                runtime.ready(restorer)
                given = (crops * 2 - 1).to(runtime.device, compute_dtype_of(restorer))
                drawn = restorer(
                    rearrange(given, "f c h w -> 1 f c h w"),
                    fidelity=self._fidelity,
                    between_frames=runtime.check_cancelled,
                    parks_features=self._parks_features,
                ).frames
                frames = rearrange(drawn.to(crops.device, torch.float32), "1 f c h w -> f c h w")
                check_finite(frames, "The restored faces", restorer, "Load Upscaler (Hallo2)")
                frames = frames.clamp(-1.0, 1.0) / 2 + 0.5
        return frames
