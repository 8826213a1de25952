"""Faces for the upscaler: drawings at its side, and the same as a small video shows them.

A record is one actor: "frames" (f 3 512 512) uint8, drawn at that size; "latents" (f 4 s/8 s/8) float16, of the same
drawing at s pixels, times LATENT_SCALE; and "seen" (f 3 s s) uint8, those latents decoded. Half of the records are
whole pictures of 128 px. The others are faces cut out of such pictures, as the upscaler cuts them, so fewer than 128 px
of the video fill the same 512.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..config import LATENT_SCALE
from ..models.vae import AutoencoderKL
from .cartoons.actor import Actor
from .cartoons.drawing import draw
from .cartoons.head_pose import Framing
from .cartoons.performance import FPS, performance
from .cartoons.split import Split
from .cartoons.tracks import Tracks
from .data_settings import claim_folder, face_settings
from .draws import sample_generator, sample_rng
from .prepare_pictures import scattered_tracks
from .records import FRAMES, LATENTS, missing_shards

SEEN = "seen"
PICTURE_PX = 128  # of the small model's videos
CUT_FACES_PX = (96, 104, 112)  # of such a video inside the square around a face (measured: 0.75 to 0.89 of the side)
CENTER_DOWN = 0.09  # of the square around a face from the head's center, in head units
SPEAKING_FRAME = 20  # performances begin with silence
ACTORS_PER_SHARD = 32


def prepare_faces(
    folder: Path, split: Split, actors: range, frames: int, size_px: int, vae: AutoencoderKL, latent_noise: float
) -> Iterator[Path]:
    """Unrelated frames of each actor, drawn on the VAE's device. Yield each finished shard, see `missing_shards`.

    latent_noise: largest deviation of noise on the latents, each frame's its own: the frames of a denoiser are blurrier
    than the VAE's own, and they jitter.
    Errors: SettingsError if the folder's faces were made with another VAE or other settings.
    """

    def records_of(seed: int) -> list[dict[str, Tensor]]:
        tracks = scattered_tracks(sample_rng(0, seed, f"faces {split}"), frames)
        return [face_record(seed, split, tracks, size_px, vae, latent_noise)]

    claim_folder(folder, face_settings(f"faces, {split}", size_px, vae, latent_noise))
    return missing_shards(folder, "faces", actors, ACTORS_PER_SHARD, records_of)


def prepare_face_clips(
    folder: Path, split: Split, seeds: range, frames: int, size_px: int, vae: AutoencoderKL, latent_noise: float
) -> Iterator[Path]:
    """As `prepare_faces`, with successive frames of speech. Errors: MissingDependencyError without espeak-ng."""
    span = slice(SPEAKING_FRAME, SPEAKING_FRAME + frames)

    def records_of(seed: int) -> list[dict[str, Tensor]]:
        tracks = performance(seed, split, span.stop / FPS).tracks[span]
        return [face_record(seed, split, tracks, size_px, vae, latent_noise)]

    claim_folder(folder, face_settings(f"face clips, {split}", size_px, vae, latent_noise))
    return missing_shards(folder, "face_clips", seeds, ACTORS_PER_SHARD, records_of)


@torch.no_grad()
def face_record(
    seed: int, split: Split, tracks: Tracks, size_px: int, vae: AutoencoderKL, latent_noise: float
) -> dict[str, Tensor]:
    """On the VAE's device; the record itself is on the CPU."""
    actor, rng = Actor.from_seed(seed, split), sample_rng(0, seed, f"cut {split}")
    seen_px = PICTURE_PX if rng.random() < 0.5 else int(rng.choice(CUT_FACES_PX))
    if seen_px < PICTURE_PX:
        actor = replace(actor, framing=cut_framing(actor.framing, PICTURE_PX / seen_px, rng))
    frames = rearrange(draw(actor, tracks.to(next(vae.parameters()).device), size_px), "f h w c -> f c h w")
    small = F.interpolate(frames, size=(seen_px, seen_px), mode="area")
    noise = sample_generator(0, seed, f"latent noise {split}")
    latents = disturbed(vae.encode(small * 2.0 - 1.0) * LATENT_SCALE, latent_noise, noise)
    seen = (vae.decode(latents / LATENT_SCALE) / 2.0 + 0.5).clamp(0.0, 1.0)
    return {FRAMES: as_bytes(frames).cpu(), LATENTS: latents.half().cpu(), SEEN: as_bytes(seen).cpu()}


def cut_framing(framing: Framing, zoom: float, rng: np.random.Generator) -> Framing:
    """The framing of a face that is cut out of a picture: larger, and near the middle."""
    x, y = rng.normal(0.0, 0.03, 2)
    scale = framing.scale * zoom
    return Framing(scale, scale * x, scale * (y - CENTER_DOWN))


def disturbed(latents: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """latents: (f 4 h w).  Returns them with noise of a deviation of up to `most`, none in a third of the frames."""
    amount = most * (1.5 * torch.rand(len(latents), 1, 1, 1, generator=generator) - 0.5).clamp_min(0.0)
    return latents + (amount * torch.randn(latents.shape, generator=generator)).to(latents.device)


def as_bytes(pictures: Tensor) -> Tensor:
    return (pictures * 255.0).round().byte()
