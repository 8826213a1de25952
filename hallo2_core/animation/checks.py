"""Compatibility checks before the long work starts."""

from __future__ import annotations

from ..audio.speech_embeddings import SpeechEmbeddings
from ..config import PIXELS_PER_LATENT, check_frame_size
from ..errors import CheckpointError, SettingsError
from ..models.running import STEPS_DIRECTLY
from ..timeline.prompts import TEXT_WIDTH
from .inputs import AnimationInputs

FAR_ABOVE = 2  # times what is usual for a model


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


def advice(inputs: AnimationInputs) -> str:
    """Sentences on settings that cost quality or time without need with this model, but can be tried; often none."""
    return " ".join(filter(None, (_advice_on_size(inputs), _advice_on_steps(inputs))))


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
            f"whole passes of the network, so they cannot be combined with reused deep features. Set deep_every to 1 "
            f"or choose the preset 'balanced', or remove 'Model from ComfyUI (Hallo2)'."
        )


def _advice_on_size(inputs: AnimationInputs) -> str:
    portrait, side_px = inputs.reference.portrait, inputs.models.usual.side_px
    if max(portrait.width, portrait.height) <= FAR_ABOVE * side_px:
        return ""
    return (
        f"This model was trained at {side_px}x{side_px}, but the portrait is {portrait.width}x{portrait.height}, which "
        f"takes far longer and may look worse. Set width and height to {side_px} in 'Prepare Portrait' (--size)."
    )


def _advice_on_steps(inputs: AnimationInputs) -> str:
    """A few-step LoRA loses quality with other steps or guidance than it was trained for. Without one, more steps than
    a model needs only take time."""
    usual, few, sampler = inputs.models.usual, inputs.models.few_steps, inputs.sampler
    steps, guidance = sampler.steps_taken, sampler.guidance
    if few and (few.steps, few.guidance) != (steps, guidance):
        return (
            f"The few-step LoRA was trained for {few.steps} steps at cfg {few.guidance:g}, but this video takes "
            f"{steps} at cfg {guidance:g}: expect a worse picture."
        )
    if not few and steps > FAR_ABOVE * usual.steps:
        return f"This model needs only {usual.steps} steps, at cfg {usual.guidance:g}; this video takes {steps}."
    return ""


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
