"""Audio projection: a five-frame window of speech features → audio tokens of the middle frame."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..config import AudioProjectionConfig
from .layers import Build, Network


class AudioProjection(Network):
    def __init__(self, config: AudioProjectionConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        self.proj1 = build.linear(config.window_frames * config.layers * config.feature_width, config.hidden_width)
        self.proj2 = build.linear(config.hidden_width, config.hidden_width)
        self.proj3 = build.linear(config.hidden_width, config.tokens * config.token_width)
        self.norm = build.layer_norm(config.token_width)

    def forward(self, windows: Tensor) -> Tensor:
        """windows: (f window layers d), frames folded into one axis.  Returns (f n d)."""
        x = rearrange(windows, "f window layers d -> f (window layers d)")
        x = self.proj3(F.relu(self.proj2(F.relu(self.proj1(x)))))
        return self.norm(rearrange(x, "f (n d) -> f n d", n=self.config.tokens))
