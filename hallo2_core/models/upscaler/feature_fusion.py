"""Fusion of encoder features into the generator: controls how much of the input remains in the output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..layers import Build
from .vq_autoencoder import ResidualBlock


class FeatureFusion(nn.Module):
    """The encoder's features scale and shift the generator's, weighted by `fidelity`."""

    def __init__(self, width: int, norm_groups: int, build: Build) -> None:
        super().__init__()
        self.merge = ResidualBlock(2 * width, width, norm_groups, build)
        self.scale = self._two_convs(width, build)
        self.shift = self._two_convs(width, build)

    @staticmethod
    def _two_convs(width: int, build: Build) -> nn.Sequential:
        return nn.Sequential(
            build.conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2), build.conv2d(width, width, 3, padding=1)
        )

    def forward(self, given: Tensor, drawn: Tensor, fidelity: float) -> Tensor:
        """given, drawn: (b c h w), from the encoder and the generator."""
        merged = self.merge(torch.cat([given, drawn], dim=1))
        return drawn + fidelity * (drawn * self.scale(merged) + self.shift(merged))
