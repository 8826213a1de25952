"""Weights over time: `lip 1.2 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5`; between spans the sampler's own value applies."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .moments import decimal_text, parse_decimal
from .spans import Span, TextPart, check_order, gaps, parse_times, split_items, without_a_frame
from .transitions import Transition, acting_spans, any_frame_between

# Track → minimum and maximum: the ranges of the sampler's own inputs.
RANGES = {"pose": (0, 3), "face": (0, 3), "lip": (0, 3), "cfg": (1, 15)}


@dataclass(frozen=True)
class Track:
    """The values of one of the sampler's weights over time."""

    name: str
    spans: tuple[Span[Fraction], ...]

    def __str__(self) -> str:
        return f"{self.name} " + ", ".join(f"{decimal_text(span.content)} @ {span.times}" for span in self.spans)


@dataclass(frozen=True)
class WeightTimeline:
    """Weights and guidance over the time of a video; what travels on a HALLO2_WEIGHTS wire."""

    tracks: tuple[Track, ...]  # in the order of RANGES
    transition: Transition

    def __str__(self) -> str:
        return "; ".join(map(str, self.tracks))

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"In {gap} the sampler's own {track.name} value holds."
            for track in self.tracks
            for gap in gaps(track.spans)
        )

    @property
    def report(self) -> str:
        """What the node shows."""
        return "\n".join([str(self) or "The sampler's own values hold.", *self.notes])

    def check(self, fps: Fraction) -> None:
        """Before the long work starts: no span overlaps the next. Errors: TimelineError."""
        for track in self.tracks:
            check_order(track.spans, fps)

    def without_a_frame(self, frames: int, fps: Fraction) -> tuple[str, ...]:
        """Notes on values beyond the end of this video."""
        return tuple(
            f"{track.name}: {note}" for track in self.tracks for note in without_a_frame(track.spans, frames, fps)
        )

    def values(self, track: str, constant: float, first_frame: int, frames: int, fps: Fraction) -> tuple[float, ...]:
        """The track's value at each of these frames. constant: the sampler's own value, where no span acts.

        Exact: inside a span it is the number as written, and a blend of equal numbers is that number.
        """
        acting = acting_spans(self._spans(track), self.transition, first_frame, frames, fps)
        spans, own = self._spans(track), Fraction(constant)
        totals = [own] * frames
        for index, weights in acting.items():
            totals = [
                total + weight * (spans[index].content - own) for total, weight in zip(totals, weights, strict=True)
            ]
        return tuple(float(total) for total in totals)

    def largest(self, track: str, constant: float, frames: int, fps: Fraction) -> float:
        """The maximum over the whole video."""
        spans = self._spans(track)
        ends = [span.seconds(fps) for span in spans]
        edges = [Fraction(0), *(edge for pair in ends for edge in pair)]
        holes = [
            (start, stop)
            for start, stop in zip(edges[::2], [*edges[1::2], None], strict=True)
            if start is not None and start != stop
        ]
        values = [float(span.content) for span in spans]
        if any(any_frame_between(start, stop, frames, fps, self.transition) for start, stop in holes):
            values.append(constant)
        return max(values)

    def _spans(self, track: str) -> tuple[Span[Fraction], ...]:
        assert track in RANGES, track
        return next((one.spans for one in self.tracks if one.name == track), ())


def parse_weights(text: str, transition: Transition) -> WeightTimeline:
    """Errors: TimelineError."""
    return WeightTimeline(parse_tracks(text), transition)


def parse_tracks(text: str) -> tuple[Track, ...]:
    """The tracks of a weight timeline; none for an empty text. Errors: TimelineError."""
    tracks: dict[str, Track] = {}
    for item in split_items(text, escapes=False):
        name, rest = item.first_word()
        if name.text not in RANGES:
            raise name.error(f"is not a weight. Start with one of {', '.join(RANGES)}, for example lip 1.2 @ 0-3.")
        if name.text in tracks:
            raise name.error(f"appears here a second time. Put all of its spans after the first '{name.text}'.")
        if not rest.text:
            raise item.error(f"has no values. Write for example {name.text} 1.2 @ 0-3.")
        spans = tuple(_parse_value(part, name.text) for part in rest.split(","))
        check_order(spans)
        tracks[name.text] = Track(name.text, spans)
    return tuple(tracks[name] for name in RANGES if name in tracks)


def _parse_value(part: TextPart, track: str) -> Span[Fraction]:
    number, *times = part.split("@")
    if len(times) != 1:
        raise part.error(f"is not 'value @ times'. Write for example {track} 1.2 @ 0-3, 1 @ 3-.")
    value = parse_decimal(number.text)
    least, greatest = RANGES[track]
    if value is None or not least <= value <= greatest:
        raise number.error(f"is not a value of {track}. Write a number from {least} to {greatest}, such as 1.2.")
    start, end = parse_times(times[0])
    return Span(start, end, value, times[0].position)
