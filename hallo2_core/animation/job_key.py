"""The key of a render: what was asked for, and the arithmetic it is made with."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from torch import Tensor

from ..arithmetic import ANIMATION_ARITHMETIC
from ..audio.speech_embeddings import SpeechEmbeddings
from ..jobs.fingerprint import fingerprint
from ..jobs.key import JobKey
from ..models.fingerprint import weights_fingerprint
from ..models.latents import LatentCodec
from ..models.layers import attention_of, precision_of
from ..payloads import Portrait
from ..runtime import Runtime
from ..video.encode import encoder_version
from ..video.settings import VideoSettings
from .inputs import AnimationInputs
from .motion_settings import MotionSettings
from .sampler_config import SamplerConfig

STRONGEST_NUMBERS = 4


@dataclass(frozen=True)
class Render:
    """A whole video to be made: who, saying what, through which VAE, in what kind of file."""

    inputs: AnimationInputs
    speech: SpeechEmbeddings
    codec: LatentCodec
    settings: VideoSettings


def render_key(render: Render, runtime: Runtime) -> JobKey:
    """Over all weights, the portrait, the sound and every setting that acts.

    What was computed in floating point on the way here does not count, only what it was computed from: another torch
    would give it another last bit, and a finished video would not be found again.
    """
    inputs, speech = render.inputs, render.speech
    portrait = inputs.reference.portrait
    parts = {
        "model": inputs.models.fingerprint,
        "VAE": render.codec.fingerprint,
        "speech encoder": weights_fingerprint({"wav2vec.": speech.encoder}),
        "reference's weights": inputs.reference.weights,
        "portrait": _looks(portrait),
        "motion frames": _motion(inputs.motion, inputs.sampler.legacy_rng),
        "sampler": _sampler(inputs.sampler, _is_guided(render)),
        "prompts": _prompts(inputs),
        "weights over time": _weights(inputs),
        "sound": speech.audio.fingerprint(),
        "speech": {"fps": speech.fps, "pieces": speech.pieces, "resampler": speech.signal.resampler},
        "file": render.settings,
    }
    unet = inputs.models.denoising_unet
    arithmetic = {
        "ARITHMETIC": str(ANIMATION_ARITHMETIC),
        "dtype": precision_of(unet),
        "attention": attention_of(unet),
        "encoder": encoder_version(),
        **runtime.arithmetic(),
    }
    what = f"animation, {portrait.width}x{portrait.height}, {float(speech.fps):g} frames a second"
    return JobKey({name: fingerprint(part) for name, part in parts.items()}, arithmetic, what, speech.frames)


def _looks(portrait: Portrait) -> list[object]:
    """Its picture, face and masks as bytes, which they are made of. What lies outside the crop does not count."""
    masks = asdict(portrait.masks)
    return [_bytes(portrait.pixels / 2 + 0.5), _bytes(portrait.face_region), _coarse(portrait.identity),
            {name: [_bytes(level) for level in levels] for name, levels in masks.items()}]  # fmt: skip


def _bytes(values: Tensor) -> Tensor:
    """values: 0..1, each a whole number of 255ths."""
    return (values.cpu() * 255.0).round().short()


def _coarse(identity: Tensor) -> list[int]:
    """identity: (512).  Where its strongest numbers are: nothing that the last bit moves. It is computed from the
    picture, so that it need not say more than which recognizer did that, and whether one did at all."""
    if not identity.any():
        return []
    return sorted(identity.cpu().abs().topk(STRONGEST_NUMBERS).indices.tolist())


def _motion(motion: MotionSettings, is_legacy: bool) -> dict[str, object]:
    """is_legacy: patch-drop draws from the sampler's generator, and its number of patches moves what comes after."""
    drop = motion.patch_drop
    has_noise = drop.noise_sigma > 0 or drop.noise_time is not None or drop.noise_as_trained
    drops = drop.rate > 0 or drop.adaptive
    return {
        "clip": motion.clip,
        "start": motion.start_frames,
        "colour match": motion.colour_match,
        "drop": [drop.rate, drop.adaptive],
        "noise": [drop.noise_sigma, drop.noise_time, drop.noise_as_trained],
        "patch_px": drop.patch_px if drops or is_legacy else None,
        "keep_face": drop.keep_face if drops else None,
        "seed": drop.seed if has_noise or (drops and not is_legacy) else None,
    }


def _is_guided(render: Render) -> bool:
    return render.inputs.schedule(render.speech.frames, render.speech.fps).cond_batch == 2


def _sampler(sampler: SamplerConfig, is_guided: bool) -> dict[str, object]:
    """Settings of prompts count with them. Without guidance every frame looks at the same bank."""
    return {
        "steps": sampler.steps,
        "guidance": max(sampler.guidance, 1.0),
        "seed": sampler.seed,
        "weights": sampler.weights,
        "legacy_rng": sampler.legacy_rng,
        "reference_banks": sampler.reference_banks if is_guided else None,
    }


def _prompts(inputs: AnimationInputs) -> list[object]:
    """By what they say, however they were written; the embeddings follow from that and from the text encoder."""
    text, adapter, sampler = inputs.text, inputs.models.text_adapter, inputs.sampler
    if text is None or not text.spans:
        return []
    adapter_name = None if adapter is None else adapter.fingerprint
    return [str(text), text.transition, text.encoder, adapter_name, sampler.text_strength, sampler.text_scale]


def _weights(inputs: AnimationInputs) -> list[object]:
    weights = inputs.weights
    return [] if weights is None or not weights.tracks else [str(weights), weights.transition]
