"""How the UNets run their layers: directly, or recomputed in the backward pass, which saves memory in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch.utils.checkpoint import checkpoint


class RunLayer(Protocol):
    def __call__(self, layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401 - those of the layer
        """layer(*inputs)."""


def directly(layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401
    return layer(*inputs)


def recomputed(layer: Callable[..., Any], *inputs: Any) -> Any:  # noqa: ANN401
    """Gradient checkpointing (Chen et al., 2016): the layer's activations are not kept, but computed a second time for
    its gradients. No layer draws random numbers, so both computations are the same."""
    return checkpoint(layer, *inputs, use_reentrant=False, preserve_rng_state=False)
