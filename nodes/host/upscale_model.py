"""The host's UPSCALE_MODEL, as what draws all but the faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ...hallo2_core.errors import SettingsError
from ...hallo2_core.models.fingerprint import weights_fingerprint
from ...hallo2_core.models.layers import compute_dtype_of
from .networks import Managed, managed
from .runtime import HostRuntime

if TYPE_CHECKING:
    from ...hallo2_core.upscaling.background import Background


def picture_upscaler(model: Any) -> tuple[Managed, ...]:  # noqa: ANN401 - spandrel's descriptor
    """The host's UPSCALE_MODEL, which its loader leaves to whoever uses it, under the memory manager; () for none."""
    if model is None:
        return ()
    if (model.input_channels, model.output_channels) != (3, 3):
        raise SettingsError(
            f"The upscale model turns {model.input_channels} channels into {model.output_channels}; a video has 3. "
            f"Choose one for colour pictures, for example RealESRGAN_x2."
        )
    return (managed(model, model.model, whole=True),)


def background_of(drawer: Managed | None = None, *, runtime: HostRuntime) -> tuple[Background, str]:
    """What draws all but the faces, and its name in a job's key: the upscale model, or plain resampling."""
    from ...hallo2_core.upscaling.background import TiledBackground, resample

    if drawer is None:
        return resample, "resampled"
    name = weights_fingerprint({"upscale_model.": drawer.payload.model})
    return TiledBackground(HostPictureUpscaler(drawer.payload, runtime), runtime), name


class HostPictureUpscaler:
    """`PictureUpscaler` over the host's UPSCALE_MODEL."""

    def __init__(self, model: Any, runtime: HostRuntime) -> None:  # noqa: ANN401 - spandrel's descriptor
        self.scale = int(model.scale)
        self._model, self._runtime = model, runtime

    def __call__(self, picture: Tensor) -> Tensor:
        self._runtime.ready(self._model.model)
        return self._model(picture.to(self._runtime.device, compute_dtype_of(self._model.model)))
