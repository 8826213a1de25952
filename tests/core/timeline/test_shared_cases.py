"""The cases shared with the tests of the editor's parser."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from hallo2_core.errors import TimelineError
from hallo2_core.timeline.moments import MOST_DECIMALS, MOST_DIGITS, decimal_text
from hallo2_core.timeline.prompts import parse_prompts, prompts_text
from hallo2_core.timeline.spans import LONGEST_TEXT, WHITE_SPACE
from hallo2_core.timeline.transitions import Transition, span_weights
from hallo2_core.timeline.weights import parse_weights

CASES = json.loads((Path(__file__).parents[2] / "timeline_cases.json").read_text(encoding="utf-8"))
KINDS = ("prompts", "weights")


def plain_moment(moment):
    return None if moment is None else {"value": decimal_text(moment.value), "unit": moment.unit}


def plain_times(span):
    return {"start": plain_moment(span.start), "end": plain_moment(span.end)}


def parsed(kind, text):
    """(what the case file calls items or tracks, normal form)"""
    if kind == "prompts":
        spans = parse_prompts(text)
        return [{**plain_times(span), "text": span.content} for span in spans], prompts_text(spans)
    weights = parse_weights(text, Transition())
    tracks = [
        {"name": track.name, "spans": [{"value": decimal_text(one.content), **plain_times(one)} for one in track.spans]}
        for track in weights.tracks
    ]
    return tracks, str(weights)


@pytest.mark.parametrize("kind, case", [(kind, case) for kind in KINDS for case in CASES[kind]["valid"]])
def test_valid(kind, case):
    content, normal = parsed(kind, case["text"])
    assert content == case["items" if kind == "prompts" else "tracks"] and normal == case["normal"]
    assert parsed(kind, normal) == (content, normal)


@pytest.mark.parametrize("kind, case", [(kind, case) for kind in KINDS for case in CASES[kind]["invalid"]])
def test_invalid(kind, case):
    with pytest.raises(TimelineError) as refused:
        parsed(kind, case["text"])
    assert (refused.value.line, refused.value.column) == (case["line"], case["column"])
    assert f"line {case['line']}, column {case['column']}: '" in str(refused.value)


@pytest.mark.parametrize("case", CASES["transitions"])
def test_transition(case):
    spans = parse_prompts(case["timeline"])
    transition = Transition(case["transition_seconds"], case["blend"])
    for frame, expected in zip(case["frames"], case["weights"], strict=True):
        weights = span_weights(spans, transition, frame, 1, Fraction(case["fps"]))[0].tolist()
        assert weights == pytest.approx(expected, abs=1e-9)
        assert [one in (0, 1) for one in weights] == [one in (0, 1) for one in expected]


def test_the_limits_are_those_of_the_file():
    assert CASES["limits"] == {"characters": LONGEST_TEXT, "digits": MOST_DIGITS, "decimals": MOST_DECIMALS}
    assert CASES["white_space"] == WHITE_SPACE
