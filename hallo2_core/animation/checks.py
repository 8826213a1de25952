"""What must fit together before the long work starts."""

from __future__ import annotations

from ..config import PIXELS_PER_LATENT, check_frame_size
from ..errors import CheckpointError, SettingsError
from ..payloads import SpeechEmbeddings
from .animate import Performance


def check_performance(performance: Performance, speech: SpeechEmbeddings) -> None:
    """Refuse parts that do not belong together, with the numbers that differ and what to choose instead."""
    portrait = performance.reference.portrait
    check_frame_size(portrait.width, portrait.height)
    _check_speech_fits(performance, speech)
    _check_reference_fits(performance)
    _check_clip_fits(performance)


def _check_speech_fits(performance: Performance, speech: SpeechEmbeddings) -> None:
    wanted = performance.models.config.audio_projection
    found = (speech.encoder.config.layers, speech.encoder.config.width)
    if found != (wanted.layers, wanted.feature_width):
        raise CheckpointError(
            f"The speech encoder gives {found[0]} layers of width {found[1]}, but this Hallo2 model was made for "
            f"{wanted.layers} layers of width {wanted.feature_width}. Load the demo model with the demo encoder, and "
            f"net.pth with wav2vec2-base-960h."
        )


def _check_reference_fits(performance: Performance) -> None:
    """A reference is made by one model and meant for the same one."""
    unet, reference = performance.models.config.unet, performance.reference
    found, wanted = reference.face_map.shape[1], unet.block_widths[0]
    if found != wanted:
        raise CheckpointError(
            f"The reference was made by a model of width {found}, but the one to sample with has width {wanted}. "
            f"Connect the same Hallo2 model to both."
        )
    size = tuple(side * PIXELS_PER_LATENT for side in reference.face_map.shape[-2:])
    portrait = reference.portrait
    if size != (portrait.height, portrait.width):
        raise SettingsError(
            f"The reference was made at {size[1]}x{size[0]}, but its portrait is {portrait.width}x{portrait.height}. "
            f"Make the reference again from this portrait."
        )


def _check_clip_fits(performance: Performance) -> None:
    clip, positions = performance.motion.clip, performance.models.config.unet.motion_positions
    if clip.frames + clip.motion_frames > positions:
        raise SettingsError(
            f"A clip of {clip.frames} frames with {clip.motion_frames} motion frames needs "
            f"{clip.frames + clip.motion_frames} positions, and the motion modules have {positions}. Use fewer motion "
            f"frames."
        )
