"""Does the small upscaler draw what was there? `python tests/bench/small_upscaler.py --vae FILE --upscaler FILE`.

Held-back faces are drawn at 512 px, and seen at 96 to 128 px through the small VAE. They are restored at several
fidelities and compared with the drawing, beside bicubic enlargement. Held-back talking clips, every frame with noise of
its own on its latents, are restored in windows of 16 frames with temporal alignment, and without its layers; flicker is
the mean absolute change from frame to frame of the difference from the true drawing, in 1/255.

--pictures DIR writes what was seen, restored and true, side by side.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

import torch  # noqa: E402
from einops import rearrange  # noqa: E402
from PIL import Image  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from hallo2_core.checkpoints.small_model import SMALL_UPSCALER  # noqa: E402
from hallo2_core.checkpoints.upscaler import load_upscaler  # noqa: E402
from hallo2_core.models.layers import Build  # noqa: E402
from hallo2_core.models.upscaler.video_restorer import VideoRestorer  # noqa: E402
from hallo2_core.training.cartoons.performance import FPS, performance  # noqa: E402
from hallo2_core.training.draws import sample_rng  # noqa: E402
from hallo2_core.training.prepare_faces import FRAMES, SEEN, SPEAKING_FRAME, face_record  # noqa: E402
from hallo2_core.training.prepare_pictures import scattered_tracks  # noqa: E402
from hallo2_core.training.small_networks import small_vae  # noqa: E402
from hallo2_core.training.upscaler.degradation import enlarged  # noqa: E402
from hallo2_core.training.vae_stage import decibels, pixels_of  # noqa: E402

SPLIT = "held_back"
FIRST_CLIP = 1000  # other actors than those of the single faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upscaler", required=True, help="a file that its training exported")
    parser.add_argument("--vae", required=True, help="the small VAE")
    parser.add_argument("--faces", type=int, default=24)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--latent-noise", type=float, default=0.15, help="most noise on the clips' latents")
    parser.add_argument("--fidelities", type=float, nargs="+", default=[0.0, 0.5, 1.0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    upscaler = load_upscaler(arguments.upscaler, Build(dtype=torch.float32), config=SMALL_UPSCALER)
    restorer, vae = upscaler.restorer, small_vae(arguments.vae)
    side = restorer.config.side_px
    with torch.inference_mode():
        faces = [
            face_record(seed, SPLIT, scattered_tracks(sample_rng(0, seed, f"faces {SPLIT}"), 1), side, vae, 0.0)
            for seed in range(arguments.faces)
        ]
        result = psnr_db(restorer, faces, arguments.fidelities, arguments.pictures)
        span = slice(SPEAKING_FRAME, SPEAKING_FRAME + restorer.config.window_frames)
        seeds = range(FIRST_CLIP, FIRST_CLIP + arguments.clips)
        tracks = {seed: performance(seed, SPLIT, span.stop / FPS).tracks[span] for seed in seeds}
        clips = [face_record(seed, SPLIT, tracks[seed], side, vae, arguments.latent_noise) for seed in seeds]
        result |= flicker(restorer, clips, arguments.fidelities)
    print(json.dumps({key: round(value, 3) for key, value in result.items()}, indent=1))


def psnr_db(
    restorer: VideoRestorer, faces: list[dict[str, Tensor]], fidelities: list[float], pictures: Path | None
) -> dict[str, float]:
    squares: dict[str, list[Tensor]] = {}
    for number, face in enumerate(faces):
        given, true = _pair(restorer, face)
        shown = {"bicubic": given} | {
            f"restored_at_{fidelity:g}": restored(restorer, given, fidelity) for fidelity in fidelities
        }
        for name, picture in shown.items():
            squares.setdefault(name, []).append(((picture - true) / 2).square().mean())
        if pictures:
            _write_row([*shown.values(), true], pictures / f"face_{number:02d}.png")
    return {f"psnr_db_{name}": decibels(torch.stack(values).mean()) for name, values in squares.items()}


def flicker(restorer: VideoRestorer, clips: list[dict[str, Tensor]], fidelities: list[float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for clip in clips:
        given, true = _pair(restorer, clip)
        shown = {"bicubic": given}
        for fidelity in fidelities:
            shown[f"aligned_at_{fidelity:g}"] = restored(restorer, given, fidelity)
            with without_alignment(restorer):
                shown[f"not_aligned_at_{fidelity:g}"] = restored(restorer, given, fidelity)
        for name, frames in shown.items():
            change = (frames - true).diff(dim=0).abs().mean() / 2 * 255
            sums[f"flicker_{name}"] = sums.get(f"flicker_{name}", 0.0) + float(change) / len(clips)
    return sums


def restored(restorer: VideoRestorer, given: Tensor, fidelity: float) -> Tensor:
    """given: (f 3 h w).  Returns the same shape, -1..1."""
    return restorer(given.unsqueeze(0), fidelity=fidelity).frames[0].clamp(-1, 1)


@contextmanager
def without_alignment(restorer: VideoRestorer) -> Iterator[None]:
    """The layers over time add nothing inside the context."""
    last: list[nn.Parameter] = []
    for layer in restorer.temporal_alignment:
        last += [*layer.temporal_attn.to_out.parameters(), *layer.temporal_ff.linear2.parameters()]
    kept = [parameter.detach().clone() for parameter in last]
    for parameter in last:
        parameter.zero_()
    try:
        yield
    finally:
        for parameter, value in zip(last, kept, strict=True):
            parameter.copy_(value)


def _pair(restorer: VideoRestorer, record: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    return enlarged(record[SEEN].float() / 255.0, restorer.config.side_px), pixels_of(record[FRAMES])


def _write_row(pictures: list[Tensor], path: Path) -> None:
    row = rearrange(torch.stack([picture[0] for picture in pictures]), "n c h w -> h (n w) c")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(((row / 2 + 0.5) * 255).round().byte().numpy()).save(path)


if __name__ == "__main__":
    main()
