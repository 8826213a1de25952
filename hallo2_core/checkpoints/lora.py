"""LoRA files: low-rank updates of linear layers (Hu et al., 2021), added to the weights when a model is loaded.

Each updated layer has two tensors, `lora_A.weight` (r in) and `lora_B.weight` (out r), below its name in net.pth. The
metadata has alpha; as in peft, the update is alpha / r × B A.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..storage.durable import replace_file
from .detect import Shapes, file_content
from .networks import PREFIXES, with_fingerprint, with_new_networks
from .read import Weights, read_tensors

METADATA_KEY = "hallo2_lora"
FORMAT = 1
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class LowRankUpdate:
    down: Tensor  # (r in)
    up: Tensor  # (out r)
    scale: float

    @torch.no_grad()
    def added_to(self, weight: Tensor, strength: float = 1.0) -> Tensor:
        """weight: (out in).  Returns the updated one, computed in float32, in the weight's dtype and on its device."""
        down, up = (x.to(weight.device, torch.float32) for x in (self.down, self.up))
        return (weight.float() + strength * self.scale * (up @ down)).to(weight.dtype)


def read_lora(path: Path | str) -> dict[str, LowRankUpdate]:
    """By the names of the layers, as in net.pth. Errors: CheckpointError with the detected kind of file."""
    weights = read_tensors(path)
    if METADATA_KEY not in weights.metadata:
        raise CheckpointError(
            f"{weights.path.name} seems to be {file_content(weights.shapes).value}, not a LoRA for Hallo2: its "
            f"metadata has no '{METADATA_KEY}'. Choose a file written by 'hallo2 train … --export' with lora_rank."
        )
    alpha = _alpha(weights)
    layers = sorted(key.removesuffix(DOWN) for key in weights if key.endswith(DOWN))
    odd = sorted(set(weights) ^ {layer + end for layer in layers for end in (DOWN, UP)})
    if odd or not layers:
        raise CheckpointError(
            f"{weights.path.name} is not a whole LoRA: {odd[0] if odd else 'a layer'} is missing or has no partner. "
            f"Export it again."
        )
    return {
        layer: LowRankUpdate(weights[layer + DOWN], weights[layer + UP], alpha / weights[layer + DOWN].shape[0])
        for layer in layers
    }


def with_lora(models: Hallo2Models, path: Path | str, strength: float, build: Build) -> Hallo2Models:
    """The models with the LoRA's updates times `strength`. The given ones do not change: networks with updates are new,
    and all weights without one keep their memory. build: of the new networks. Errors: those of `add_lora`."""
    updates = _updates_for(models, path)
    names = [name for name, prefix in PREFIXES.items() if any(layer.startswith(prefix) for layer in updates)]
    adapted = with_new_networks(models, names, build)
    _add(adapted, updates, strength)
    return with_fingerprint(adapted)


def add_lora(models: Hallo2Models, path: Path | str, strength: float = 1.0) -> None:
    """In place. Errors: CheckpointError if a layer does not fit."""
    _add(models, _updates_for(models, path), strength)


def _updates_for(models: Hallo2Models, path: Path | str) -> dict[str, LowRankUpdate]:
    return fitting_lora(path, {key: tuple(parameter.shape) for key, parameter in _parameters(models).items()})


def _parameters(models: Hallo2Models) -> dict[str, nn.Parameter]:
    """By their names in net.pth."""
    return {
        prefix + key: parameter
        for name, prefix in PREFIXES.items()
        for key, parameter in getattr(models, name).named_parameters()
    }


def _add(models: Hallo2Models, updates: Mapping[str, LowRankUpdate], strength: float) -> None:
    own = _parameters(models)
    for layer, update in updates.items():
        parameter = own[f"{layer}.weight"]
        parameter.data = update.added_to(parameter.data, strength)


def fitting_lora(path: Path | str, shapes: Shapes) -> dict[str, LowRankUpdate]:
    """`read_lora` for a model with weights of these shapes. Errors: CheckpointError if a layer does not fit."""
    updates = read_lora(path)
    for layer, update in updates.items():
        shape = shapes.get(f"{layer}.weight")
        if shape != (update.up.shape[0], update.down.shape[1]):
            found = "is not part of this one" if shape is None else f"has the shape {shape} here"
            raise CheckpointError(
                f"{Path(path).name} was made for another model: {layer} {found}. Choose a LoRA that was trained on "
                f"this model."
            )
    return updates


def write_lora(tensors: Mapping[str, Tensor], alpha: float, path: Path, dtype: torch.dtype = torch.float16) -> None:
    """tensors: named as in the file. Atomic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt", METADATA_KEY: json.dumps({"format": FORMAT, "alpha": alpha})}
    replace_file(path, save({key: x.detach().to("cpu", dtype).contiguous() for key, x in tensors.items()}, metadata))


def _alpha(weights: Weights) -> float:
    try:
        facts = json.loads(weights.metadata[METADATA_KEY])
        number, alpha = facts["format"], float(facts["alpha"])
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"The metadata of {weights.path.name} is damaged ({error!r}). Export it again.") from None
    if number != FORMAT:
        raise CheckpointError(
            f"{weights.path.name} is a LoRA of format {number}; this version reads format {FORMAT}. Update the pack."
        )
    return alpha
