"""The key of a render: the request, and the arithmetic."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

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
from ..video.metadata import MetadataChoice
from ..video.settings import VideoSettings
from .acceleration import EXACT
from .inputs import AnimationInputs
from .motion_settings import MotionSettings
from .sampler_config import REPEATED, SamplerConfig
from .steady import SteadyConfig

STRONGEST_NUMBERS = 4


@dataclass(frozen=True)
class Render:
    """A complete video to render: inputs, speech, VAE, file settings, and what the file says about its making."""

    inputs: AnimationInputs
    speech: SpeechEmbeddings
    codec: LatentCodec
    settings: VideoSettings
    metadata: MetadataChoice = field(default_factory=MetadataChoice)
    steady: SteadyConfig = field(default_factory=SteadyConfig)


def render_key(render: Render, runtime: Runtime) -> JobKey:
    """Covers all weights, the portrait, the audio and every setting that has an effect.

    Floating-point intermediates are excluded; only their sources count. Another torch could change their last bit, and
    a finished video would not be found again.
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
        **_acceleration(inputs.sampler, _is_guided(render)),
        **({"steady": render.steady} if render.steady.levels else {}),  # others keep the keys they had
        **render.metadata.request,
    }
    if (voice := speech.voice.fingerprint()) != speech.audio.fingerprint():
        parts["voice"] = voice
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
    """The image, face region and masks as 8-bit values, which they come from. Pixels outside the crop do not count."""
    masks = asdict(portrait.masks)
    return [_bytes(portrait.pixels / 2 + 0.5), _bytes(portrait.face_region), _coarse(portrait.identity),
            {name: [_bytes(level) for level in levels] for name, levels in masks.items()}]  # fmt: skip


def _bytes(values: Tensor) -> Tensor:
    """values: 0..1, each a multiple of 1/255."""
    return (values.cpu() * 255.0).round().short()


def _coarse(identity: Tensor) -> list[int]:
    """identity: (512).  The indices of its strongest values, which do not depend on the last bit. The identity comes
    from the image, so this only has to tell which recognizer was used, if any."""
    if not identity.any():
        return []
    return sorted(identity.cpu().abs().topk(STRONGEST_NUMBERS).indices.tolist())


def _motion(motion: MotionSettings, is_legacy: bool) -> dict[str, object]:
    """is_legacy: patch-drop draws from the sampler's generator, so the number of patches changes all later draws."""
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
    """Prompt settings are part of the prompts. Without guidance every frame uses the same bank."""
    return {
        "steps": sampler.steps_taken,
        "guidance": max(sampler.guidance, 1.0),
        "seed": sampler.seed,
        "weights": sampler.weights,
        "legacy_rng": sampler.legacy_rng,
        "reference_banks": sampler.reference_banks if is_guided else None,
        **({"clip_noise": REPEATED} if sampler.clip_noise == REPEATED else {}),  # others keep the keys they had
    }


def _acceleration(sampler: SamplerConfig, is_guided: bool) -> dict[str, object]:
    """By what the steps compute. Nothing if that is everything: exact videos keep the keys they had before."""
    steps, cond_batch = sampler.steps_taken, 2 if is_guided else 1
    chosen, exact = ((each.solver, each.plan(steps, cond_batch)) for each in (sampler.acceleration, EXACT))
    return {} if chosen == exact else {"acceleration": chosen}


def _prompts(inputs: AnimationInputs) -> list[object]:
    """By their parsed content, not their notation; the embeddings follow from it and the text encoder."""
    text, adapter, sampler = inputs.text, inputs.models.text_adapter, inputs.sampler
    if text is None or not text.spans:
        return []
    adapter_name = None if adapter is None else adapter.fingerprint
    return [str(text), text.transition, text.encoder, adapter_name, sampler.text_strength, sampler.text_scale]


def _weights(inputs: AnimationInputs) -> list[object]:
    weights = inputs.weights
    return [] if weights is None or not weights.tracks else [str(weights), weights.transition]
