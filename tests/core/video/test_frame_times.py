from fractions import Fraction

import pytest

from hallo2_core.video.frame_times import FrameTimes


def recorded(*frames):
    times = FrameTimes(Fraction(1, 100))
    for tick, lasts in frames:
        times.add(tick, lasts)
    return times


def test_times_are_kept_and_time_goes_on_before_and_after():
    times = recorded((3, 4), (7, 2), (20, 5))
    assert [times.at(index) for index in range(-2, 5)] == [-5, -1, 3, 7, 20, 25, 30]
    assert times.end == Fraction(25, 100)


@pytest.mark.parametrize(
    ("frames", "ticks"),
    [
        (((0, 4), (None, 4), (None, 4)), [0, 4, 8]),
        (((None, 0), (None, 0)), [0, 1]),
        (((0, 4), (0, 4), (4, 4)), [0, 1, 4]),  # two at once: each is shown, if only for a moment
        (((5, 4), (2, 4)), [5, 6]),
    ],
)
def test_times_rise_whatever_the_file_says(frames, ticks):
    assert list(recorded(*frames).ticks) == ticks


def test_without_a_length_the_last_frame_lasts_as_long_as_the_one_before():
    assert recorded((0, 0), (4, 0)).end == Fraction(8, 100)


def test_the_last_frame_ends_in_time():
    times = recorded((0, 4), (4, 9))
    times.end_by(Fraction(6, 100))
    assert times.end == Fraction(6, 100)
    times.end_by(Fraction(50, 100))
    assert times.end == Fraction(6, 100)


def test_a_constant_rate_is_a_range():
    times = FrameTimes(1 / Fraction(25), range(3))
    assert [times.at(index) for index in (-1, 0, 2, 3)] == [-1, 0, 2, 3] and times.end == Fraction(3, 25)
