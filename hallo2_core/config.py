"""Dimensions of the networks and settings of a run, as frozen dataclasses. Defaults are the released model's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .errors import SettingsError

LATENT_CHANNELS = 4
LATENT_SCALE = 0.18215  # SD 1.x: latents are the VAE's posterior mean times this
PIXELS_PER_LATENT = 8
LONGEST_SIDE_PX = 4096  # of an upscaled picture: 4K, as the paper has it
MOST_NOISE_TIME = 50  # the steps of noise on motion frames; the training drew from those below
SIZE_MULTIPLE_PX = 64  # three halvings of the latents below the VAE's eightfold one


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
    """Everything `net.pth` holds."""

    unet: UNetConfig = field(default_factory=UNetConfig)
    face_locator: FaceLocatorConfig = field(default_factory=FaceLocatorConfig)
    image_projection: ImageProjectionConfig = field(default_factory=ImageProjectionConfig)
    audio_projection: AudioProjectionConfig = field(default_factory=AudioProjectionConfig)


@dataclass(frozen=True)
class TextControlConfig:
    """The text-control adapter (paper §4.3): what of the denoising UNet it fits, and its own MLPs."""

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
class VAEConfig:
    """diffusers' AutoencoderKL, as SD 1.x has it."""

    block_widths: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    norm_groups: int = 32


@dataclass(frozen=True)
class Wav2VecConfig:
    """The speech encoder, wav2vec2-base-960h. Its convolutions turn every 320 samples at 16 kHz into a feature."""

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
        """From one feature to the next."""
        return math.prod(self.conv_strides)

    @property
    def reach_samples(self) -> int:
        """What one feature hears: feature i begins at sample i × hop and ends this much later."""
        reach = 1
        for kernel, stride in zip(reversed(self.conv_kernels), reversed(self.conv_strides), strict=True):
            reach = (reach - 1) * stride + kernel
        return reach


DEMO_WAV2VEC = Wav2VecConfig(
    width=32,
    layers=4,
    heads=4,
    feed_forward_width=64,
    conv_widths=(16,) * 7,
    position_kernel=16,
    position_groups=4,
)


@dataclass(frozen=True)
class UpscalerConfig:
    """The temporal VQ upscaler (paper §4.2), as `net_g.pth` has it."""

    side_px: int = 512  # of the square pictures it restores: aligned faces
    widths: tuple[int, ...] = (64, 128, 128, 256, 256, 512)  # from the full side down to the codes'
    blocks_per_level: int = 2
    norm_groups: int = 32
    codes: int = 1024
    code_width: int = 256
    token_width: int = 512
    feed_forward_width: int = 1024
    heads: int = 8
    alignment_layers: int = 9
    fused_sides: tuple[int, ...] = (32, 64, 128, 256)
    latent_widths: tuple[int, ...] | None = None  # the encoder of diffusion latents; the release has none
    window_frames: int = 16  # trained on windows of so many frames

    @property
    def code_side(self) -> int:
        return self.side_px >> (len(self.widths) - 1)

    def __post_init__(self) -> None:
        if self.latent_widths:
            from_latents = self.side_px // PIXELS_PER_LATENT >> (len(self.latent_widths) - 1)
            if from_latents != self.code_side:
                raise SettingsError(
                    f"The encoder of latents ends at side {from_latents}, the encoder of pictures at {self.code_side}: "
                    f"these {len(self.latent_widths)} and {len(self.widths)} levels do not belong together."
                )


DEMO_UPSCALER = UpscalerConfig(
    side_px=64,
    widths=(32, 32, 32, 64),
    blocks_per_level=1,
    codes=64,
    code_width=32,
    token_width=64,
    feed_forward_width=128,
    alignment_layers=2,
    fused_sides=(16, 32),
    latent_widths=(32,),
)


@dataclass(frozen=True)
class UpscaleSettings:
    """How a video is upscaled: its new size, and what each face goes through."""

    width_px: int
    height_px: int
    fidelity: float = 0.5  # 0 draws the face anew, 1 keeps close to the given one
    window_frames: int = 16
    overlap_frames: int = 4  # of neighbouring windows; faded from one into the other
    missed_frames: int = 8  # a face not found in up to so many frames is interpolated; after more, it has left
    smoothing_frames: float = 2.0  # deviation of the Gaussian over time on each face's place, turn and size; 0 is none
    detect_every_frames: int = 4  # faces are looked for in every so many frames, and in each where one comes or goes

    def __post_init__(self) -> None:
        if not 1 <= self.width_px <= LONGEST_SIDE_PX or not 1 <= self.height_px <= LONGEST_SIDE_PX:
            raise SettingsError(
                f"The result would have {self.width_px}x{self.height_px} px; choose sides of 1 to {LONGEST_SIDE_PX}."
            )
        if not 0.0 <= self.fidelity <= 1.0:
            raise SettingsError(f"The fidelity is {self.fidelity}; choose 0 (draw anew) to 1 (keep close).")
        if self.window_frames < 1:
            raise SettingsError(f"The window has {self.window_frames} frames; choose 1 or more (16 is the release's).")
        if not 0 <= self.overlap_frames <= self.window_frames // 2:
            raise SettingsError(
                f"The overlap is {self.overlap_frames} frames; choose 0 to {self.window_frames // 2}, half the window."
            )
        if self.missed_frames < 0 or self.smoothing_frames < 0 or self.detect_every_frames < 1:
            raise SettingsError(
                f"Missed frames are {self.missed_frames}, smoothing is {self.smoothing_frames}, detection is every "
                f"{self.detect_every_frames} frames; choose 0 or more, 0 or more, and 1 or more."
            )


@dataclass(frozen=True)
class ClipConfig:
    """How a video is cut into clips that are made together."""

    frames: int = 16
    motion_frames: int = 2

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise SettingsError(f"The number of frames of a clip is {self.frames}; choose 1 or more (released: 16).")
        if not 1 <= self.motion_frames <= self.frames:
            raise SettingsError(
                f"The number of motion frames is {self.motion_frames}; choose 1 to {self.frames} (the release uses 2)."
            )


@dataclass(frozen=True)
class RegionWeights:
    """How strongly speech moves each region. 1.0 is the release."""

    pose: float = 1.0
    face: float = 1.0
    lip: float = 1.0


@dataclass(frozen=True)
class SamplerConfig:
    """Steps, guidance and randomness of the denoising loop (paper §5.1; the release's `long.yaml`)."""

    steps: int = 40
    guidance: float = 3.5
    seed: int = 42
    weights: RegionWeights = field(default_factory=RegionWeights)
    legacy_rng: bool = False  # the release's draw order: one CPU generator for the whole video
    reference_banks: str = "released"  # "released": quirk 2's alternation; "aligned": the conditional bank everywhere
    text_strength: float = 1.0  # of what prompts do, in the network; 0 is no prompt
    text_scale: float = 1.0  # classifier-free guidance of the prompts alone, above guidance; 1 is none

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise SettingsError(f"steps is {self.steps}; choose 1 to 1000 (the release uses 40).")
        if self.reference_banks not in ("released", "aligned"):
            raise SettingsError(f"reference_banks is '{self.reference_banks}'; choose 'released' or 'aligned'.")
        if not 0.0 <= self.text_strength <= 3.0:
            raise SettingsError(f"The text strength is {self.text_strength}; choose 0 (no prompt) to 3.")
        if not 0.0 <= self.text_scale <= 15.0:
            raise SettingsError(f"The text scale is {self.text_scale}; choose 0 to 15 (1 weighs nothing apart).")


@dataclass(frozen=True)
class PatchDropConfig:
    """Patch-drop and Gaussian noise of the motion frames (paper §4.1)."""

    rate: float = 0.25
    patch_px: int = 1
    keep_face: bool = True
    noise_sigma: float = 0.0  # on pixels in -1..1; the release adds none at inference
    seed: int = 42
    noise_time: int | None = None  # in the place of a sigma: a step of the training's schedule
    noise_as_trained: bool = False  # a step below MOST_NOISE_TIME drawn for each clip, as every training sample had one
    adaptive: bool = False  # the rate rises as the motion frames drift from the portrait (paper §5.4)

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise SettingsError(f"The drop rate is {self.rate}; choose 0 (keep all) to 1 (drop all but the face).")
        if self.patch_px < 1:
            raise SettingsError(f"The patch size is {self.patch_px} px; choose 1 (the release) or more.")
        if not 0.0 <= self.noise_sigma < 1.0:
            raise SettingsError(f"The noise sigma is {self.noise_sigma}; choose 0 (the release) to less than 1.")
        if self.noise_time is not None and not 0 <= self.noise_time <= MOST_NOISE_TIME:
            raise SettingsError(
                f"The noise time is {self.noise_time}; choose 0 to {MOST_NOISE_TIME} (the training's were below)."
            )
        if (self.noise_sigma > 0) + (self.noise_time is not None) + self.noise_as_trained > 1:
            raise SettingsError("The noise is given in two ways; choose one of a sigma, a time, and as trained.")


def check_frame_size(width_px: int, height_px: int) -> None:
    """Refuse a size that the networks cannot halve three times below the VAE."""
    if width_px % SIZE_MULTIPLE_PX or height_px % SIZE_MULTIPLE_PX or min(width_px, height_px) < SIZE_MULTIPLE_PX:
        raise SettingsError(
            f"The size is {width_px}x{height_px}; width and height must be multiples of {SIZE_MULTIPLE_PX}. "
            f"Choose for example 512x512, the size the release was trained on."
        )
