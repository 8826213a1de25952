from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallo2_core.errors import TimelineError
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import RANGES, parse_weights

FPS = Fraction(25)
RATES = [FPS, Fraction(30000, 1001)]
SETTINGS = st.sampled_from([0.0, 0.2, 1.0, 3.3]), st.sampled_from(["linear", "smooth"])


def timeline(text, seconds=0.0, shape="linear"):
    return parse_weights(text, Transition(seconds, shape))


@given(st.floats(0, 3), *SETTINGS)
def test_a_constant_timeline_is_the_constant_bit_for_bit(constant, seconds, shape):
    value = f"{constant:.6f}"
    for text in (f"lip {value} @ 0-", f"lip {value} @ 0-0.5, {value} @ 0.5-1.1, {value} @ 1.1-"):
        values = timeline(text, seconds, shape).values("lip", 1.0, 0, 40, FPS)
        assert values == (float(value),) * 40
    gaps = timeline(f"lip {value} @ 0.2-0.5, {value} @ 0.7-0.8", seconds, shape)
    assert gaps.values("lip", float(value), 0, 40, FPS) == (float(value),) * 40


def test_a_track_that_is_not_named_keeps_the_samplers_value():
    weights = timeline("lip 1.2 @ 0-")
    assert weights.values("pose", 0.1 + 0.2, 5, 3, FPS) == (0.1 + 0.2,) * 3
    assert weights.largest("pose", 0.1 + 0.2, 100, FPS) == 0.1 + 0.2


def test_spans_gaps_and_cuts():
    weights = timeline("lip 1.2 @ 0-2f, 0.8 @ 3f-5f; cfg 4 @ 1f-")
    assert weights.values("lip", 0.7, 0, 7, FPS) == (1.2, 1.2, 0.7, 0.8, 0.8, 0.7, 0.7)
    assert weights.values("cfg", 3.5, 0, 3, FPS) == (3.5, 4.0, 4.0)
    assert weights.values("lip", 0.7, 3, 0, FPS) == ()


def test_transitions_blend_with_the_neighbour_or_the_samplers_value():
    weights = timeline("lip 2 @ 0-1, 1 @ 1-2", seconds=0.4)
    values = weights.values("lip", 0.5, 0, 60, FPS)
    assert values[20] == 2.0 and values[25] == 1.5 and values[30] == 1.0
    assert values[50] == 0.75 and values[55] == 0.5
    assert values[26] == pytest.approx(1.4) and values[51] == pytest.approx(0.7)


@given(st.lists(st.integers(0, 30), max_size=5), *SETTINGS, st.sampled_from(RATES))
def test_in_pieces_equals_in_one_go(pieces, seconds, shape, fps):
    weights = timeline("lip 1.2 @ 0.1-0.9, 0.8 @ 0.9-1.3, 2.2 @ 2-", seconds, shape)
    whole, parts, at = weights.values("lip", 0.9, 0, sum(pieces), fps), (), 0
    for piece in pieces:
        parts += weights.values("lip", 0.9, at, piece, fps)
        at += piece
    assert parts == whole


@given(
    st.sampled_from(["cfg 1 @ 0-", "cfg 1 @ 0-2", "cfg 1 @ 0-1, 1 @ 1-", "cfg 1 @ 0-1, 1 @ 1.02-", "cfg 1 @ 0.3-",
                     "cfg 5 @ 1-2", "cfg 1 @ 0-1, 4.5 @ 1-1.5", ""]),
    st.sampled_from([1.0, 3.5]), *SETTINGS, st.integers(60, 90), st.sampled_from(RATES),
)  # fmt: skip
def test_the_largest_value_bounds_all_and_knows_whether_guidance_is_ever_on(text, own, seconds, shape, frames, fps):
    weights = timeline(text, seconds, shape)
    values, largest = weights.values("cfg", own, 0, frames, fps), weights.largest("cfg", own, frames, fps)
    assert max(values) <= largest and (largest > 1) == (max(values) > 1)


def test_a_gap_without_a_frame_is_none():
    """Times between two frames: the sampler's own value acts nowhere."""
    weights = timeline("cfg 1 @ 0-1.01, 1 @ 1.03-")
    assert weights.largest("cfg", 3.5, 100, FPS) == 1.0
    assert timeline("cfg 1 @ 0-1.01, 1 @ 1.03-", seconds=0.2).largest("cfg", 3.5, 100, FPS) == 3.5
    assert timeline("cfg 1 @ 0-2").largest("cfg", 3.5, 50, FPS) == 1.0
    assert timeline("cfg 1 @ 0-2").largest("cfg", 3.5, 51, FPS) == 3.5


def test_the_largest_of_a_day_takes_no_time():
    many = ", ".join(f"{1 + i % 3} @ {i * 20}-{i * 20 + 10}" for i in range(4000))
    assert timeline(f"cfg {many}").largest("cfg", 2.5, 24 * 3600 * 25, FPS) == 3.0


def test_notes_and_report():
    weights = timeline("lip 1.2 @ 1-2; cfg 4 @ 0-3, 5 @ 4-")
    assert weights.notes == (
        "In 0-1 the sampler's own lip value holds.",
        "In 2- the sampler's own lip value holds.",
        "In 3-4 the sampler's own cfg value holds.",
    )
    assert weights.report.splitlines()[0] == "lip 1.2 @ 1-2; cfg 4 @ 0-3, 5 @ 4-"
    assert timeline("").report == "The sampler's own values hold."


def test_check_looks_at_the_video():
    with pytest.raises(TimelineError, match="line 1, column 15: '20f-' begins before 0-1 has ended at 25"):
        timeline("lip 1 @ 0-1,2@20f-").check(FPS)
    late = timeline("lip 1 @ 0-1, 2 @ 25f-; cfg 2 @ 0-")
    late.check(FPS)
    assert late.without_a_frame(25, FPS)[0].startswith("lip: 25f- begins after the video's end")
    assert not late.without_a_frame(26, FPS)


@pytest.mark.parametrize("track", RANGES)
def test_values_outside_the_samplers_ranges_are_refused(track):
    least, greatest = RANGES[track]
    timeline(f"{track} {least} @ 0-1, {greatest} @ 1-")
    with pytest.raises(
        TimelineError, match=f"'{greatest}.1' is not a value of {track}. Write a number from {least} to"
    ):
        timeline(f"{track} {greatest}.1 @ 0-")
