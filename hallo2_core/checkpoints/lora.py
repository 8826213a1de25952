"""LoRA files: low-rank updates of linear layers (Hu et al., 2021), added to the weights when a model is loaded.

Each updated layer has two tensors, `lora_A.weight` (r in) and `lora_B.weight` (out r), below its name in net.pth. The
metadata has alpha; as in peft, the update is alpha / r × B A. That of a few-step LoRA also has the steps and the
guidance that it was made for, by stage `distil`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import CheckpointError
from ..models.hallo2_models import FewSteps, Hallo2Models
from ..models.layers import Build
from ..storage.durable import replace_file
from ..storage.json_text import parse_json
from .detect import Shapes, file_content
from .networks import PREFIXES, with_fingerprint, with_new_networks
from .read import Weights, check_numbers, read_tensors

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
    weights = _opened(path)
    alpha, _ = _facts(weights)
    layers = sorted(key.removesuffix(DOWN) for key in weights if key.endswith(DOWN))
    odd = sorted(set(weights) ^ {layer + end for layer in layers for end in (DOWN, UP)})
    if odd or not layers:
        raise CheckpointError(
            f"{weights.path.name} is not a whole LoRA: {odd[0] if odd else 'a layer'} is missing or has no partner. "
            f"Export it again."
        )
    check_numbers(weights)
    return {
        layer: LowRankUpdate(weights[layer + DOWN], weights[layer + UP], alpha / weights[layer + DOWN].shape[0])
        for layer in layers
    }


def few_steps_of(path: Path | str) -> FewSteps | None:
    """How to sample with the LoRA; None if it is not one for few steps. Errors: CheckpointError."""
    _, few_steps = _facts(_opened(path))
    return few_steps


def with_lora(models: Hallo2Models, path: Path | str, strength: float, build: Build) -> Hallo2Models:
    """The models with the LoRA's updates times `strength`. The given ones do not change: networks with updates are new,
    and all weights without one keep their memory. build: of the new networks. Errors: those of `add_lora`."""
    updates = _updates_for(models, path)
    names = [name for name, prefix in PREFIXES.items() if any(layer.startswith(prefix) for layer in updates)]
    adapted = with_new_networks(models, names, build)
    _add(adapted, updates, strength)
    return with_fingerprint(_sampled_as(adapted, path))


def add_lora(models: Hallo2Models, path: Path | str, strength: float = 1.0) -> Hallo2Models:
    """In place; returns the same networks. Errors: CheckpointError if a layer does not fit."""
    _add(models, _updates_for(models, path), strength)
    return _sampled_as(models, path)


def _sampled_as(models: Hallo2Models, path: Path | str) -> Hallo2Models:
    return replace(models, few_steps=few_steps_of(path) or models.few_steps)


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


def write_lora(
    tensors: Mapping[str, Tensor],
    alpha: float,
    path: Path,
    dtype: torch.dtype = torch.float16,
    few_steps: FewSteps | None = None,
) -> None:
    """tensors: named as in the file.  few_steps: of a LoRA that was made for few steps. Atomic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"format": FORMAT, "alpha": alpha} | ({"few_steps": asdict(few_steps)} if few_steps else {})
    metadata = {"format": "pt", METADATA_KEY: json.dumps(facts)}
    replace_file(path, save({key: x.detach().to("cpu", dtype).contiguous() for key, x in tensors.items()}, metadata))


def _opened(path: Path | str) -> Weights:
    weights = read_tensors(path)
    if METADATA_KEY not in weights.metadata:
        raise CheckpointError(
            f"{weights.path.name} seems to be {file_content(weights.shapes).value}, not a LoRA for Hallo2: its "
            f"metadata has no '{METADATA_KEY}'. Choose a file written by 'hallo2 train … --export' with lora_rank."
        )
    return weights


def _facts(weights: Weights) -> tuple[float, FewSteps | None]:
    """alpha, and how to sample with a few-step LoRA. Errors: CheckpointError."""
    try:
        facts = parse_json(weights.metadata[METADATA_KEY])
        number, alpha, made_for = facts["format"], float(facts["alpha"]), facts.get("few_steps")
        few_steps = made_for and FewSteps(int(made_for["steps"]), float(made_for["guidance"]))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise CheckpointError(f"The metadata of {weights.path.name} is damaged ({error!r}). Export it again.") from None
    if number != FORMAT:
        raise CheckpointError(
            f"{weights.path.name} is a LoRA of format {number}; this version reads format {FORMAT}. Update the pack."
        )
    return alpha, few_steps
