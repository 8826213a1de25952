"""Any text gives a timeline, or a TimelineError with its position. `-m slow` tries 100,000 of each kind."""

import random
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallo2_core.errors import TimelineError
from hallo2_core.timeline.masking import UNITS, Masking, mask_text, read_terms
from hallo2_core.timeline.moments import Moment, decimal_text, parse_decimal, parse_moment
from hallo2_core.timeline.prompts import parse_prompts, prompts_text
from hallo2_core.timeline.spans import LONGEST_TEXT, WHITE_SPACE, Span
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import RANGES, parse_weights

# Pieces of the grammar, so that many texts get far into the parser and some through it.
PIECES = (
    *"0123456789", *"..--::;;\n\n,,@@\\\\fs xäX笑😀\t\r\u00a0\u3000\x1c\u2028٣",
    "0-", "1-2 ", "2-3 ", "3f-", "4f-5f ", "1:02", "0:0:1-", "\\;", "\\\\", " @ ", " smile", "0-1 a; 1- b",
    "lip ", "cfg ", "pose ", "face ", "lip 1 @ ", "1.5 @ ", "; cfg 2 @ 0-",
)  # fmt: skip


def read(kind, text):
    """(the timeline, its normal form)"""
    if kind == "prompts":
        spans = parse_prompts(text)
        return spans, prompts_text(spans)
    weights = parse_weights(text, Transition())
    return weights, str(weights)


def parses_or_fails_cleanly(kind, text):
    """Whether it parsed."""
    try:
        timeline, normal = read(kind, text)
    except TimelineError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines) and 1 <= error.column <= len(lines[error.line - 1]) + 1
        return False
    assert read(kind, normal) == (timeline, normal)
    return True


@given(st.text())
def test_any_text(text):
    for kind in ("prompts", "weights"):
        parses_or_fails_cleanly(kind, text)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_text_like_a_timeline(text):
    for kind in ("prompts", "weights"):
        parses_or_fails_cleanly(kind, text)


NUMBERS = st.integers(0, 10**15 - 1).map(lambda x: Fraction(x, 10**6))  # all that can be written
MOMENTS = NUMBERS.map(Moment) | st.integers(0, 10**9 - 1).map(lambda x: Moment(Fraction(x), "frames"))


@given(MOMENTS)
def test_every_moment_is_read_as_it_was_written(moment):
    assert parse_moment(str(moment)) == moment


@given(NUMBERS)
def test_decimals_have_no_zeros_to_spare(number):
    written = decimal_text(number)
    assert parse_decimal(written) == number and re.fullmatch(r"(0|[1-9]\d*)(\.\d*[1-9])?", written)


@pytest.mark.parametrize("kind", ["prompts", "weights"])
def test_valid_timelines_of_any_make_come_back(kind):
    """Built, not guessed: edges in order, any units that keep it."""
    draw = random.Random(3)
    for _ in range(300):
        spans = []
        for _track in range(draw.randint(1, 4)):
            edges = sorted(draw.sample(range(1, 4000), 2 * draw.randint(1, 4)))
            spans.append([(edges[i] / 8, edges[i + 1] / 8) for i in range(0, len(edges), 2)])
        if kind == "prompts":
            text = ";".join(f"{a}-{b} w\\;{a}" for a, b in spans[0])
        else:
            tracks = [f"{name} " + " , ".join(f"1.50@ {a}-{b}" for a, b in one) for name, one in zip(RANGES, spans)]  # noqa: B905
            text = "\n".join(tracks)
        assert parses_or_fails_cleanly(kind, text)


@pytest.mark.parametrize("kind", ["prompts", "weights"])
@pytest.mark.parametrize("piece", [*PIECES, "(", "((a", "0-1 a\\;", "lip 1 @ 0-1,"])
@pytest.mark.timeout(60)  # what grows with the square of the length would take hours
def test_the_longest_text_is_read(kind, piece):
    parses_or_fails_cleanly(kind, (piece * LONGEST_TEXT)[:LONGEST_TEXT])


@given(
    st.lists(st.sampled_from(["a", "b", "ab", " ", "  ", ",", ".", ";", "\\", "!", "'", "\u00a0", "笑"]), max_size=20),
    st.sampled_from(["a", "b, 笑", "a b", "*", "??", "a*, '"]),
    st.sampled_from(["exact", "pattern"]),
    st.sampled_from(UNITS),
)
def test_what_masking_leaves_can_be_written_down(pieces, terms, by, unit):
    left = mask_text("".join(pieces).strip(WHITE_SPACE), Masking(read_terms(terms), by, unit=unit), None).text
    assert not left or parse_prompts(prompts_text([Span(Moment(Fraction(0)), None, left)]))[0].content == left


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["prompts", "weights"])
def test_100_000_random_texts(kind):
    draw = random.Random(1)
    parsed = sum(
        parses_or_fails_cleanly(kind, "".join(draw.choices(PIECES, k=draw.randint(0, 12)))) for _ in range(100_000)
    )
    assert parsed > 1000  # enough of them to say something of the way there and back
