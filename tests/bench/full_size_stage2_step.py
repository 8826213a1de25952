"""One step of stage 2 on networks of the released size, with seeded weights: memory and seconds.

    python tests/bench/full_size_stage2_step.py [--folder DIR] [--size 256] [--frames 14] [--lora-rank 0]

Writes net.pth's equivalent (4.85 GB) and a VAE into the folder, unless they are there; they are kept. The step is that
of training: motion frames through the VAE with noise and patch-drop, ReferenceNet, the denoising UNet with gradient
checkpointing, frozen matrices in bf16, Adafactor. Ends itself if the machine's free memory falls below --least-free-gb.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

Result = TypeVar("Result")


def write_files(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
    from hallo2_core.checkpoints.seeded import seeded_tensor
    from hallo2_core.config import Hallo2Config, VAEConfig
    from hallo2_core.models.layers import Build
    from hallo2_core.models.vae import AutoencoderKL

    empty = Build(dtype=torch.float16, device="meta")
    five = hallo2_networks(Hallo2Config(), empty)
    files = {
        "net.safetensors": {prefix: getattr(five, name) for name, prefix in PREFIXES.items()},
        "vae.safetensors": {"": AutoencoderKL(VAEConfig(), empty)},
    }
    for name, networks in files.items():
        if (folder / name).exists():
            continue
        shapes = {prefix + key: x.shape for prefix, net in networks.items() for key, x in net.state_dict().items()}
        tensors = {key: seeded_tensor(key, shape).half().contiguous() for key, shape in shapes.items()}
        save_file(tensors, folder / f"{name}.part")
        os.replace(folder / f"{name}.part", folder / name)


def write_clip(folder: Path, frames: int, size_px: int) -> None:
    import torch
    from tiny import normal

    from hallo2_core.training.clip_records import FACE_BOX, FEATURES, FRAMES, IDENTITY, LATENTS, MASKS
    from hallo2_core.training.records import write_shard

    side, tokens = size_px // 8, sum((size_px // (8 << level)) ** 2 for level in range(4))
    quarter = size_px // 4
    record = {
        FRAMES: (normal(0, frames, 3, size_px, size_px).sigmoid() * 255).byte(),
        LATENTS: normal(1, frames, 4, side, side).half(),
        FEATURES: normal(2, frames, 12, 768).half(),
        MASKS: (normal(3, frames, 3, tokens).sigmoid() * 255).byte(),
        FACE_BOX: torch.tensor([[quarter, quarter, 3 * quarter, 3 * quarter]] * frames, dtype=torch.int32),
        IDENTITY: normal(4, 512),
    }
    write_shard([record], folder / "clips-0.safetensors")


def guard(least_free_bytes: float) -> None:
    """Ends the process before the machine runs out of memory."""
    import psutil

    while psutil.virtual_memory().available > least_free_bytes:
        time.sleep(0.5)
    sys.stderr.write(f"stopped: less than {least_free_bytes / 1e9:.1f} GB of the machine's memory are free\n")
    os._exit(3)


def timed(what: str, work: Callable[[], Result]) -> Result:
    wall, cpu = time.monotonic(), time.process_time()
    result = work()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"{what:<20} {cpu:8.1f} processor seconds, {wall:8.1f} s, {peak_gib():6.2f} GiB peak so far", flush=True)
    return result


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "output" / "full_size")
    parser.add_argument("--size", type=int, default=256, metavar="PX")
    parser.add_argument("--frames", type=int, default=14)
    parser.add_argument("--lora-rank", type=int, default=0)
    parser.add_argument("--least-free-gb", type=float, default=2.0)
    arguments = parser.parse_args()
    threading.Thread(target=guard, args=(arguments.least_free_gb * 1e9,), daemon=True).start()

    import torch
    from accelerate import Accelerator

    from hallo2_core.training.ema import trained_parameters
    from hallo2_core.training.optimizers import optimizers_for
    from hallo2_core.training.paper_stages import motion_stage
    from hallo2_core.training.settings import TrainSettings

    folder, clips = arguments.folder, arguments.folder / f"clips_{arguments.size}px"
    folder.mkdir(parents=True, exist_ok=True)
    timed("weights written", lambda: write_files(folder))
    write_clip(clips, arguments.frames + 2, arguments.size)
    table = {
        "clips": str(clips), "validation_clips": str(clips), "vae": str(folder / "vae.safetensors"),
        "frames": arguments.frames, "uncond_ratio": 0.0, "start_ratio": 0.0,
        "model": {
            "weights": str(folder / "net.safetensors"), "frozen_dtype": "bf16", "lora_rank": arguments.lora_rank,
        },
    }  # fmt: skip
    settings = TrainSettings("", mixed_precision="bf16", optimizer="adafactor", learning_rate=1e-5)
    stage = timed("networks loaded", lambda: motion_stage(table, 0, "stage2"))
    network = Accelerator(mixed_precision=settings.mixed_precision).prepare(stage.network)
    trained = trained_parameters(stage.network)
    (optimizer,) = optimizers_for(trained, stage.is_matrix, settings)
    counts = [sum(p.numel() for p in some) / 1e6 for some in (trained.values(), stage.network.parameters())]
    print(f"{counts[0]:.0f} of {counts[1]:.0f} million weights are trained", flush=True)
    batch = stage.batch(range(1))
    batch = replace(batch, timesteps=torch.tensor([500]))
    loss = timed("forward", lambda: network(batch)["loss"])
    timed("backward", loss.backward)
    norm = torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
    timed("optimizer", optimizer.step)
    print(f"loss {float(loss.detach()):.4f}, gradient norm {float(norm):.4f}")
    print(f"peak memory {peak_gib():.2f} GiB")


if __name__ == "__main__":
    main()
