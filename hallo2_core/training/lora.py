"""LoRA in training: instead of a stage's weights, low-rank updates of its linear layers are trained (peft).

peft replaces each linear layer by one that adds the update; nothing else in the networks changes. Exported files have
net.pth's names and are added to the weights on loading, so that inference knows nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..checkpoints.networks import PREFIXES
from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from peft import LoraConfig

ADAPTER = "default"  # peft's name of the only one
LORA_LAYERS = ("lora_A", "lora_B")


def add_lora_layers(network: nn.Module, adapts: Callable[[str], bool], rank: int, alpha: float, seed: int) -> None:
    """In place: every linear layer whose weight `adapts` names gets an update of this rank, which begins at zero; all
    other parameters are frozen. Updates are float32, whatever the dtype of their layer. seed: of their first factors.
    Errors: MissingDependencyError."""
    layers = [
        path for path, layer in network.named_modules() if isinstance(layer, nn.Linear) and adapts(f"{path}.weight")
    ]
    inject, config = _peft(rank, alpha, layers)
    torch.manual_seed(seed)
    inject(config, network, adapter_name=ADAPTER)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_lora(name))
        if is_lora(name):
            parameter.data = parameter.data.float()


def is_lora(name: str) -> bool:
    return any(f".{layer}." in name for layer in LORA_LAYERS)


@contextmanager
def without_lora(network: nn.Module) -> Iterator[None]:
    """The network's layers do not add their updates inside the context."""
    layers = [layer for layer in network.modules() if hasattr(layer, "lora_alpha")]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def lora_alpha(network: nn.Module) -> float | None:
    """None for a network without LoRA layers."""
    return next((layer.lora_alpha[ADAPTER] for layer in network.modules() if hasattr(layer, "lora_alpha")), None)


def lora_tensors(network: nn.Module) -> dict[str, Tensor]:
    """As in `checkpoints.lora`: `<layer in net.pth>.lora_A.weight` and `.lora_B.weight`."""
    return {
        _file_name(name).replace(f".{ADAPTER}.", "."): parameter
        for name, parameter in network.named_parameters()
        if is_lora(name)
    }


def _file_name(name: str) -> str:
    network, _, below = name.partition(".")
    return PREFIXES[network] + below


def _peft(rank: int, alpha: float, layers: list[str]) -> tuple[Callable[..., nn.Module], LoraConfig]:
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingDependencyError.of_extra("lora_rank", "peft", "train", error, "leave lora_rank at 0") from error
    return inject_adapter_in_model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers)
