import torch

from hallo2_core.models.blaze_blocks import BlazeBlock, pad_like_tflite, relu
from hallo2_core.models.layers import Build


def test_padding_is_uneven_where_the_stride_leaves_one_over():
    x = torch.ones(1, 1, 4, 6)
    assert pad_like_tflite(x, 3, 2)[0, 0].tolist() == [[1.0] * 6 + [0.0]] * 4 + [[0.0] * 7]
    assert pad_like_tflite(x, 3, 1).shape == (1, 1, 6, 8)
    assert pad_like_tflite(x, 5, 2).shape == (1, 1, 7, 9)


def test_the_shortcut_is_pooled_and_its_new_channels_are_zero():
    block = BlazeBlock(2, 3, Build(), relu, stride=2)
    torch.nn.init.zeros_(block.pointwise.weight)
    torch.nn.init.zeros_(block.pointwise.bias)
    x = torch.rand(1, 2, 4, 4)
    out = block(x)
    assert out.shape == (1, 3, 2, 2)
    assert torch.equal(out[:, :2], torch.nn.functional.max_pool2d(x, 2))
    assert not out[:, 2].any()
