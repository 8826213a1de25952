from fractions import Fraction

import av
import pytest

from hallo2_core.video.packet_clock import PacketClock


def packet(dts, pts=None, lasts=40):
    made = av.Packet(b"x")
    made.time_base, made.dts, made.pts, made.duration = Fraction(1, 1000), dts, dts if pts is None else pts, lasts
    return made


def mended(*packets):
    clock = PacketClock()
    jumps = [clock.mend(each) for each in packets]
    return [(each.dts, each.pts) for each in packets], [float(jump) for jump in jumps if jump is not None]


@pytest.mark.parametrize("jump", [-1000, 900_000])
def test_after_a_jump_time_goes_on_where_it_was(jump):
    times, jumps = mended(packet(0), packet(40), packet(80), packet(80 + jump), packet(120 + jump, 200 + jump))
    assert times == [(0, 0), (40, 40), (80, 80), (120, 120), (160, 240)] and jumps == [0.12]


def test_steps_back_by_rounding_and_reordered_pictures_are_no_jump():
    times, jumps = mended(packet(100), packet(99, 900), packet(99, 300), packet(140, 600))
    assert times == [(100, 100), (99, 900), (99, 300), (140, 600)] and not jumps


def test_without_lengths_it_goes_on_after_a_step_like_the_one_before():
    times, _ = mended(packet(0, lasts=0), packet(50, lasts=0), packet(-500, lasts=0))
    assert times[-1] == (100, 100)
