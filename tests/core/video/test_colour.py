import numpy as np
import pytest
import torch

from hallo2_core.video.colour import to_bytes_as_released, to_yuv420


def test_bytes_are_clipped_and_truncated_as_released():
    values = torch.tensor([-0.5, 0.0, 0.5, 254.99 / 255, 1.0, 7.0, 1.0 / 255 + 1e-4])
    assert to_bytes_as_released(values).tolist() == [0, 0, 127, 254, 255, 255, 1]


def test_half_precision_is_widened_before_it_is_scaled():
    values = torch.rand(1000, generator=torch.Generator().manual_seed(0)).half()
    expected = (values.numpy().astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    assert to_bytes_as_released(values).numpy().tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [  # ITU-R BT.709 in 8 bits, by hand
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
    ids=["black", "white", "red", "green", "blue"],
)
def test_primaries_are_bt709_in_limited_range(rgb, expected):
    frame = torch.tensor(rgb, dtype=torch.uint8).expand(4, 4, 3)
    planes = to_yuv420(frame, 8)
    assert [plane.shape for plane in planes] == [(4, 4), (2, 2), (2, 2)]
    assert tuple(int(plane[0, 0]) for plane in planes) == expected
    assert all(bool((plane == plane[0, 0]).all()) for plane in planes)


def test_ten_bits_hold_four_levels_for_one():
    grey = torch.full((2, 2, 3), 0.5)
    assert int(to_yuv420(grey, 10)[0][0, 0]) == round(4 * (16 + 219 * 0.5))
    assert int(to_yuv420(torch.full((2, 2, 3), 1.5), 10)[0][0, 0]) == 4 * 235


def test_chroma_sits_on_even_columns_between_two_rows():
    """A blue that grows by one step a column: at column 2k the filter must give the value of column 2k."""
    ramp = torch.arange(16.0) / 32
    frame = torch.zeros(4, 16, 3)
    frame[..., 2] = ramp
    _, cb, _ = to_yuv420(frame, 10)
    expected = 4 * (128 + 224 * (ramp - 0.0722 * ramp) / (2 * (1 - 0.0722)))
    assert torch.equal(cb[0, 1:], expected[2::2].round())
