"""Compatibility checks before the long work starts."""

from __future__ import annotations

import logging

from ..audio.speech_embeddings import SpeechEmbeddings
from ..config import PIXELS_PER_LATENT, check_frame_size
from ..errors import CheckpointError, SettingsError
from ..models.running import STEPS_DIRECTLY
from ..timeline.prompts import TEXT_WIDTH
from .inputs import AnimationInputs

logger = logging.getLogger("hallo2")


def check_inputs(inputs: AnimationInputs, speech: SpeechEmbeddings) -> None:
    """Refuse incompatible parts, with the values that differ and what to choose instead."""
    portrait = inputs.reference.portrait
    check_frame_size(portrait.width, portrait.height)
    _check_speech_fits(inputs, speech)
    _check_reference_fits(inputs)
    _check_clip_fits(inputs)
    inputs.schedule(speech.frames, speech.fps).check()
    _check_prompts_can_act(inputs)
    _check_features_can_be_reused(inputs)
    _warn_of_other_steps(inputs)


def _check_speech_fits(inputs: AnimationInputs, speech: SpeechEmbeddings) -> None:
    wanted = inputs.models.config.audio_projection
    found = (speech.encoder.config.layers, speech.encoder.config.width)
    if found != (wanted.layers, wanted.feature_width):
        raise CheckpointError(
            f"The speech encoder outputs {found[0]} layers of width {found[1]}, but this Hallo2 model was made for "
            f"{wanted.layers} layers of width {wanted.feature_width}. Load the demo model with the demo encoder, and "
            f"net.pth with wav2vec2-base-960h."
        )


def _check_reference_fits(inputs: AnimationInputs) -> None:
    """A reference must be used with the model that made it."""
    unet, reference = inputs.models.config.unet, inputs.reference
    found, wanted = reference.face_map.shape[1], unet.block_widths[0]
    if found != wanted:
        raise CheckpointError(
            f"The reference was made by a model of width {found}, but the model used for sampling has width {wanted}. "
            f"Connect the same Hallo2 model to both."
        )
    size = tuple(side * PIXELS_PER_LATENT for side in reference.face_map.shape[-2:])
    portrait = reference.portrait
    if size != (portrait.height, portrait.width):
        raise SettingsError(
            f"The reference was made at {size[1]}x{size[0]}, but its portrait is {portrait.width}x{portrait.height}. "
            f"Make the reference again from this portrait."
        )


def _check_clip_fits(inputs: AnimationInputs) -> None:
    clip, positions = inputs.motion.clip, inputs.models.config.unet.motion_positions
    if clip.frames + clip.motion_frames > positions:
        raise SettingsError(
            f"A clip of {clip.frames} frames with {clip.motion_frames} motion frames needs "
            f"{clip.frames + clip.motion_frames} positions, and the motion modules have {positions}. Use fewer motion "
            f"frames."
        )


def _check_features_can_be_reused(inputs: AnimationInputs) -> None:
    """What runs around the UNet takes and returns predictions, no features."""
    every = inputs.sampler.acceleration.deep_every
    if every > 1 and inputs.models.run_steps is not STEPS_DIRECTLY:
        raise SettingsError(
            f"deep_every is {every} in 'Accelerate (Hallo2)', and ComfyUI's own nodes act on the model. They act on "
            f"whole passes of the network, and so cannot be combined with reused deep features. Set deep_every to 1 or "
            f"choose the preset 'balanced', or remove 'Model from ComfyUI (Hallo2)'."
        )


def _warn_of_other_steps(inputs: AnimationInputs) -> None:
    """A few-step LoRA loses quality with other steps or guidance than it was trained for, but it can be tried."""
    made_for, sampler = inputs.models.few_steps, inputs.sampler
    if made_for and (made_for.steps, made_for.guidance) != (sampler.steps_taken, sampler.guidance):
        logger.warning(
            "The few-step LoRA was trained for %d steps at guidance %g, but this video takes %d at guidance %g. Expect "
            "a worse picture; set the steps and the guidance that it was trained for.",
            made_for.steps, made_for.guidance, sampler.steps_taken, sampler.guidance,
        )  # fmt: skip


def _check_prompts_can_act(inputs: AnimationInputs) -> None:
    """Prompts without effect are refused rather than ignored, except those of a zero adapter, which reads none."""
    text, adapter = inputs.text, inputs.models.text_adapter
    if text is None:
        return
    if adapter is None:
        raise SettingsError(
            "Prompts are given, but the model has no text-control adapter, and Hallo2's released weights cannot follow "
            "text. No adapter for them has been released: one has to be trained ('hallo2 new-adapter' writes the file "
            "to start from). Attach one with 'Load Text Control' (--text-adapter; 'demo' for the demo model), or "
            "disconnect the prompts."
        )
    found, wanted = text.embeddings.shape[1], adapter.config.text_width
    if text.spans and found != wanted and not adapter.is_zero:
        raise CheckpointError(
            f"The prompts were encoded to {found} values each, but the text-control adapter expects {wanted}. Use the "
            f"text encoder that it was trained with: for {TEXT_WIDTH} values, connect CLIP ViT-L/14 to the prompts "
            f"(--clip), for example clip_l.safetensors; for the demo adapter, leave it out: the demo has its own."
        )
