from fractions import Fraction

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.video.levels import check_level, fits_h264, level_note, playable_codec


@pytest.mark.parametrize(
    ("width", "height", "fps", "fits"),
    [
        (1920, 1080, 60, True),
        (4096, 2304, 56, True),
        (4096, 2304, 57, False),  # more a second than level 5.2 has
        (2304, 4096, 25, True),
        (4096, 2306, 1, False),  # a row of macroblocks more
        (4096, 4096, 25, False),
        (3840, 2160, Fraction(60000, 1001), True),
    ],
)
def test_what_level_5_2_holds(width, height, fps, fits):
    assert fits_h264(width, height, Fraction(fps)) is fits
    assert playable_codec(width, height, Fraction(fps)) == ("h264" if fits else "h265")
    if not fits:
        with pytest.raises(SettingsError, match="h265"):
            check_level("h264", width, height, Fraction(fps))
        check_level("h265", width, height, Fraction(fps))


@pytest.mark.parametrize("codec", ["h265", "av1"])
@pytest.mark.parametrize(
    ("width", "height", "fps", "fits"),
    [(4096, 4096, 255, True), (4096, 4096, 256, False), (1920, 1080, 1000, True), (8192, 8192, 1, False)],
)
def test_what_the_highest_levels_hold(codec, width, height, fps, fits):
    if fits:
        check_level(codec, width, height, Fraction(fps))
    else:
        with pytest.raises(SettingsError, match=f"beyond the highest level of {codec}"):
            check_level(codec, width, height, Fraction(fps))


def test_a_size_that_not_every_player_shows_is_told():
    assert "level 6 of av1" in level_note("av1", 4096, 4096)
    assert level_note("h265", 4096, 2176) == level_note("h264", 4096, 2304) == ""
