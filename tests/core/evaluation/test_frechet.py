import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.evaluation.frechet import FeatureStatistics, frechet_distance, statistics_of


def whitened(count, width, seed):
    """(n d): sample mean exactly 0, sample covariance exactly the identity."""
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    centered = drawn - drawn.mean(dim=0)
    root = torch.linalg.cholesky(centered.T @ centered / (count - 1))
    return torch.linalg.solve_triangular(root, centered.T, upper=False).T


def test_identical_sets_are_at_distance_zero():
    features = torch.randn(200, 12, generator=torch.Generator().manual_seed(1))
    assert frechet_distance(statistics_of(features), statistics_of(features)) == pytest.approx(0.0, abs=1e-9)


def test_gaussians_of_known_distance():
    """Diagonal covariances a² and b²: |m|² + Σ (a - b)²."""
    scales = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64), torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    one, other = (whitened(300, 3, seed) * scale for seed, scale in enumerate(scales))
    other = other + torch.tensor([3.0, 0.0, 4.0])
    assert frechet_distance(statistics_of(one), statistics_of(other)) == pytest.approx(25.0 + 4.0 + 0.25, rel=1e-9)


def test_covariances_that_share_no_axes():
    """The covariances do not commute. In two dimensions the root has a closed form: (tr √M)² = tr M + 2 √det M."""
    mixed = torch.tensor([[1.0, 0.3], [0.0, 2.0]], dtype=torch.float64)
    turned = torch.tensor([[0.5, -1.0], [1.0, 0.2]], dtype=torch.float64)
    one, other = whitened(100, 2, 0) @ mixed, whitened(100, 2, 1) @ turned
    first, second = mixed.T @ mixed, turned.T @ turned
    root_trace = ((first @ second).trace() + 2 * (first.det() * second.det()).sqrt()).sqrt()
    expected = float(first.trace() + second.trace() - 2 * root_trace)
    assert frechet_distance(statistics_of(one), statistics_of(other)) == pytest.approx(expected, rel=1e-9)


def test_fewer_features_than_dimensions():
    """Covariances without full rank: the same set moved by 2 along one axis is at distance 4."""
    features = torch.randn(5, 40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    moved = features.clone()
    moved[:, 0] += 2.0
    assert frechet_distance(statistics_of(features), statistics_of(moved)) == pytest.approx(4.0, rel=1e-6)


def test_in_pieces_as_in_one_go():
    features = 1e4 + torch.randn(101, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    whole, pieces = statistics_of(features), FeatureStatistics(7)
    for piece in features.split([1, 50, 0, 3, 47]):
        pieces.add(piece)
    assert pieces.count == whole.count == 101
    torch.testing.assert_close(pieces.mean, whole.mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(pieces.covariance, whole.covariance, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(whole.covariance, features.T.cov(), rtol=1e-7, atol=1e-9)


def test_one_feature_has_no_covariance():
    with pytest.raises(SettingsError, match="1 features; 2 or more"):
        frechet_distance(statistics_of(torch.zeros(1, 3)), statistics_of(torch.zeros(4, 3)))
