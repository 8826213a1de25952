"""What a folder of clips was made with, noted in it: clips of two kinds never mix, and training checks its VAE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import SettingsError
from ..models.fingerprint import weights_fingerprint
from ..models.upscaler.video_restorer import VideoRestorer
from ..models.upscaler.vq_autoencoder import Encoder
from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from ..storage.durable import replace_file
from ..storage.json_text import parse_json
from .records import SHARD_ENDING

SETTINGS_FILE = "prepared.json"
FORMAT = 1  # increased when records change their meaning
RESOLUTION, FPS, VAE_ENCODER, SPEECH_ENCODER = "resolution", "fps", "vae_encoder", "speech_encoder"
VAE, LATENT_NOISE = "vae", "latent_noise"  # of faces for the upscaler
FACE_ENCODER = "face_encoder"  # of their codes: the upscaler's part that reads the faces
ALIKE = (RESOLUTION, FPS, SPEECH_ENCODER)  # of all folders that a run learns from


def data_settings(
    source: str, resolution: int, fps: object, vae: AutoencoderKL, speech_encoder: SpeechEncoder
) -> dict[str, object]:
    """source: of the clips, by name. The networks count by fingerprints; of the VAE only its encoder, so that training
    the decoder further leaves its clips valid."""
    return {
        "format": FORMAT,
        "source": source,
        RESOLUTION: resolution,
        FPS: str(fps),
        VAE_ENCODER: vae_encoder_fingerprint(vae),
        SPEECH_ENCODER: weights_fingerprint({"": speech_encoder}),
    }


def face_settings(source: str, resolution: int, vae: AutoencoderKL, latent_noise: float) -> dict[str, object]:
    """As `data_settings`, of faces for the upscaler: they hold latents and decoded pictures, so all of the VAE
    counts."""
    return {
        "format": FORMAT,
        "source": source,
        RESOLUTION: resolution,
        VAE: weights_fingerprint({"": vae}),
        LATENT_NOISE: latent_noise,
    }


def code_settings(
    clips_folder: Path, restorer: VideoRestorer, sharp_encoder: Encoder, degradation: Mapping[str, object]
) -> dict[str, object]:
    """As `data_settings`, of the codes of face clips; with what is noted of those clips."""
    clips = found_settings(clips_folder)
    return {
        "format": FORMAT,
        "source": "face codes",
        VAE: clips.get(VAE),
        LATENT_NOISE: clips.get(LATENT_NOISE),
        FACE_ENCODER: weights_fingerprint({"": restorer.encoder}),
        "codes": weights_fingerprint({"encoder.": sharp_encoder, "codebook.": restorer.codebook}),
        "degradation": degradation,
    }


def check_codes_fit(folders: Sequence[Path], restorer: VideoRestorer) -> None:
    """Errors: SettingsError if a folder's features come from another encoder, or two folders' faces from different
    VAEs. Folders without a note are not checked."""
    own = weights_fingerprint({"": restorer.encoder})
    for folder in folders:
        if found_settings(folder).get(FACE_ENCODER, own) != own:
            raise SettingsError(
                f"The codes in {folder} were made with another upscaler than the one this run loads. Choose that one, "
                f"or prepare the codes again."
            )
    check_alike(folders, [VAE])


def vae_encoder_fingerprint(vae: AutoencoderKL) -> str:
    return weights_fingerprint({"encoder.": vae.encoder, "quant_conv.": vae.quant_conv})


def claim_folder(folder: Path, settings: Mapping[str, object]) -> None:
    """Note the settings, or compare with those noted. A folder with clips of before there were notes stays as it is.

    Errors: SettingsError if the folder was made with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = found_settings(folder)
    if not found:
        if not any(folder.glob(f"*{SHARD_ENDING}")):
            replace_file(folder / SETTINGS_FILE, json.dumps(settings, indent=1).encode())
        return
    differing = [name for name in settings if found.get(name) != settings[name]]
    if differing:
        was, now = (", ".join(f"{name} {some.get(name)}" for name in differing) for some in (found, settings))
        raise SettingsError(
            f"{folder} was prepared with {was}; now it is {now}. Choose another folder, or delete this one."
        )


def found_settings(folder: Path) -> Mapping[str, object]:
    """Empty for a folder without a note. Errors: SettingsError for a damaged one."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}
    try:
        found = parse_json(path.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(f"{path} is damaged, so it is unknown what its clips were made with. Prepare them again.")
    return found


def check_clips_fit(folders: Sequence[Path], vae: AutoencoderKL) -> None:
    """Errors: SettingsError if a folder's latents are not this VAE's, or two folders differ in what must be alike.
    Folders without a note are not checked."""
    own = vae_encoder_fingerprint(vae)
    for folder in folders:
        if found_settings(folder).get(VAE_ENCODER, own) != own:
            raise SettingsError(
                f"The clips in {folder} were encoded by another VAE than the one this run loads. Choose that VAE, or "
                "prepare the clips again."
            )
    check_alike(folders, ALIKE)


def check_alike(folders: Sequence[Path], names: Sequence[str]) -> None:
    """Errors: SettingsError if two of the folders differ in one of these settings. Folders without a note are not
    checked."""
    first, *others = [(folder, found) for folder in folders if (found := found_settings(folder))] or [None]
    for folder, found in others:
        for name in names:
            if found.get(name) != first[1].get(name):
                raise SettingsError(
                    f"{first[0]} and {folder} cannot be used for training together: {name} is {first[1].get(name)} and "
                    f"{found.get(name)}. Prepare them alike."
                )
