"""The name of a render: equal for two runs exactly where they must give the same frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .. import __version__
from ..audio.speech_embeddings import SpeechEmbeddings
from ..jobs.fingerprint import fingerprint
from ..models.fingerprint import weights_fingerprint
from ..models.latents import LatentCodec
from ..models.layers import precision_of
from ..runtime import Runtime
from ..video.settings import VideoSettings
from .inputs import AnimationInputs


@dataclass(frozen=True)
class Render:
    """A whole video to be made: who, saying what, through which VAE, in what kind of file."""

    inputs: AnimationInputs
    speech: SpeechEmbeddings
    codec: LatentCodec
    settings: VideoSettings


def render_key(render: Render, runtime: Runtime) -> str:
    """Over all weights, the portrait, the sound, every setting, and the machine's arithmetic."""
    inputs, speech = render.inputs, render.speech
    return fingerprint(
        [inputs.models.fingerprint, render.codec.fingerprint, weights_fingerprint({"wav2vec.": speech.encoder})],
        inputs.reference.portrait,
        inputs.reference.weights,
        inputs.motion,
        inputs.sampler,
        _over_time(inputs),
        speech.audio.fingerprint(),
        {"fps": speech.fps, "frames": speech.frames, "pieces": speech.pieces, "resampler": speech.signal.resampler},
        render.settings,
        _arithmetic(inputs, runtime),
    )


def _over_time(inputs: AnimationInputs) -> dict[str, object]:
    """Timelines by what they say, however they were written."""
    text, weights, adapter = inputs.text, inputs.weights, inputs.models.text_adapter
    return {
        "text": None if text is None else [str(text), text.transition, text.embeddings, text.encoder],
        "adapter": None if text is None or adapter is None else adapter.fingerprint,
        "weights": None if weights is None else [str(weights), weights.transition],
    }


def _arithmetic(inputs: AnimationInputs, runtime: Runtime) -> dict[str, str]:
    """What may change the last bit of a number."""
    device, unet = runtime.device, inputs.models.denoising_unet
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "device": f"{device.type} {card}",
        "dtype": precision_of(unet),
        "attention": unet.attention_name,
        "torch": torch.__version__,
        "hallo2": __version__,
    }
