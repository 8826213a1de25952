from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hallo2_core.errors import SettingsError
from hallo2_core.timeline.moments import Moment
from hallo2_core.timeline.prompts import parse_prompts
from hallo2_core.timeline.spans import Span
from hallo2_core.timeline.transitions import Transition, any_frame_between, span_weights

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(1), Fraction(240)]
TRANSITIONS = st.builds(Transition, st.sampled_from([0.0, 0.1, 0.5, 1.7, 10.0]), st.sampled_from(["linear", "smooth"]))


@st.composite
def spans(draw):
    """Spans in order, some touching, the last one perhaps open."""
    edges = sorted(draw(st.sets(st.integers(0, 2000), min_size=2, max_size=9)))
    moments = [Moment(Fraction(edge, 100)) for edge in edges]
    pairs = list(zip(moments, moments[1:], strict=False))
    kept = [pair for pair in pairs[:-1] if draw(st.booleans())]
    last = (pairs[-1][0], None if draw(st.booleans()) else pairs[-1][1])
    return [Span(start, end, "a") for start, end in [*kept, last]]


def simple_ramp(x, transition):
    if transition.seconds == 0:
        return float(x >= 0)
    u = min(max(x / transition.seconds + 0.5, 0.0), 1.0)
    return u if transition.shape == "linear" else 3 * u**2 - 2 * u**3


def test_settings():
    for wrong in (-0.1, 10.1, float("nan"), float("inf")):
        with pytest.raises(SettingsError):
            Transition(wrong)
    with pytest.raises(SettingsError, match="linear, smooth"):
        Transition(1.0, "cubic")


@given(spans(), TRANSITIONS, st.sampled_from(RATES), st.integers(0, 500))
def test_weights_are_the_formulas(of, transition, fps, first):
    weights = span_weights(of, transition, first, 12, fps)
    for row, frame in zip(weights, range(first, first + 12), strict=True):
        time = frame / float(fps)
        for weight, span in zip(row, of, strict=True):
            start, end = (None if edge is None else float(edge) for edge in span.seconds(fps))
            expected = 1.0 if start == 0 else simple_ramp(time - start, transition)
            expected -= 0.0 if end is None else simple_ramp(time - end, transition)
            near_a_cut = transition.seconds == 0 and any(
                edge is not None and abs(time - edge) < 1e-9 for edge in (start, end)
            )
            assert near_a_cut or float(weight) == pytest.approx(expected, abs=1e-9)


@given(spans(), TRANSITIONS, st.sampled_from(RATES), st.integers(0, 500))
def test_weights_and_their_sum_lie_between_0_and_1(of, transition, fps, first):
    weights = span_weights(of, transition, first, 16, fps)
    assert weights.dtype == torch.float64 and (weights >= 0).all() and (weights <= 1).all()
    assert (weights.sum(dim=1) <= 1 + 1e-12).all()


@given(spans(), TRANSITIONS, st.sampled_from(RATES), st.lists(st.integers(0, 40), max_size=5))
def test_in_pieces_equals_in_one_go(of, transition, fps, pieces):
    first = 7
    whole = span_weights(of, transition, first, sum(pieces), fps)
    parts, at = [], first
    for piece in pieces:
        parts.append(span_weights(of, transition, at, piece, fps))
        at += piece
    assert torch.equal(torch.cat([torch.zeros(0, len(of)).double(), *parts]), whole)


@given(spans(), TRANSITIONS, st.sampled_from(RATES))
def test_exactly_0_or_1_outside_the_transitions(of, transition, fps):
    half = transition.length / 2
    weights = span_weights(of, transition, 0, 100, fps)
    for column, span in zip(weights.T, of, strict=True):
        start, end = span.seconds(fps)
        for frame, weight in enumerate(column.tolist()):
            time = frame / fps
            edges = [edge for edge in (start or None, end) if edge is not None]
            if all(abs(time - edge) >= half for edge in edges):
                assert weight == float(start <= time and (end is None or time < end))


@pytest.mark.parametrize("fps", RATES)
def test_a_cut_falls_between_two_frames_exactly(fps):
    """Where floating point would put frame k's time beside k/fps."""
    for k in range(1, 400, 7):
        of = parse_prompts(f"0f-{k}f a; {k}f- b")
        assert span_weights(of, Transition(0), k - 1, 2, fps).tolist() == [[1, 0], [0, 1]]


@given(
    st.integers(0, 300), st.integers(1, 300), st.sampled_from(RATES), TRANSITIONS, st.integers(1, 400), st.booleans()
)
def test_any_frame_between_is_what_the_frames_say(start, length, fps, transition, frames, is_open):
    """What is missing between two spans is missing at a frame where their weights do not make up 1."""
    of = [Span(Moment(Fraction(0)), Moment(Fraction(start, 100)), "a")] if start else []
    if not is_open:
        of.append(Span(Moment(Fraction(start + length, 100)), None, "b"))
    weights = span_weights(of, transition, 0, frames, fps) if of else torch.zeros(frames, 1)
    stop = None if is_open else Fraction(start + length, 100)
    found = any_frame_between(Fraction(start, 100), stop, frames, fps, transition)
    assert found == bool((weights.sum(dim=1) < 1 - 1e-12).any())
