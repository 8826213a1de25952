"""Made-up records of clips for training on tiny networks."""

from __future__ import annotations

import torch
from tiny import CONFIG, normal
from torch import Tensor

from hallo2_core.training.clip_records import FACE_BOX, FEATURES, FRAMES, LATENTS, MASKS, MOUTH_TRUTH, SEED

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
