"""Text that users write: timelines, speakers, masked terms."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import torch

from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import TimelineError
from hallo2_core.timeline.masking import MATCHES, UNITS, Masking, mask_text, read_terms
from hallo2_core.timeline.prompts import parse_prompts, prompts_text
from hallo2_core.timeline.spans import check_order, gaps, without_a_frame
from hallo2_core.timeline.speakers import SpeakerTable
from hallo2_core.timeline.transitions import SHAPES, Transition, span_weights
from hallo2_core.timeline.weights import RANGES, parse_weights

from .target import Target, text_of

FPS, FRAMES = Fraction(25), 8
VOICE = TensorAudio(torch.zeros(1, 100), 1000)
TIMES = tuple(
    part.encode()
    for part in (*"0123456789.:;-@,\\\n", "0-", "0-4.5 ", "1:02-", "12f-30f", "0:0:1-", "s ", "\\;", "\u3000", "\x1c")
)


def prompts(data: bytes, _folder: Path) -> object:
    text = text_of(data)
    try:
        spans = parse_prompts(text)
    except TimelineError as error:
        lines = text.split("\n")
        assert error.line is None or 1 <= error.column <= len(lines[error.line - 1]) + 1
        raise
    assert parse_prompts(prompts_text(spans)) == spans
    check_order(spans, FPS)
    weights = span_weights(spans, Transition(), 3, FRAMES, FPS)
    assert ((weights >= 0) & (weights <= 1)).all()
    return gaps(spans), without_a_frame(spans, FRAMES, FPS)


def weights(data: bytes, _folder: Path) -> object:
    timeline = parse_weights(text_of(data), Transition(shape=SHAPES[len(data) % 2]))
    assert parse_weights(str(timeline), timeline.transition) == timeline
    timeline.check(FPS)
    for track, (least, most) in RANGES.items():
        values = timeline.values(track, least, 0, FRAMES, FPS)
        assert all(least <= value <= most for value in values)
        assert max(values) <= timeline.largest(track, least, FRAMES, FPS)
    return timeline.report, timeline.without_a_frame(FRAMES, FPS)


def speakers(data: bytes, _folder: Path) -> object:
    """The first line names the speakers."""
    names, _, timeline = text_of(data).partition("\n")
    table = SpeakerTable.parse(timeline, names)
    assert all(voice.shape == (1, VOICE.samples) for voice in table.voices(VOICE))
    return table.report(VOICE)


def masking(data: bytes, _folder: Path) -> object:
    """The first line has the terms; the second is the prompt."""
    terms, _, text = text_of(data).partition("\n")
    by, unit = MATCHES[len(terms) % 2], UNITS[len(text) % 2]
    return mask_text(text, Masking(read_terms(terms), by, unit=unit), lambda texts: torch.zeros(len(texts), 4))


TEXTS = (
    Target("prompts", prompts, lambda: (b"0-4.5 smiling; 4.5- serious, a\\;b", b"12f-30f nod\n1:04- turn"), TIMES),
    Target(
        "weights",
        weights,
        lambda: (b"lip 1.2 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5", b"pose 0 @ 5f-\nface 3 @ 0:0:1-2"),
        (*TIMES, b"lip ", b"cfg ", b"pose ", b"face ", b" @ "),
    ),
    Target(
        "speakers",
        speakers,
        lambda: (b"left, right\n0-4.3 left; 4.3-9 right, left", b"a\nSPEAKER talk 1 0.00 4.30 <NA> <NA> a <NA> <NA>"),
        (*TIMES, b"left", b"right", b"SPEAKER ", b"<NA> ", b";;"),
    ),
    Target(
        "masking",
        masking,
        lambda: (b"a*, b c\nA cat. b  c, \xe7\xac\x91!", b"*?*?a\naaa"),
        (b"*", b"?", b",", b"'", b". ", b"!", b"a", b"\xe2\x80\x99"),
    ),
)
