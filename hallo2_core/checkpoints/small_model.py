"""The small model's shape: all of Hallo2's networks, small enough to be trained on a CPU.

The UNets' widths are multiples of 32, because the motion modules always normalize in 32 groups. The VAE has two groups,
each half of the channels, because groups of one lose the colors.
"""

from __future__ import annotations

from ..config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    SmallTextConfig,
    UNetConfig,
    UpscalerConfig,
    UsualSettings,
    VAEConfig,
    Wav2VecConfig,
)

SMALL_WAV2VEC = Wav2VecConfig(
    width=160,
    layers=4,
    heads=4,
    feed_forward_width=320,
    conv_widths=(80,) * 7,
    position_kernel=16,
    position_groups=4,
)
SMALL_TEXT = SmallTextConfig()
SMALL_VAE = VAEConfig(block_widths=(16, 32, 64, 128), layers_per_block=1, norm_groups=2)
SMALL_HALLO2 = Hallo2Config(
    unet=UNetConfig(
        block_widths=(32, 64, 64, 64),
        layers_per_block=1,
        heads=2,
        face_token_width=64,
        audio_token_width=64,
        norm_groups=8,
    ),
    face_locator=FaceLocatorConfig(block_widths=(8, 16, 16, 32), out_width=32),
    image_projection=ImageProjectionConfig(token_width=64),
    audio_projection=AudioProjectionConfig(
        layers=SMALL_WAV2VEC.layers, feature_width=SMALL_WAV2VEC.width, hidden_width=128, token_width=64, tokens=8
    ),
)
SMALL_SETTINGS = UsualSettings(side_px=128, steps=10, guidance=1.5, steady_levels=6.0)
# More codes for a picture than the release has, and narrower ones: drawings have sharp edges, but few kinds of them.
SMALL_UPSCALER = UpscalerConfig(
    widths=(8, 16, 32, 48, 64),
    blocks_per_level=1,
    norm_groups=1,
    codes=1024,
    code_width=8,
    token_width=96,
    feed_forward_width=192,
    heads=4,
    alignment_layers=2,
    fused_sides=(128, 256),
    latent_widths=(16, 32),
)
