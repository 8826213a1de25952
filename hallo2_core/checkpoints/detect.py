"""The content of a weights file, by its keys, and the network dimensions, by its shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ..config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    UNetConfig,
    VAEConfig,
)

Shapes = Mapping[str, tuple[int, ...]]

WINDOW_FRAMES = 5  # of the audio projection; shapes only contain its product with the speech layers
BASE_WIDTH = 768  # of wav2vec2-base, the only speech encoder Hallo2 was trained with


class FileContent(Enum):
    """Values are names for messages."""

    HALLO2 = "Hallo2's net.pth"
    HALLO1 = "the net.pth of the first Hallo, or a training checkpoint, which lacks parts of Hallo2"
    UPSCALER = "Hallo2's upscaler (net_g.pth)"
    VAE = "a VAE with diffusers' key names"
    SD_CHECKPOINT = "a whole Stable Diffusion checkpoint"
    SD_UNET = "a Stable Diffusion UNet, which Hallo2 does not need: net.pth contains both UNets"
    DENOISING_UNET = "a denoising UNet alone, as Hallo2's training saves it"
    MOTION_MODULE = "an AnimateDiff motion module, which Hallo2 does not need: net.pth contains its own"
    SD_VAE = "a VAE with Stable Diffusion's own key names"
    SPEECH_ENCODER = "a wav2vec2 speech encoder"
    TEXT_ENCODER = "a CLIP text encoder"
    TEXT_CONTROL = "a text-control adapter for Hallo2"
    UNKNOWN = "none of the files Hallo2 uses"


@dataclass(frozen=True)
class KeyCondition:
    """True if every prefix occurs: at the start of a key, or anywhere in it if it starts with a dot."""

    content: FileContent
    every: tuple[str, ...]

    def holds(self, keys: Shapes) -> bool:
        return all(any(prefix in key if prefix.startswith(".") else key.startswith(prefix) for key in keys)
                   for prefix in self.every)  # fmt: skip


# The first that holds decides.
CONDITIONS = (
    KeyCondition(
        FileContent.HALLO2,
        ("reference_unet.", "denoising_unet.", "face_locator.", "imageproj.", "audioproj.", ".zero_conv_lip"),
    ),
    KeyCondition(FileContent.HALLO1, ("denoising_unet.",)),
    KeyCondition(FileContent.UPSCALER, ("quantize.embedding", "ft_layers.", "generator.blocks.")),
    KeyCondition(FileContent.SD_CHECKPOINT, ("model.diffusion_model.",)),
    KeyCondition(FileContent.DENOISING_UNET, ("down_blocks.", ".audio_modules.")),
    KeyCondition(FileContent.MOTION_MODULE, ("down_blocks.", ".temporal_transformer.")),
    KeyCondition(FileContent.SD_UNET, ("down_blocks.", "time_embedding.")),
    KeyCondition(FileContent.VAE, ("encoder.down_blocks.", "decoder.up_blocks.", "quant_conv.")),
    KeyCondition(FileContent.SD_VAE, ("encoder.down.", "decoder.up.")),
    KeyCondition(FileContent.SPEECH_ENCODER, (".conv_layers.0.conv",)),
    KeyCondition(FileContent.SPEECH_ENCODER, ("feature_extractor.conv_layers.",)),
    KeyCondition(FileContent.TEXT_ENCODER, ("text_model.",)),
    KeyCondition(FileContent.TEXT_CONTROL, ("mid_block.0.linear_1.", "mid_block.0.linear_2.")),
)


def file_content(shapes: Shapes) -> FileContent:
    return next((condition.content for condition in CONDITIONS if condition.holds(shapes)), FileContent.UNKNOWN)


def hallo2_config(shapes: Shapes) -> Hallo2Config:
    """Dimensions of the five networks. Raises KeyError if a needed tensor is missing."""
    unet = "denoising_unet."
    widths = _widths(shapes, f"{unet}down_blocks.{{}}.resnets.0.conv1.weight")
    first = f"{unet}down_blocks.0"
    token_width = _side(shapes, "imageproj.norm.weight")
    audio_in = _side(shapes, "audioproj.proj1.weight", 1)
    audio_width = _side(shapes, "audioproj.norm.weight")
    feature_width, layers = _speech_features(audio_in)
    return Hallo2Config(
        UNetConfig(
            block_widths=widths,
            layers_per_block=_count(shapes, f"{first}.resnets.{{}}.conv1.weight"),
            # heads and norm_groups cannot be deduced from a state dict; both are SD 1.5's everywhere
            face_token_width=_side(shapes, f"{first}.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1),
            audio_token_width=_side(shapes, f"{first}.audio_modules.0.transformer_blocks.0.attn2_0.to_k.weight", 1),
            motion_positions=_side(
                shapes,
                f"{first}.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.pos_encoder.pe",
                1,
            ),
        ),
        FaceLocatorConfig(
            (_side(shapes, "face_locator.conv_in.weight"), *_locator_widths(shapes)),
            _side(shapes, "face_locator.conv_out.weight"),
        ),
        ImageProjectionConfig(
            embedding_width=_side(shapes, "imageproj.proj.weight", 1),
            token_width=token_width,
            tokens=_side(shapes, "imageproj.proj.weight") // token_width,
        ),
        AudioProjectionConfig(
            window_frames=WINDOW_FRAMES,
            layers=layers,
            feature_width=feature_width,
            hidden_width=_side(shapes, "audioproj.proj1.weight"),
            token_width=audio_width,
            tokens=_side(shapes, "audioproj.proj3.weight") // audio_width,
        ),
    )


def vae_config(shapes: Shapes) -> VAEConfig:
    """Dimensions of a diffusers VAE. Raises KeyError if a needed tensor is missing."""
    return VAEConfig(
        block_widths=_widths(shapes, "encoder.down_blocks.{}.resnets.0.conv1.weight"),
        layers_per_block=_count(shapes, "encoder.down_blocks.0.resnets.{}.conv1.weight"),
        # norm_groups cannot be deduced from a state dict
    )


def _side(shapes: Shapes, key: str, axis: int = 0) -> int:
    """The length of one axis of a tensor. Raises KeyError if there is none, or nothing in it."""
    shape = shapes[key]
    if len(shape) <= axis or not shape[axis]:
        raise KeyError(key)
    return shape[axis]


def _speech_features(audio_in: int) -> tuple[int, int]:
    """(width, layers) from the audio projection's input, window × layers × width."""
    per_frame = audio_in // WINDOW_FRAMES
    if per_frame % BASE_WIDTH == 0:
        return BASE_WIDTH, per_frame // BASE_WIDTH
    return per_frame, 1


def _locator_widths(shapes: Shapes) -> tuple[int, ...]:
    """Every second convolution of the locator changes the width."""
    blocks = _count(shapes, "face_locator.blocks.{}.weight")
    return tuple(_side(shapes, f"face_locator.blocks.{index}.weight") for index in range(1, blocks, 2))


def _widths(shapes: Shapes, pattern: str) -> tuple[int, ...]:
    return tuple(_side(shapes, pattern.format(level)) for level in range(_count(shapes, pattern)))


def _count(shapes: Shapes, pattern: str) -> int:
    """The number of levels or layers: of the indices in place of the braces, which count from 0. Raises KeyError if one
    is missing."""
    prefix = pattern.split("{}")[0]
    found = {key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)}
    count = max(len(found), 1)
    for index in range(count):
        if str(index) not in found:
            raise KeyError(pattern.format(index))
    return count
