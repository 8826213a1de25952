import pytest
import torch
from tiny import normal

from hallo2_core.training.upscaler.quantization import fitted_codes, nearest_codes, perplexity, quantized


def test_the_nearest_code_is_found(restorer):
    features, table = normal(1, 2, 4, 3, 3), restorer.codebook.embedding.weight
    distances = torch.cdist(features.permute(0, 2, 3, 1).reshape(-1, 4), table)
    assert torch.equal(nearest_codes(features, restorer.codebook).flatten(), distances.argmin(dim=1))


def test_the_nearest_code_is_found_in_mixed_precision_too(restorer):
    features = 4.0 * normal(1, 8, 4, 16, 16)
    expected = nearest_codes(features, restorer.codebook)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest_codes(features, restorer.codebook), expected)


def test_gradients_pass_to_the_features_as_if_nothing_were_quantized(restorer):
    features, weights = normal(1, 1, 4, 3, 3).requires_grad_(), normal(2, 1, 4, 3, 3)
    drawing = quantized(features, restorer.codebook)
    torch.testing.assert_close(drawing.vectors, restorer.codebook(drawing.codes, features))
    (drawing.vectors * weights).sum().backward()
    torch.testing.assert_close(features.grad, weights)
    assert restorer.codebook.embedding.weight.grad is None


def test_the_distance_moves_codes_and_features_to_each_other(restorer):
    features = normal(1, 1, 4, 3, 3).requires_grad_()
    drawing = quantized(features, restorer.codebook)
    drawing.distance.backward()
    away = features.detach() - drawing.vectors.detach()
    torch.testing.assert_close(features.grad, 0.25 * 2 * away / away.numel())
    moved = restorer.codebook.embedding.weight.grad.abs().sum(dim=1) > 0
    assert set(moved.nonzero().flatten().tolist()) == set(drawing.codes.flatten().tolist())


def test_perplexity_counts_the_codes_in_use():
    assert float(perplexity(torch.arange(8).repeat(3), of=16)) == pytest.approx(8.0)
    assert float(perplexity(torch.zeros(5, dtype=torch.long), of=16)) == pytest.approx(1.0)


def test_fitted_codes_are_the_clusters_of_the_features():
    clusters = 10.0 * normal(1, 6, 4)
    features = (clusters.repeat(50, 1) + 0.01 * normal(2, 300, 4))[torch.randperm(300)]
    fitted = fitted_codes(features, 16, torch.Generator().manual_seed(0))
    assert fitted.shape == (16, 4)
    assert torch.cdist(clusters, fitted).amin(dim=1).max() < 0.1  # every cluster has a code


def test_a_center_without_features_moves_to_one():
    features = torch.cat([torch.zeros(50, 2), torch.tensor([[9.0, 9.0]])])
    fitted = fitted_codes(features, 4, torch.Generator().manual_seed(0), rounds=60)
    assert torch.cdist(fitted, features).amin(dim=1).max() < 1e-5
