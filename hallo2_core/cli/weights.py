"""Loads the weights passed to a command. Missing files are reported before any computation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..models.upscaler.upscaler import Upscaler
from ..models.wav2vec import SpeechEncoder
from ..portrait.face_analysis import FaceAnalysis, built_in_face_analysis
from ..portrait.released_faces import DETECTOR_FILE, RECOGNISER_FILE, released_face_analysis
from .named_file import DEMO
from .output import tell


def check_weights_are_named(model: Path | str, vae: Path | None, speech_encoder: Path | str | None) -> None:
    """The demo model is complete; a real one also needs a VAE and a speech encoder."""
    if model == DEMO:
        return
    missing = [flag for flag, given in (("--vae", vae), ("--speech-encoder", speech_encoder)) if given is None]
    if missing:
        raise CheckpointError(
            f"--model {model} needs {' and '.join(missing)} too: a VAE of SD 1.x and "
            f"wav2vec2-base-960h. 'hallo2 download' lists and downloads both."
        )


def few_step_file(chosen: Path | str | None) -> Path | None:
    """chosen: by --few-step."""
    from ..checkpoints.demo import DEMO_FEW_STEP

    return DEMO_FEW_STEP if chosen == DEMO else chosen


def load_models(
    model: Path | str,
    vae: Path | None,
    build: Build,
    lora: Path | None = None,
    lora_strength: float = 1.0,
    few_step: Path | None = None,
) -> Hallo2Models:
    """build.dtype: None keeps each file's own. The result has a VAE, whose weights have eight bits nowhere: its errors
    would come back through the motion frames. lora, few_step: added to the weights."""
    from ..checkpoints.build import load_hallo2, load_vae
    from ..checkpoints.demo import demo_hallo2

    if model == DEMO and lora is not None:
        raise CheckpointError(
            f"--lora {lora} was trained on another model than the demo's. Choose --model net.pth too."
        )
    if model == DEMO:
        tell("note: the demo model was trained on cartoons: of a photograph it makes a poor likeness.")
        return demo_hallo2(build, few_step=few_step)
    models = load_hallo2(model, build, lora=lora, lora_strength=lora_strength, few_step=few_step)
    return replace(models, vae=load_vae(vae, build.wide))


def load_upscaler(model: Path | str, build: Build) -> Upscaler:
    """build.dtype: None keeps the file's own."""
    from ..checkpoints.demo import demo_upscaler
    from ..checkpoints.upscaler import load_upscaler as load

    if model == DEMO:
        tell("note: the demo upscaler was trained on cartoons: it redraws every face as one.")
        return demo_upscaler(build)
    return load(model, build)


def load_speech_encoder(speech_encoder: Path | str | None, model: Path | str) -> SpeechEncoder:
    from ..checkpoints.demo import demo_speech_encoder
    from ..checkpoints.speech_encoder import load_speech_encoder as load

    chosen = DEMO if speech_encoder is None and model == DEMO else speech_encoder
    return demo_speech_encoder() if chosen == DEMO else load(chosen)


def load_face_analysis(folder: Path | None) -> FaceAnalysis:
    """folder: of the released face models; None for the built-in detector."""
    if folder is None:
        return built_in_face_analysis()
    return released_face_analysis(folder / DETECTOR_FILE, folder / RECOGNISER_FILE)
