"""Which weights each of the paper's stages trains (§4.4), by their names in the objectives.

Stage 1 trains what makes a picture; stage 2 trains what makes it move and speak, and everything else stays as it is,
to the bit. (The release's configuration of stage 2 forgets the audio modules; its authors say that they were trained.)
"""

from __future__ import annotations

from ..checkpoints.picture_model import ADDED_MODULES

UNET = "denoising_unet."
PICTURE_NETWORKS = ("reference_net.", "face_locator.", "image_projection.")
SPEECH_NETWORKS = ("audio_projection.",)
DISTILLED_LAYERS = ("to_out.", "ff.net.2.", "proj_in.", "proj_out.", "time_emb")


def makes_pictures(name: str) -> bool:
    """Stage 1: ReferenceNet, the denoising UNet's spatial parts, face locator and image projection."""
    return name.startswith(PICTURE_NETWORKS) or (name.startswith(UNET) and not _is_added(name))


def makes_motion(name: str) -> bool:
    """Stage 2: motion and audio modules, and the audio projection."""
    return name.startswith(SPEECH_NETWORKS) or (name.startswith(UNET) and _is_added(name))


def is_distilled(name: str) -> bool:
    """The denoising UNet's layers that a few-step LoRA updates: those through which the timestep and what attention
    and feed-forward layers have computed enter."""
    return name.startswith(UNET) and any(f".{layer}" in name for layer in DISTILLED_LAYERS)


def _is_added(name: str) -> bool:
    return any(module in name for module in ADDED_MODULES)
