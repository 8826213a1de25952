from fractions import Fraction

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.video.levels import check_level, fits_h264, playable_codec


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
