"""Weights file → networks: built on the meta device, then assigned the file's tensors. Nothing is copied twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from torch import nn

from ..config import Hallo2Config, VAEConfig
from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..models.vae import AutoencoderKL
from .detect import FileContent, Shapes, file_content, hallo2_config, vae_config
from .lora import add_lora
from .networks import PREFIXES, hallo2_networks, with_fingerprint
from .read import Weights, of_these_sizes, read_tensors
from .vae_keys import renamed_vae_keys
from .vae_scaling import check_latent_scaling
from .zeros import check_filled

Config = TypeVar("Config")


def load_hallo2(
    path: Path | str,
    build: Build | None = None,
    use_mmap: bool = True,
    lora: Path | str | None = None,
    lora_strength: float = 1.0,
    config: Hallo2Config | None = None,
    few_step: Path | str | None = None,
) -> Hallo2Models:
    """The five networks of `net.pth`, or of the same weights as safetensors.

    build.dtype: None keeps the file's; conversion happens once, tensor by tensor. build.device: target device; None
    leaves the weights mapped, so that bytes are read on use. use_mmap: see `read_tensors`. lora: a LoRA file, whose
    updates are multiplied by `lora_strength` and added to the weights. few_step: a few-step LoRA, added too.
    config: None reads the dimensions off the tensors' shapes, which do not tell the heads and the norm groups: these
    are the release's then.
    Errors: CheckpointError with the detected kind of file.
    """
    weights, found = open_hallo2(path, use_mmap)
    config = config or found
    build = with_dtype(build, weights)
    models = of_these_sizes(lambda: hallo2_networks(config, replace(build, device="meta")), weights.path.name)
    fill_hallo2(models, weights, build)
    if lora is not None:
        models = add_lora(models, lora, lora_strength)
    if few_step is not None:
        models = add_lora(models, few_step)
    return with_fingerprint(models)


def open_hallo2(path: Path | str, use_mmap: bool = True) -> tuple[Weights, Hallo2Config]:
    """The file's tensors, and the dimensions of the networks that they belong to. Errors: CheckpointError."""
    weights = _opened(Path(path), (FileContent.HALLO2,), "net.pth, or its safetensors", use_mmap)
    return weights, _config(weights, hallo2_config)


def fill_hallo2(models: Hallo2Models, weights: Weights, build: Build) -> None:
    """Assign the file's tensors to networks on the meta device, each in the dtype that its parameter has there."""
    for name, prefix in PREFIXES.items():
        _fill(getattr(models, name), weights.under(prefix), build, prefix)


def load_vae(
    path: Path | str, build: Build | None = None, use_mmap: bool = True, config: VAEConfig | None = None
) -> AutoencoderKL:
    """An SD 1.x VAE with diffusers' key names, old or new, or Stable Diffusion's own. Arguments and errors are those
    of `load_hallo2`."""
    contents = FileContent.VAE, FileContent.SD_VAE
    weights = _opened(Path(path), contents, "vae-ft-mse-840000-ema-pruned.safetensors", use_mmap)
    check_latent_scaling(weights.path)
    weights = renamed_vae_keys(weights)
    build = with_dtype(build, weights)
    config = config or _config(weights, vae_config)
    vae = of_these_sizes(lambda: AutoencoderKL(config, replace(build, device="meta")), weights.path.name)
    _fill(vae, weights, build, "")
    return vae


def _opened(path: Path, wanted: tuple[FileContent, ...], choice: str, use_mmap: bool = True) -> Weights:
    weights = read_tensors(path, use_mmap=use_mmap)
    content = file_content(weights.shapes)
    if content not in wanted:
        raise CheckpointError(f"{path.name} seems to be {content.value}, not {wanted[0].value}. Choose {choice}.")
    check_filled(path)
    return weights


def _config(weights: Weights, read_off: Callable[[Shapes], Config]) -> Config:
    try:
        return read_off(weights.shapes)
    except (KeyError, IndexError) as error:
        raise CheckpointError(
            f"{weights.path.name} lacks the tensor {error}: it is incomplete. Download it again to "
            f"{weights.path.parent}."
        ) from error


def with_dtype(build: Build | None, weights: Weights) -> Build:
    """The build, with the file's dtype if it has none. Errors: CheckpointError for a dtype without arithmetic."""
    build = build or Build()
    dtype = build.dtype or weights.dtype
    if dtype.itemsize == 1 and build.compute_dtype is None:
        raise CheckpointError(
            f"{weights.path.name} has 8-bit weights ({dtype}), which no device computes in. Choose a dtype to "
            f"load it in, for example float16."
        )
    return replace(build, dtype=dtype)


def _fill(network: nn.Module, weights: Weights, build: Build, prefix: str) -> None:
    _check_keys(network, weights, prefix)
    tensors = {key: weights.take(key, own.dtype) for key, own in network.state_dict().items()}
    network.load_state_dict(tensors, strict=True, assign=True)
    network.requires_grad_(False)
    if build.device is not None:
        network.to(build.device)


def _check_keys(network: nn.Module, weights: Weights, prefix: str) -> None:
    """As strict as load_state_dict, with a message for users."""
    expected = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    found = weights.shapes
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    other = sorted(key for key in expected.keys() & found.keys() if expected[key] != found[key])
    if not (missing or unknown or other):
        return
    counts = (
        (missing, "missing"), (unknown, "unknown"), (other, "of another shape"),
    )  # fmt: skip
    what = ", ".join(f"{len(keys)} {name} (such as {prefix}{keys[0]})" for keys, name in counts if keys)
    raise CheckpointError(
        f"{weights.path.name} does not have the released model's tensors: {what}. It may be incomplete, or a different "
        f"version. Download it again to {weights.path.parent}."
    )
