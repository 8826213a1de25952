"""How networks are built of the host's layers, and handed to its model manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import comfy.model_management as mm
import comfy.model_patcher
import comfy.ops
import torch
from torch import nn

from ...hallo2_core.errors import SettingsError
from ...hallo2_core.models.layers import Build, compute_dtype_of
from .attention import HostAttention

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

Payload = TypeVar("Payload")

DTYPES = {"default": None, "fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
LARGEST_NETWORK_PARAMETERS = 1_520_000_000  # the released denoising UNet


class Layers(comfy.ops.manual_cast):
    """The host's layers, which it can cast and move one by one."""

    class Linear(comfy.ops.manual_cast.Linear):
        """Newer hosts leave a linear layer without weights until they are loaded, except where a subclass loads them
        itself. Ours are made on the meta device, where they cost nothing, and have names and shapes from the start."""

        def _load_from_state_dict(self, *args: Any) -> None:  # noqa: ANN401 - torch's own signature
            nn.Module._load_from_state_dict(self, *args)


def network_build(dtype: str) -> Build:
    """How networks are built for the host."""
    return Build(
        operations=Layers,
        attention=HostAttention(),
        dtype=_weight_dtype(dtype),
        device=mm.unet_offload_device(),
    )


def build_like(network: nn.Module) -> Build:
    """For what works beside a network: in its dtype."""
    return Build(
        operations=Layers, attention=HostAttention(), dtype=compute_dtype_of(network), device=mm.unet_offload_device()
    )


def _weight_dtype(choice: str) -> torch.dtype:
    if choice not in DTYPES:
        raise SettingsError(f"dtype is '{choice}'; choose one of {', '.join(DTYPES)}.")
    if choice != "default":
        return DTYPES[choice]
    chosen = mm.unet_dtype(mm.get_torch_device(), LARGEST_NETWORK_PARAMETERS)
    return chosen if chosen in DTYPES.values() else torch.float16  # the host may be set to fp8, which has no arithmetic


@dataclass(frozen=True)
class Managed(Generic[Payload]):
    """A payload with networks in it, and the host's handle on each of them. Who holds it keeps them loadable."""

    payload: Payload
    patchers: tuple[ModelPatcher, ...]
    whole: bool = False  # never loaded in part: its layers are not the host's


def managed(payload: Payload, *networks: nn.Module, whole: bool = False) -> Managed[Payload]:
    """Put networks under the host's memory manager."""
    return Managed(payload, tuple(map(patcher_of, networks)), whole)


def patcher_of(network: nn.Module) -> ModelPatcher:
    """The host's handle on a network: of the kind its own models have.

    Newer hosts have a kind that streams weights while they are used. Before one of the plain kind is loaded they unload
    all others; so one plain handle among dynamic ones costs everybody.
    """
    kind = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    return kind(network, mm.get_torch_device(), mm.unet_offload_device())


def with_network(held: Managed, payload: Payload, network: nn.Module) -> Managed[Payload]:
    """A payload that has one network more than the one that is held; the others keep their handles."""
    return Managed(payload, (*held.patchers, *managed(payload, network).patchers), held.whole)
