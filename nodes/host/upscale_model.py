"""The host's UPSCALE_MODEL, as the upscaler of the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ...hallo2_core.errors import SettingsError
from ...hallo2_core.models.fingerprint import weights_fingerprint
from ...hallo2_core.models.layers import compute_dtype_of
from .networks import Managed, patcher_of
from .runtime import HostRuntime

if TYPE_CHECKING:
    from ...hallo2_core.upscaling.background import Background


def picture_upscaler(model: Any) -> tuple[Managed, ...]:  # noqa: ANN401 - spandrel's descriptor
    """The host's UPSCALE_MODEL under the memory manager; () for none.

    Newer hosts' loader attaches a patcher to the descriptor. Older ones leave the weights unmanaged: there, ours is
    attached in the same attribute. The loader's cache keeps the descriptor between runs; a patcher freed before the
    module would leave its weights on the device, and the host would collect garbage at every later load.
    """
    if model is None:
        return ()
    if (model.input_channels, model.output_channels) != (3, 3):
        raise SettingsError(
            f"The upscale model turns {model.input_channels} channels into {model.output_channels}; a video has 3. "
            f"Choose one for color pictures, for example RealESRGAN_x2."
        )
    if getattr(model, "patcher", None) is None:
        model.patcher = patcher_of(model.model)
    return (Managed(model, (model.patcher,), whole=True),)


def upscaling_bytes(model: Any, width: int, height: int) -> float:  # noqa: ANN401 - spandrel's descriptor
    """Memory that the UPSCALE_MODEL needs besides its weights for frames of width x height; 0 for none."""
    from ...hallo2_core.upscaling.estimate import drawn_bytes, tile_bytes

    return 0.0 if model is None else tile_bytes(model.scale) + drawn_bytes(width, height, model.scale)


def background_of(drawer: Managed | None = None, *, runtime: HostRuntime) -> tuple[Background, str]:
    """The background upscaler and its name in a job's key: the upscale model, or plain resampling."""
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
        module = self._model.model
        self._runtime.ready(module)
        if next(module.parameters()).device.type != self._runtime.device.type:
            module.to(self._runtime.device)  # older hosts' upscale node moves it without its patcher
        return self._model(picture.to(self._runtime.device, compute_dtype_of(module)))
