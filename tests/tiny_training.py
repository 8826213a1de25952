"""Files of a tiny model of the released one's kind, whose dimensions can be read off its shapes, and clips for it."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from seeded_models import SEEDED_VAE
from tiny import normal

from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    UNetConfig,
)
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.training.clip_records import FACE_BOX, FEATURES, FRAMES, IDENTITY, LATENTS, MASKS
from hallo2_core.training.ema import trained_parameters
from hallo2_core.training.loop import Stage
from hallo2_core.training.records import write_shard

CONFIG = Hallo2Config(
    UNetConfig((32, 32, 64, 64), layers_per_block=1, face_token_width=24, audio_token_width=20),
    FaceLocatorConfig((4, 8, 8, 16), out_width=32),
    ImageProjectionConfig(token_width=24),
    AudioProjectionConfig(layers=1, feature_width=32, hidden_width=16, token_width=20, tokens=6),
)
SIDE_PX, CLIP_FRAMES = 64, 8
ON_META = Build(dtype=torch.float32, device="meta")


def write_model(path: Path) -> Path:
    """As net.pth: float16, under the prefixes of the five networks."""
    models = hallo2_networks(CONFIG, ON_META)
    tensors = {}
    for name, prefix in PREFIXES.items():
        network = getattr(models, name)
        fill_with_seeded_weights(network, prefix)
        tensors |= {prefix + key: x.half().contiguous() for key, x in network.state_dict().items()}
    save_file(tensors, path)
    return path


def write_vae(path: Path) -> Path:
    vae = AutoencoderKL(SEEDED_VAE, ON_META)
    fill_with_seeded_weights(vae, "vae.")
    save_file({key: x.half().contiguous() for key, x in vae.state_dict().items()}, path)
    return path


def write_clips(folder: Path, count: int = 2) -> Path:
    """Clips of noise, with what a filmed clip's record has."""
    write_shard([clip(10 * number) for number in range(count)], folder / "clips-0.safetensors")
    return folder


def losses_on(batch: object, stage: Stage, steps: int, rate: float) -> list[float]:
    """Of as many steps, all on this batch."""
    optimizer = torch.optim.AdamW(trained_parameters(stage.network).values(), rate)
    losses = []
    for _ in range(steps):
        loss = stage.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def clip(seed: int) -> dict[str, torch.Tensor]:
    tokens = sum((SIDE_PX // (8 << level)) ** 2 for level in range(4))
    audio = CONFIG.audio_projection
    return {
        FRAMES: (normal(seed, CLIP_FRAMES, 3, SIDE_PX, SIDE_PX).sigmoid() * 255).byte(),
        LATENTS: normal(seed + 1, CLIP_FRAMES, 4, SIDE_PX // 8, SIDE_PX // 8).half(),
        FEATURES: normal(seed + 2, CLIP_FRAMES, audio.layers, audio.feature_width).half(),
        MASKS: (normal(seed + 3, CLIP_FRAMES, 3, tokens).sigmoid() * 255).byte(),
        FACE_BOX: torch.tensor([[16, 16, 48, 48]] * CLIP_FRAMES, dtype=torch.int32),
        IDENTITY: normal(seed + 4, CONFIG.image_projection.embedding_width),
    }


def stage1_table(folder: Path, **model: object) -> dict[str, object]:
    """Of a configuration file; writes the files that it names, unless they are there."""
    if not (folder / "vae.safetensors").exists():
        write_vae(folder / "vae.safetensors")
    vae, weights = str(folder / "vae.safetensors"), str(_model(folder))
    return {**_clips(folder), "vae": vae, "model": {"weights": weights, **model}}


def stage2_table(folder: Path, **model: object) -> dict[str, object]:
    return {
        **stage1_table(folder, **model),
        "frames": 4,
        "validation_samples": 2,
        "video": {"frames": 3, "steps": 2, "first_frame": 0, "clips": 1},
    }


def _model(folder: Path) -> Path:
    path = folder / "net.safetensors"
    return path if path.exists() else write_model(path)


def _clips(folder: Path) -> dict[str, str]:
    clips = folder / "clips"
    if not clips.exists():
        write_clips(clips)
    return {"clips": str(clips), "validation_clips": str(clips)}
