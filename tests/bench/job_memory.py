"""Device memory of a whole job at the released size, phase by phase: `python tests/bench/job_memory.py [--side 512]`.

For each phase: the bytes of the networks that must be on the device together, and the bytes alive besides, counted on
the meta device for float16 arithmetic; with all weights in 16 bits, and with those in 8 bits that `fp8_e4m3` stores so.
Idle networks wait in main memory, as with ComfyUI and on the command line. Under ComfyUI's partial loading the largest
layer is enough in place of the networks, except for the speech encoder and the upscaler, which it loads whole.

Attention is counted as fused. Not counted: the device's context, workspaces of convolutions, gaps between allocations.
Exit status 1 if a phase of 512×512 exceeds 6 GB in 16 bits, or 4 GB in 8.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from memory_step import AliveBytes, fused
from meta_clip import FRAMES, MOTION_FRAMES, MetaClip
from results import META, bench_parser, publish
from torch import nn

from hallo2_core.audio.speech_pieces import OURS
from hallo2_core.audio.speech_signal import SPEECH_RATE_HZ
from hallo2_core.config import UpscalerConfig, Wav2VecConfig
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.offload import bytes_of

LIMITS = {torch.float16: 6e9, torch.float8_e4m3fn: 4e9}
FPS = 25


@dataclass(frozen=True)
class Phase:
    name: str
    weights: int  # bytes of the networks in use
    alive: int  # bytes besides, at the peak
    largest_layer: int | None  # bytes of weights; None: the networks are always loaded whole

    @property
    def bytes(self) -> int:
        return self.weights + self.alive


@torch.inference_mode()
def main() -> int:
    parser = bench_parser(__doc__)
    parser.add_argument("--side", type=int, default=512)
    arguments = parser.parse_args()

    found = {weights: job_phases(arguments.side, weights) for weights in LIMITS}
    rows, above = [], []
    for phases in zip(*found.values(), strict=True):
        row: dict[str, object] = {"phase": phases[0].name}
        for weights, phase in zip(found, phases, strict=True):
            bits = f"{8 * weights.itemsize} bits"
            least = phase.bytes if phase.largest_layer is None else phase.alive + phase.largest_layer
            row |= {
                f"weights, {bits}": giga(phase.weights),
                f"alive, {bits}": giga(phase.alive),
                f"GB, {bits}": giga(phase.bytes),
                f"GB layer by layer, {bits}": giga(least),
            }
            if arguments.side == 512 and phase.bytes > LIMITS[weights]:
                above.append(f"{phase.name}, {bits}: {giga(phase.bytes)} GB is above {giga(LIMITS[weights])}")
        rows.append(row)
    return publish(rows, META, arguments.json, above)


class Phases:
    """Runs phase after phase; what one leaves on the device for later ones counts in those."""

    def __init__(self) -> None:
        self.done: list[Phase] = []
        self.alive = AliveBytes()

    def run(self, name: str, networks: Sequence[nn.Module], call: Callable, *given: Any, whole: bool = False) -> Any:  # noqa: ANN401
        """whole: ComfyUI never loads these networks partially."""
        self.alive.restart()
        result = call(*given)
        largest = None if whole else max(map(largest_layer, networks))
        self.done.append(Phase(name, sum(map(bytes_of, networks)), self.alive.peak, largest))
        return result


def job_phases(side_px: int, weights: torch.dtype) -> list[Phase]:
    """In the order they run."""
    clip, phases = MetaClip(side_px, fused, weights), Phases()
    encoder, restorer = SpeechEncoder(Wav2VecConfig(), "meta"), VideoRestorer(UpscalerConfig(), clip.build)
    models, vae, unet = clip.models, [clip.vae], [clip.models.denoising_unet]
    portrait_networks = models.reference_net, models.image_projection, models.face_locator
    clip_networks = models.reference_net, models.audio_projection
    with phases.alive:
        phases.run("speech, a piece of a minute", [encoder], speech_piece, encoder, whole=True)
        latents = phases.run("portrait: VAE", vae, clip.encode, 1)
        reference = phases.run("portrait: ReferenceNet", portrait_networks, clip.reference, latents)
        portrait, tokens = phases.run("portrait: denoising UNet", unet, clip.portrait_conditions, *reference)
        del latents, reference
        motion = phases.run("a clip's motion frames: VAE", vae, clip.encode, MOTION_FRAMES)
        inputs = phases.run("a clip's banks and speech", clip_networks, clip.motion_and_speech, motion, tokens)
        del motion
        conditions = phases.run("a clip's conditions", unet, clip.clip_conditions, portrait, *inputs)
        del inputs
        phases.run("a guided step", unet, clip.step, conditions)
        phases.run("a frame decoded: VAE", vae, clip.vae.decode, clip.latents(1))
        del conditions, portrait, tokens
        phases.run("upscaler, a window of 16 faces", [restorer], face_window, restorer, whole=True)
    return phases.done


def speech_piece(encoder: SpeechEncoder) -> None:
    """In float32, as ComfyUI loads the encoder, with the context on both sides."""
    seconds = OURS.piece_seconds + 2 * OURS.context_seconds
    sound = torch.empty(round(seconds * SPEECH_RATE_HZ), device="meta")
    encoder(sound, torch.empty(round(seconds * FPS), device="meta"))


def face_window(restorer: VideoRestorer) -> None:
    side = restorer.config.side_px
    crops = torch.empty(1, FRAMES, 3, side, side, device="meta")
    restorer((crops * 2 - 1).to(torch.float16), fidelity=0.5).frames.float()


def largest_layer(network: nn.Module) -> int:
    return max(sum(weight.nbytes for weight in layer.parameters(recurse=False)) for layer in network.modules())


def giga(size: float) -> float:
    return round(size / 1e9, 2)


if __name__ == "__main__":
    sys.exit(main())
