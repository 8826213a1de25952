import math

import numpy as np
import pytest
import torch

from hallo2_core.portrait import similarity


def test_fit_finds_the_transform_and_inverse_undoes_it():
    points = torch.rand(7, 2, generator=torch.Generator().manual_seed(0)) * 100
    truth = similarity.from_square(torch.tensor([40.0, 30.0]), 250.0, 0.7, 112)
    found = similarity.fit(points, similarity.apply(truth, points))
    torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-3)
    back = similarity.apply(similarity.inverse(found), similarity.apply(found, points))
    torch.testing.assert_close(back, points, rtol=0, atol=1e-3)


def test_fit_is_least_squares_as_scikit_image_has_it():
    transform = pytest.importorskip("skimage.transform")
    generator = torch.Generator().manual_seed(1)
    source, target = (torch.rand(5, 2, generator=generator) * 100 for _ in range(2))
    theirs = transform.SimilarityTransform.from_estimate(source.double().numpy(), target.double().numpy())
    ours = similarity.fit(source, target)
    np.testing.assert_allclose(ours.numpy(), theirs.params[:2], rtol=1e-3, atol=1e-3)


def test_a_square_turned_by_a_quarter():
    to_source = similarity.from_square(torch.tensor([10.0, 20.0]), 8.0, math.pi / 2, 4)
    places = similarity.apply(to_source, torch.tensor([[2.0, 2.0], [4.0, 2.0], [2.0, 4.0]]))
    torch.testing.assert_close(places, torch.tensor([[10.0, 20.0], [10.0, 24.0], [6.0, 20.0]]), rtol=0, atol=1e-4)


def test_sampling_in_place_gives_the_picture_back():
    picture = torch.rand(3, 9, 13, generator=torch.Generator().manual_seed(2))
    identity = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    torch.testing.assert_close(similarity.sample(picture, identity, 9, 13), picture, rtol=0, atol=1e-5)
    shifted = similarity.sample(picture, identity + torch.tensor([[0.0, 0, 13], [0, 0, 0]]), 9, 13)
    assert not shifted.any()
    edge = similarity.sample(picture, identity + torch.tensor([[0.0, 0, 13], [0, 0, 0]]), 9, 13, beyond="border")
    torch.testing.assert_close(edge, picture[:, :, -1:].expand(3, 9, 13), rtol=0, atol=1e-5)
