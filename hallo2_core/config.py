"""Network dimensions, as frozen dataclasses. Defaults are the released model's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .errors import SettingsError

RELEASED_FPS = 25  # of the videos that the release was trained on
LATENT_CHANNELS = 4
LATENT_SCALE = 0.18215  # SD 1.x: latents are the VAE's posterior mean times this
PIXELS_PER_LATENT = 8
SIZE_MULTIPLE_PX = 64  # the VAE's factor 8, and three halvings in the UNet
LONGEST_SIDE_PX = 2048  # beyond it, a step takes more memory than cards have


@dataclass(frozen=True)
class UNetConfig:
    """Both UNets: SD 1.5's shape, with audio and motion modules in the denoising one."""

    block_widths: tuple[int, ...] = (320, 640, 1280, 1280)
    layers_per_block: int = 2
    heads: int = 8  # the checkpoint's config calls this "attention_head_dim" (quirk 9)
    face_token_width: int = 768
    audio_token_width: int = 768
    norm_groups: int = 32
    motion_positions: int = 32


@dataclass(frozen=True)
class FaceLocatorConfig:
    block_widths: tuple[int, ...] = (16, 32, 64, 128)
    out_width: int = 320


@dataclass(frozen=True)
class ImageProjectionConfig:
    embedding_width: int = 512
    token_width: int = 768
    tokens: int = 4


@dataclass(frozen=True)
class AudioProjectionConfig:
    window_frames: int = 5
    layers: int = 12
    feature_width: int = 768
    hidden_width: int = 512
    token_width: int = 768
    tokens: int = 32


@dataclass(frozen=True)
class Hallo2Config:
    """All networks in `net.pth`."""

    unet: UNetConfig = field(default_factory=UNetConfig)
    face_locator: FaceLocatorConfig = field(default_factory=FaceLocatorConfig)
    image_projection: ImageProjectionConfig = field(default_factory=ImageProjectionConfig)
    audio_projection: AudioProjectionConfig = field(default_factory=AudioProjectionConfig)


@dataclass(frozen=True)
class UsualSettings:
    """What a model was trained at, and what it needs. Other settings can be tried. Defaults are the release's."""

    side_px: int = 512  # of its square pictures
    steps: int = 40
    guidance: float = 3.5
    steady_levels: float = 0.0  # of shimmer to hold back


@dataclass(frozen=True)
class TextControlConfig:
    """The text-control adapter (paper §4.3): the denoising UNet's dimensions that it fits, and those of its MLPs."""

    block_widths: tuple[int, ...] = (320, 640, 1280, 1280)
    layers_per_block: int = 2
    text_width: int = 768  # CLIP ViT-L/14's, the text encoder of SD 1.x
    hidden_width: int = 256

    @staticmethod
    def fitting(unet: UNetConfig) -> TextControlConfig:
        return TextControlConfig(unet.block_widths, unet.layers_per_block)

    def fits(self, unet: UNetConfig) -> bool:
        return (self.block_widths, self.layers_per_block) == (unet.block_widths, unet.layers_per_block)


@dataclass(frozen=True)
class SmallTextConfig:
    """The small model's own text encoder."""

    buckets: int = 1024  # rows of the table of word pieces
    width: int = 48
    layers: int = 1
    heads: int = 2
    feed_forward_width: int = 96
    text_width: int = 64  # of an embedding
    most_words: int = 64


@dataclass(frozen=True)
class VAEConfig:
    """diffusers' AutoencoderKL, as in SD 1.x."""

    block_widths: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    norm_groups: int = 32


@dataclass(frozen=True)
class Wav2VecConfig:
    """The speech encoder, wav2vec2-base-960h. Its convolutions produce one feature per 320 samples at 16 kHz."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    feed_forward_width: int = 3072
    conv_widths: tuple[int, ...] = (512,) * 7
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    position_kernel: int = 128
    position_groups: int = 16

    @property
    def hop_samples(self) -> int:
        """Distance between features."""
        return math.prod(self.conv_strides)

    @property
    def reach_samples(self) -> int:
        """Receptive field of one feature: feature i starts at sample i × hop and ends this much later."""
        reach = 1
        for kernel, stride in zip(reversed(self.conv_kernels), reversed(self.conv_strides), strict=True):
            reach = (reach - 1) * stride + kernel
        return reach


@dataclass(frozen=True)
class UpscalerConfig:
    """The temporal VQ upscaler (paper §4.2), as in `net_g.pth`."""

    side_px: int = 512  # of the square pictures it restores: aligned faces
    widths: tuple[int, ...] = (64, 128, 128, 256, 256, 512)  # from full resolution down to the codes
    blocks_per_level: int = 2
    norm_groups: int = 32
    codes: int = 1024
    code_width: int = 256
    token_width: int = 512
    feed_forward_width: int = 1024
    heads: int = 8
    alignment_layers: int = 9
    fused_sides: tuple[int, ...] = (32, 64, 128, 256)
    latent_widths: tuple[int, ...] | None = None  # the encoder of diffusion latents; not in the release
    window_frames: int = 16  # the window length it was trained on

    @property
    def code_side(self) -> int:
        return self.side_px >> (len(self.widths) - 1)

    def __post_init__(self) -> None:
        if self.latent_widths:
            from_latents = self.side_px // PIXELS_PER_LATENT >> (len(self.latent_widths) - 1)
            if from_latents != self.code_side:
                raise SettingsError(
                    f"The encoder of latents ends at side {from_latents}, the encoder of pictures at {self.code_side}: "
                    f"{len(self.latent_widths)} and {len(self.widths)} levels do not match."
                )


def check_frame_size(width_px: int, height_px: int) -> None:
    """Raise SettingsError unless the latents can be halved three times, and for sizes beyond all memory."""
    if width_px % SIZE_MULTIPLE_PX or height_px % SIZE_MULTIPLE_PX or min(width_px, height_px) < SIZE_MULTIPLE_PX:
        raise SettingsError(
            f"The size is {width_px}x{height_px}; width and height must be multiples of {SIZE_MULTIPLE_PX}. "
            f"Choose 512x512, for example, the size the release was trained on."
        )
    if max(width_px, height_px) > LONGEST_SIDE_PX:
        raise SettingsError(
            f"The size is {width_px}x{height_px}; sides of up to {LONGEST_SIDE_PX} are possible. Choose 512x512, for "
            f"example, and upscale the video."
        )
