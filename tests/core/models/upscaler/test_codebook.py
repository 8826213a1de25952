import torch

from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.codebook import Codebook, VectorTable, adopt_statistics


def test_codes_are_laid_out_row_by_row():
    codebook = Codebook(codes=5, width=3, build=Build())
    picture = codebook(torch.tensor([[0, 1, 2, 3]]), torch.empty(0))
    assert picture.shape == (1, 3, 2, 2)
    assert torch.equal(picture[0, :, 0, 1], codebook.embedding.weight[1])
    assert torch.equal(picture[0, :, 1, 0], codebook.embedding.weight[2])


def test_a_table_is_cast_where_it_is_used_and_lives_in_a_module_without_children():
    table = VectorTable(rows=4, width=2, build=Build(dtype=torch.float16))
    assert table(torch.empty(0, dtype=torch.float32)).dtype == torch.float32
    assert not list(table.children())


def test_each_channel_of_each_picture_takes_over_mean_and_deviation():
    style = torch.randn(2, 3, 4, 4) * 5 + 2
    got = adopt_statistics(torch.randn(2, 3, 4, 4), style)
    torch.testing.assert_close(got.mean(dim=(2, 3)), style.mean(dim=(2, 3)))
    torch.testing.assert_close(got.std(dim=(2, 3)), style.std(dim=(2, 3)), rtol=1e-4, atol=1e-4)


def test_the_variance_is_the_unbiased_one_plus_a_hundred_thousandth():
    flat, style = torch.zeros(1, 1, 2, 2), torch.tensor([0.0, 0.0, 0.0, 4.0]).reshape(1, 1, 2, 2)
    x = torch.tensor([1e-3, -1e-3, 0.0, 0.0]).reshape(1, 1, 2, 2)
    x_std = (torch.tensor(2e-6 / 3) + 1e-5).sqrt()
    expected = x / x_std * (torch.tensor(4.0) + 1e-5).sqrt() + 1.0
    torch.testing.assert_close(adopt_statistics(x, style), expected)
    torch.testing.assert_close(adopt_statistics(flat, style), torch.ones(1, 1, 2, 2))
