"""Networks built with the host's layers, under its model manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import comfy.model_management as mm
import comfy.model_patcher
import torch
from comfy.model_base import BaseModel
from torch import nn

from ...hallo2_core.models.layers import Build, compute_dtype_of, storage_dtype_of
from ...hallo2_core.models.precision import HALLO2_PRECISION, PrecisionNeeds
from .attention import HostAttention
from .precision import compute_dtype, host_layers, storage_dtype

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

Payload = TypeVar("Payload")


def network_build(choice: str, needs: PrecisionNeeds = HALLO2_PRECISION) -> Build:
    """The layer factory for the host. choice: one of `precision.DTYPES`."""
    storage = storage_dtype(choice, needs)
    return _build(storage, compute_dtype(storage, needs))


def build_like(network: nn.Module) -> Build:
    """For what works beside a network: stored and computed in the dtype of its arithmetic."""
    dtype = compute_dtype_of(network)
    return _build(dtype, dtype)


def build_of(network: nn.Module) -> Build:
    """The build that a network was made with."""
    return _build(storage_dtype_of(network), compute_dtype_of(network))


def _build(storage: torch.dtype, compute: torch.dtype) -> Build:
    return Build(
        operations=host_layers(storage, compute),
        attention=HostAttention(),
        dtype=storage,
        device=mm.unet_offload_device(),
        compute_dtype=compute,
    )


@dataclass(frozen=True)
class Managed(Generic[Payload]):
    """A payload with networks, and the host's handle for each of them, which keeps them loadable."""

    payload: Payload
    patchers: tuple[ModelPatcher, ...]
    whole: bool = False  # never loaded partially: its layers are not the host's


def managed(payload: Payload, *networks: nn.Module, whole: bool = False) -> Managed[Payload]:
    """Put networks under the host's memory manager."""
    return Managed(payload, tuple(map(patcher_of, networks)), whole)


def patcher_of(network: nn.Module, kind: type[ModelPatcher] | None = None) -> ModelPatcher:
    """The host's handle for a network. kind: None: the same as for its own models.

    Newer hosts have a kind that streams weights on use. Before loading a plain one, they unload all others; so a single
    plain handle among dynamic ones slows down all models.
    """
    kind = kind or getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    return kind(network, mm.get_torch_device(), mm.unet_offload_device())


def network_of(patcher: ModelPatcher) -> nn.Module:
    """The network that a handle is for, which a MODEL of the host's contains."""
    return patcher.model.diffusion_model if isinstance(patcher.model, BaseModel) else patcher.model


def with_networks(held: Managed, payload: Payload, *networks: nn.Module) -> Managed[Payload]:
    """A payload with these networks. Those that `held` has keep their handles."""
    known = {id(network_of(patcher)): patcher for patcher in held.patchers}
    return Managed(payload, tuple(known.get(id(network)) or patcher_of(network) for network in networks), held.whole)
