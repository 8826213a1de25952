"""Made-up records of clips for training on tiny networks."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny import CONFIG, normal
from torch import Tensor

from hallo2_core.config import SmallTextConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.text_encoder import TextTransformer
from hallo2_core.training.clip_records import FACE_BOX, FEATURES, FRAMES, LATENTS, MASKS, MOOD, MOUTH_TRUTH, SEED
from hallo2_core.training.records import RecordShards, write_shard

SIDE, LENGTH = 64, 9
TOKENS = sum((SIDE // (8 << level)) ** 2 for level in range(4))


def record(seed: int) -> dict[str, Tensor]:
    audio = CONFIG.audio_projection
    frames = ((normal(seed, LENGTH, 3, SIDE, SIDE) + normal(seed + 4, LENGTH, 1, 1, 1)).sigmoid() * 255).byte()
    return {
        FRAMES: frames,
        MOUTH_TRUTH: (frames.float() / 255).mean(dim=(1, 2, 3)).unsqueeze(1).expand(-1, 2),
        SEED: torch.tensor([seed]),
        LATENTS: normal(seed + 1, LENGTH, 4, SIDE // 8, SIDE // 8).half(),
        FEATURES: normal(seed + 2, LENGTH, audio.layers, audio.feature_width).half(),
        MASKS: (normal(seed + 3, LENGTH, 3, TOKENS).sigmoid() * 255).byte(),
        FACE_BOX: torch.tensor([[16, 16, 48, 48]] * LENGTH, dtype=torch.int32),
    }


TEXT = SmallTextConfig(buckets=64, width=8, feed_forward_width=8, text_width=8)
ASKED = [1] * 4 + [2] * (LENGTH - 4)


def prompted_clips(folder: Path, **without: bool) -> RecordShards:
    """Three clips whose moods are known, without the parts named."""
    records = [record(10 * number) | {MOOD: torch.tensor(ASKED, dtype=torch.uint8)} for number in range(3)]
    write_shard([{k: v for k, v in one.items() if k not in without} for one in records], folder / "0.safetensors")
    return RecordShards(folder)


def text_encoder() -> TextTransformer:
    torch.manual_seed(0)
    return TextTransformer(TEXT, Build(dtype=torch.float32))
