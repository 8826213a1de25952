"""The Fréchet distance between Gaussians fitted to two sets of features: FID, FVD and E-FID are this distance."""

from __future__ import annotations

import torch
from einops import reduce
from torch import Tensor

from ..errors import SettingsError

FEWEST = 2  # features from which a covariance can be computed


class FeatureStatistics:
    """Mean and covariance of features that come in pieces of any size; memory depends on their width alone."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self._scatter = torch.zeros(width, width, dtype=torch.float64)  # sum of the products of deviations

    def add(self, features: Tensor) -> None:
        """features: (n d). Merged as in Chan, Golub and LeVeque (1979), which stays exact for large means."""
        own = features.detach().to("cpu", torch.float64)
        if not len(own):
            return
        mean = reduce(own, "n d -> d", "mean")
        deviations, apart = own - mean, mean - self.mean
        total = self.count + len(own)
        self._scatter += deviations.T @ deviations + torch.outer(apart, apart) * (self.count * len(own) / total)
        self.mean = self.mean + apart * (len(own) / total)
        self.count = total

    @property
    def covariance(self) -> Tensor:
        """(d d), unbiased."""
        if self.count < FEWEST:
            raise SettingsError(f"There are {self.count} features; {FEWEST} or more are needed. Use a longer video.")
        return self._scatter / (self.count - 1)


def statistics_of(features: Tensor) -> FeatureStatistics:
    """features: (n d), all at once."""
    statistics = FeatureStatistics(features.shape[1])
    statistics.add(features)
    return statistics


def frechet_distance(one: FeatureStatistics, other: FeatureStatistics) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½) (Dowson and Landau 1982).

    The trace of the root is the sum of the roots of the eigenvalues of C1^½ C2 C1^½, which is symmetric: no complex
    numbers appear, and covariances without full rank need no offset. Errors: SettingsError for fewer than two features.
    """
    first, second = one.covariance, other.covariance
    root = _symmetric_root(first)
    crossed = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0.0).sqrt().sum()
    distance = (one.mean - other.mean).square().sum() + first.trace() + second.trace() - 2.0 * crossed
    return max(float(distance), 0.0)


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T
