"""Image projection: an identity embedding → face tokens."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor

from ..config import ImageProjectionConfig
from .layers import Build, Network


class ImageProjection(Network):
    def __init__(self, config: ImageProjectionConfig, build: Build) -> None:
        super().__init__(build)
        self.tokens = config.tokens
        self.embedding_width = config.embedding_width
        self.proj = build.linear(config.embedding_width, config.tokens * config.token_width)
        self.norm = build.layer_norm(config.token_width)

    def forward(self, identity: Tensor) -> Tensor:
        """identity: (b e), the recognizer's raw embedding.  Returns (b n d)."""
        return self.norm(rearrange(self.proj(identity), "b (n d) -> b n d", n=self.tokens))
