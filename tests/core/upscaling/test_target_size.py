import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.upscaling.target_size import target_size


@pytest.mark.parametrize(
    ("source", "wish", "expected"),
    [
        ((512, 512), {"scale": 2}, (1024, 1024)),
        ((512, 512), {"long_side": 4096}, (4096, 4096)),
        ((1280, 720), {"long_side": 3840}, (3840, 2160)),
        ((720, 1280), {"long_side": 3840}, (2160, 3840)),
        ((511, 301), {"scale": 1}, (512, 302)),
        ((333, 500), {"long_side": 1000}, (666, 1000)),
        ((100, 50), {"scale": 0.5}, (50, 26)),
        ((4000, 1), {"scale": 1}, (4000, 2)),
    ],
)
def test_sizes_keep_the_shape_and_are_even(source, wish, expected):
    assert target_size(*source, **wish) == expected


def test_more_than_4k_is_refused_with_the_largest_scale():
    with pytest.raises(SettingsError, match="5120x2880.*4096.*at most 3.2 for"):
        target_size(1280, 720, scale=4)


@pytest.mark.parametrize("wish", [{}, {"scale": 2, "long_side": 1000}])
def test_one_wish_it_must_be(wish):
    with pytest.raises(SettingsError, match="either a scale or"):
        target_size(512, 512, **wish)


@pytest.mark.parametrize("wish", [{"scale": 0}, {"scale": -1}, {"long_side": 0}])
def test_nothing_is_no_size(wish):
    with pytest.raises(SettingsError, match="more than 0"):
        target_size(512, 512, **wish)
