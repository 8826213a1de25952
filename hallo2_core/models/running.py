"""How networks are run: layers directly, or recomputed in the backward pass, which saves memory in training; the steps
of a clip directly, or with something around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from .conditions import ClipConditions


class RunLayer(Protocol):
    def __call__(self, layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401 - those of the layer
        """layer(*inputs)."""


def directly(layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401
    return layer(*inputs)


def recomputed(layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401
    """Gradient checkpointing (Chen et al., 2016): the layer's activations are not kept, but computed a second time for
    its gradients. No layer draws random numbers, so both computations are the same."""
    return checkpoint(layer, *inputs, use_reentrant=False, preserve_rng_state=False)


class RunSteps(Protocol):
    """Runs a clip, its steps, and the denoising UNet in them. ComfyUI's node layer lets other nodes act there."""

    def clip(self, denoise: Callable[[Tensor], Tensor], noise: Tensor, timesteps: Sequence[int]) -> Tensor:
        """denoise(noise), all steps of a clip.  noise: (f 4 h w).  Returns the latents, the same shape."""

    def step(self, predict: Callable[[Tensor], Tensor], latents: Tensor, timestep: int) -> Tensor:
        """predict(latents).  latents: (f 4 h w).  Returns the guided v-prediction, the same shape."""

    def unet(self, unet: nn.Module, latents: Tensor, timestep: int, conditions: ClipConditions) -> Tensor:
        """unet(latents, timestep, conditions).  latents: (b f) 4 h w.  Returns the v-prediction, the same shape."""


class RunStepsDirectly:
    def clip(self, denoise: Callable[[Tensor], Tensor], noise: Tensor, timesteps: Sequence[int]) -> Tensor:
        return denoise(noise)

    def step(self, predict: Callable[[Tensor], Tensor], latents: Tensor, timestep: int) -> Tensor:
        return predict(latents)

    def unet(self, unet: nn.Module, latents: Tensor, timestep: int, conditions: ClipConditions) -> Tensor:
        return unet(latents, timestep, conditions)


STEPS_DIRECTLY = RunStepsDirectly()
