"""The speech encoder from one file, `wav2vec2-base-960h` as safetensors or PyTorch pickle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..config import Wav2VecConfig
from ..errors import CheckpointError
from ..models.wav2vec import SpeechEncoder
from .read import Weights, of_these_sizes, read_tensors
from .zeros import check_filled

PREFIX = "wav2vec2."  # in files saved with a head
HEAD_WIDTH = 64  # of one attention head, in every published wav2vec2
POSITION = "encoder.pos_conv_embed.conv."
RENAMED = {  # torch's weight norm before 2.0 → since
    POSITION + "weight_g": POSITION + "parametrizations.weight.original0",
    POSITION + "weight_v": POSITION + "parametrizations.weight.original1",
}
# Dropped on purpose: text and pre-training heads, and the embedding of masked positions in training.
DROPPED = ("lm_head.", "quantizer.", "project_q.", "project_hid.", "dropout_features.", "masked_spec_embed")

# Other models found in a folder of audio encoders, by a key pattern. The first match is reported.
OTHERS = (
    (r"(model\.)?(encoder|decoder)\.embed_positions\.|encoder\.blocks\.0\.attn\.", "a Whisper model"),
    (r"feature_extractor\.conv_layers\.1\.layer_norm\.", "a wav2vec2 of the large family, or another with layer norms"),
    (r"encoder\.layers\.\d+\.attention\.(gru_)?rel_", "a WavLM model"),
    (r"(denoising_unet|reference_unet)\.", "Hallo2's net.pth, for 'Load Model (Hallo2)'"),
    (r"(encoder|decoder)\.(conv_in|mid)\.", "an image VAE"),
)
CONV = "feature_extractor.conv_layers.{}.conv.weight"
ADVICE = "Choose wav2vec2-base-960h, for example its model.safetensors."


def load_speech_encoder(
    path: Path | str,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    use_mmap: bool = True,
    config: Wav2VecConfig | None = None,
) -> SpeechEncoder:
    """dtype: None keeps the file's, but for eight bits, in which nothing computes: those become float32.
    config: None reads the dimensions off the tensors' shapes.

    Errors: CheckpointError with the detected kind of file.
    """
    weights = read_tensors(path, use_mmap=use_mmap)
    names = _own_names(weights)
    shapes = {own: weights.shapes[key] for own, key in names.items()}
    config = config or speech_encoder_config(shapes, weights.path.name)
    check_filled(weights.path)
    dtype = dtype or (torch.float32 if weights.dtype.itemsize == 1 else weights.dtype)
    tensors = {own: weights.take(key, dtype) for own, key in names.items()}
    return assemble_speech_encoder(config, tensors, weights.path.name).to(device)


def assemble_speech_encoder(config: Wav2VecConfig, tensors: Mapping[str, Tensor], file: str) -> SpeechEncoder:
    """tensors: under transformers' names. file: name for the error message. Errors: CheckpointError if any is wrong."""
    encoder = of_these_sizes(lambda: SpeechEncoder(config, device="meta"), file)
    try:
        encoder.wav2vec.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise CheckpointError(
            f"{file} looks like wav2vec2, but its weights do not fit together ({reason[0].strip()}). {ADVICE}"
        ) from error
    return encoder


def own_name(key: str) -> str | None:
    """transformers' name for a key of a file, without the prefix; None if it is dropped on purpose."""
    key = key.removeprefix(PREFIX)
    return None if key.startswith(DROPPED) else RENAMED.get(key, key)


def speech_encoder_config(shapes: Mapping[str, tuple[int, ...]], file: str, heads: int | None = None) -> Wav2VecConfig:
    """Dimensions from the shapes under transformers' names. The strides of the convolutions cannot be deduced; they are
    the same in every wav2vec2. heads: None for the published models' rule, one per 64 channels.

    Errors: CheckpointError that names `file`.
    """
    for pattern, what in OTHERS:
        if any(re.match(pattern, key) for key in shapes):
            raise CheckpointError(f"{file} is {what}; Hallo2 uses wav2vec2-base. {ADVICE}")
    released = Wav2VecConfig()
    try:
        width = shapes["feature_projection.projection.weight"][0]
        _, group_width, position_kernel = _cube(shapes, POSITION + "parametrizations.weight.original1")
        feed_forward_width = shapes["encoder.layers.0.feed_forward.intermediate_dense.weight"][0]
        convs = [_cube(shapes, CONV.format(number)) for number in range(len(released.conv_kernels))]
    except KeyError as missing:
        raise CheckpointError(
            f"{file} is not wav2vec2: it has no {missing}; its keys look like '{next(iter(shapes), '')}'. {ADVICE}"
        ) from None
    kernels = tuple(conv[2] for conv in convs)
    if kernels != released.conv_kernels or (heads is None and width % HEAD_WIDTH):
        raise CheckpointError(
            f"{file} has convolutions of {kernels} samples and is {width} wide, unlike any wav2vec2 "
            f"({released.conv_kernels}, a multiple of {HEAD_WIDTH}). {ADVICE}"
        )
    return Wav2VecConfig(
        width=width,
        layers=len({key.split(".")[2] for key in shapes if key.startswith("encoder.layers.")}),
        heads=heads or width // HEAD_WIDTH,
        feed_forward_width=feed_forward_width,
        conv_widths=tuple(conv[0] for conv in convs),
        position_kernel=position_kernel,
        position_groups=width // group_width,
    )


def _cube(shapes: Mapping[str, tuple[int, ...]], key: str) -> tuple[int, ...]:
    """The three sides of a tensor. Raises KeyError if it has others, or nothing in it."""
    if len(shapes[key]) != 3 or not all(shapes[key]):
        raise KeyError(key)
    return shapes[key]


def _own_names(weights: Weights) -> dict[str, str]:
    """transformers' name → the file's, for all tensors that are kept."""
    names = ((own_name(key), key) for key in weights)
    return {own: key for own, key in names if own is not None}
