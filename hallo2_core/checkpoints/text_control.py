"""Text-control adapters: small safetensors files beside net.pth, whose weights stay unchanged.

The demo model has one; none for net.pth has been released. The file's metadata says which model the adapter fits and
how it is applied. The output layers of a new adapter are zero, so it changes nothing until it is trained.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save

from ..config import TextControlConfig, UNetConfig
from ..errors import CheckpointError
from ..models.fingerprint import weights_fingerprint
from ..models.hallo2_models import Hallo2Models, TextAdapter
from ..models.layers import Build
from ..models.text_control import TextControl
from ..storage.durable import replace_file
from ..storage.json_text import parse_json
from .detect import file_content
from .read import Weights, check_numbers, check_shapes, read_tensors
from .seeded import fill_with_seeded_weights

PREFIX = "text_control."  # of its keys, for seeded weights and fingerprints
METADATA_KEY = "hallo2_text_control"
FORMAT = 1
LARGEST_SIZE = 1 << 16  # of what the metadata counts
EMBEDDING = "CLIP ViT-L/14, last hidden state after the final layer norm, at the end-of-text token"
SMALL_EMBEDDING = "the small model's own text encoder"
PLACE = "after face cross-attention, before audio attention; conditional half only"


def load_text_adapter(path: Path | str, build: Build | None = None, use_mmap: bool = True) -> TextAdapter:
    """build.dtype: None keeps the file's. Errors: CheckpointError with the detected kind of file."""
    weights = read_tensors(path, use_mmap=use_mmap)
    if METADATA_KEY not in weights.metadata:
        content = file_content(weights.shapes)
        raise CheckpointError(
            f"{weights.path.name} seems to be {content.value}, not a text-control adapter: its metadata has no "
            f"'{METADATA_KEY}'. Choose a file written by 'hallo2 new-adapter' or by a trainer."
        )
    build = build or Build()
    dtype = build.dtype or weights.dtype
    control = TextControl(_config(weights), replace(build, dtype=dtype, device="meta"))
    expected = {key: tuple(tensor.shape) for key, tensor in control.state_dict().items()}
    check_shapes(weights, expected, "does not match its metadata", "Write or download it again.")
    check_numbers(weights)
    tensors = {key: weights.take(key, dtype) for key in expected}
    control.load_state_dict(tensors, strict=True, assign=True)
    return _adapter(control, build)


def zero_text_adapter(unet: UNetConfig, build: Build | None = None) -> TextAdapter:
    """An adapter that fits this UNet and changes nothing."""
    return _adapter(_untrained(TextControlConfig.fitting(unet), build or Build(dtype=torch.float32)), build)


def new_text_adapter(config: TextControlConfig) -> TextAdapter:
    """To begin training with, in float32 on the CPU."""
    return _adapter(_untrained(config, Build(dtype=torch.float32)), None)


def with_text_adapter(models: Hallo2Models, adapter: TextAdapter) -> Hallo2Models:
    """The same networks with the adapter. Raises CheckpointError if it was made for another model."""
    if not adapter.config.fits(models.config.unet):
        found, wanted = adapter.config.block_widths, models.config.unet.block_widths
        raise CheckpointError(
            f"The text-control adapter was made for a UNet of widths {found}, but this model's are {wanted}. Choose an "
            f"adapter trained for this model, or 'zero', which fits any."
        )
    return replace(models, text_adapter=adapter)


def write_new_adapter(path: Path, config: TextControlConfig, embedding: str = EMBEDDING) -> None:
    """Write an untrained adapter in float32; an existing file is never overwritten. embedding: what its prompts are
    encoded to, for the metadata. Raises CheckpointError."""
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path.name} must end in .safetensors, the format that is written.")
    if path.exists():
        raise CheckpointError(f"{path} already exists and is not overwritten. Choose another name.")
    tensors = _untrained(config, Build(dtype=torch.float32)).state_dict()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, save(tensors, metadata_of(config, embedding)))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}. Choose another folder.") from error


def metadata_of(config: TextControlConfig, embedding: str = EMBEDDING) -> dict[str, str]:
    """The metadata of an adapter file; trainers must keep it."""
    facts = {"format": FORMAT, **asdict(config), "embedding": embedding, "place": PLACE}
    return {"format": "pt", METADATA_KEY: json.dumps(facts)}


def _config(weights: Weights) -> TextControlConfig:
    name = weights.path.name
    try:
        facts = parse_json(weights.metadata[METADATA_KEY])
        if facts["format"] != FORMAT:
            raise CheckpointError(
                f"{name} is a text-control adapter of format {facts['format']}; this version reads format {FORMAT}. "
                f"Update the pack, or choose another adapter."
            )
        widths, layers = tuple(map(int, facts["block_widths"])), int(facts["layers_per_block"])
        config = TextControlConfig(widths, layers, int(facts["text_width"]), int(facts["hidden_width"]))
        sizes = (*widths, layers, config.text_width, config.hidden_width)
        if not all(0 < size <= LARGEST_SIZE for size in sizes) or layers * len(widths) > len(weights):
            raise ValueError(f"no adapter of {len(weights)} tensors has the sizes {sizes}")
        return config
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise CheckpointError(
            f"The metadata of {name} is damaged ({error!r}). Download it again to {weights.path.parent}."
        ) from None


def _untrained(config: TextControlConfig, build: Build) -> TextControl:
    """Zeros in the output layers, as in the paper; ordinary values before them, or the gradients would all be zero."""
    control = TextControl(config, replace(build, device="meta"))
    fill_with_seeded_weights(control, PREFIX)
    zeros = {key: torch.zeros_like(tensor) for key, tensor in control.state_dict().items() if ".linear_2." in key}
    control.load_state_dict(zeros, strict=False, assign=True)
    return control.requires_grad_(False)


def _adapter(control: TextControl, build: Build | None) -> TextAdapter:
    control.requires_grad_(False).to((build.device if build else None) or "cpu")
    is_zero = not any(tensor.any() for key, tensor in control.state_dict().items() if ".linear_2." in key)
    return TextAdapter(control, weights_fingerprint({PREFIX: control}), is_zero=is_zero)
