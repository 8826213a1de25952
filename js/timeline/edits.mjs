// Edits of a timeline. Each returns a new timeline, or null if there is no room; spans never overlap.

import { momentAt, secondsOf } from "./moments.mjs";

const NEW_SPAN_SECONDS = 2;
const SAME_PLACE_SECONDS = 0.0006; // below the millisecond to which pointer times are rounded

/**
 * @typedef {{row: string, index: number}} Place of a span
 * @typedef {object} Measure
 * @property {number} fps
 * @property {number|null} length of the sound in seconds, if known
 */

export function spanAt(timeline, place) {
  return place && (spansOf(timeline, place.row)[place.index] ?? null);
}

export function spansOf(timeline, rowName) {
  return timeline.rows.find((row) => row.name === rowName)?.spans ?? [];
}

/** Start and end in seconds; an open end is Infinity. */
export function boundsOf(span, fps) {
  return [secondsOf(span.start, fps), span.end === null ? Infinity : secondsOf(span.end, fps)];
}

/** The span at a time in a row, or null. */
export function spanUnder(timeline, rowName, seconds, fps) {
  const index = spansOf(timeline, rowName).findIndex((span) => {
    const [start, end] = boundsOf(span, fps);
    return start <= seconds && seconds < end;
  });
  return index < 0 ? null : { row: rowName, index };
}

/** A new span starting at a free time; it takes `length` seconds, or what is free. @returns {{timeline, place}|null} */
export function addSpan(timeline, rowName, seconds, content, measure, length = NEW_SPAN_SECONDS) {
  const spans = spansOf(timeline, rowName);
  if (spanUnder(timeline, rowName, seconds, measure.fps)) return null;
  const index = spans.filter((span) => boundsOf(span, measure.fps)[0] <= seconds).length;
  const limit = index < spans.length ? boundsOf(spans[index], measure.fps)[0] : (measure.length ?? Infinity);
  if (limit - seconds < frame(measure) - 1e-9) return null;
  const end = Math.min(seconds + length, limit);
  const reachesTheEnd = index === spans.length && end === measure.length;
  const write = writer(spans, measure, spans[0]?.start.unit ?? "seconds");
  const added = { start: write(seconds), end: reachesTheEnd ? null : write(end), content };
  return { timeline: withSpans(timeline, rowName, spans.toSpliced(index, 0, added)), place: { row: rowName, index } };
}

/** Moves a span, with its length, to a start time, or as close to it as its neighbors allow. */
export function moveSpan(timeline, place, seconds, measure) {
  const spans = spansOf(timeline, place.row);
  const span = spans[place.index];
  const [start, end] = boundsOf(span, measure.fps);
  const [lowest, highest] = roomAround(spans, place.index, measure);
  const length = span.end === null ? frame(measure) : end - start;
  const moved = Math.max(lowest, Math.min(seconds, highest - length));
  const write = writer(spans, measure, span.start.unit);
  const next = { ...span, start: write(moved), end: span.end && write(moved + length) };
  return withSpans(timeline, place.row, spans.with(place.index, next));
}

/**
 * Moves one edge of a span to a time. A neighbor that touches it moves along, unless `alone`. An end that is moved to
 * the sound's end becomes open.
 */
export function moveEdge(timeline, place, edge, seconds, measure, alone = false) {
  const spans = spansOf(timeline, place.row);
  const first = edge === "end" ? place.index : place.index - 1; // the border lies between this span and the next
  const [before, after] = [spans[first], spans[first + 1]];
  const beforeEnd = before ? boundsOf(before, measure.fps)[1] : 0;
  const afterStart = after ? boundsOf(after, measure.fps)[0] : Infinity;
  const together = before && after && !alone && Math.abs(afterStart - beforeEnd) < 1e-6;
  const least = frame(measure);
  const movesBefore = before && (edge === "end" || together);
  const movesAfter = after && (edge === "start" || together);
  const lowest = movesBefore ? boundsOf(before, measure.fps)[0] + least : beforeEnd;
  const highest = movesAfter ? boundsOf(after, measure.fps)[1] - least : afterStart;
  if (lowest > highest) return timeline;
  const border = Math.max(lowest, Math.min(seconds, highest));
  const opens = !after && measure.length !== null && border >= measure.length - 1e-6;
  const write = writer(spans, measure, spans[place.index][edge]?.unit ?? spans[place.index].start.unit);
  const moment = opens ? null : write(border);
  return withSpans(
    timeline,
    place.row,
    spans.map((span, index) => {
      if (index === first && movesBefore) return { ...span, end: moment };
      if (index === first + 1 && movesAfter) return { ...span, start: moment };
      return span;
    }),
  );
}

/** Splits a span into two with the same content. @returns {{timeline, place}|null} the second one's place */
export function splitSpan(timeline, place, seconds, measure) {
  const spans = spansOf(timeline, place.row);
  const span = spans[place.index];
  const [start, end] = boundsOf(span, measure.fps);
  if (seconds < start + frame(measure) - 1e-9 || seconds > end - frame(measure) + 1e-9) return null;
  const border = writer(spans, measure, span.start.unit)(seconds);
  const halves = [
    { ...span, end: border },
    { ...span, start: border },
  ];
  return {
    timeline: withSpans(timeline, place.row, spans.toSpliced(place.index, 1, ...halves)),
    place: { row: place.row, index: place.index + 1 },
  };
}

export function removeSpan(timeline, place) {
  return withSpans(timeline, place.row, spansOf(timeline, place.row).toSpliced(place.index, 1));
}

export function changeContent(timeline, place, content) {
  const spans = spansOf(timeline, place.row);
  return withSpans(timeline, place.row, spans.with(place.index, { ...spans[place.index], content }));
}

/** Opens the last span's end to the end of the video, or sets it to a time. Null: another span follows it. */
export function toggleOpenEnd(timeline, place, seconds, measure) {
  const spans = spansOf(timeline, place.row);
  const span = spans[place.index];
  if (place.index + 1 < spans.length) return null;
  const latest = Math.max(seconds, boundsOf(span, measure.fps)[0] + frame(measure));
  const end = span.end === null ? momentAt(latest, span.start.unit, measure.fps) : null;
  return withSpans(timeline, place.row, spans.with(place.index, { ...span, end }));
}

function frame(measure) {
  return 1 / measure.fps;
}

function roomAround(spans, index, measure) {
  const lowest = index > 0 ? boundsOf(spans[index - 1], measure.fps)[1] : 0;
  const highest =
    index + 1 < spans.length ? boundsOf(spans[index + 1], measure.fps)[0] : (measure.length ?? Infinity);
  return [lowest, Math.max(highest, boundsOf(spans[index], measure.fps)[0] + frame(measure))];
}

/** Converts times to moments; a time equal to a neighbor's reuses the neighbor's moment, so that they touch. */
function writer(spans, measure, unit) {
  const known = spans.flatMap((span) => (span.end ? [span.start, span.end] : [span.start]));
  return (seconds) =>
    known.find((moment) => Math.abs(secondsOf(moment, measure.fps) - seconds) < SAME_PLACE_SECONDS) ??
    momentAt(seconds, unit, measure.fps);
}

function withSpans(timeline, rowName, spans) {
  const rows = timeline.rows.some((row) => row.name === rowName)
    ? timeline.rows.map((row) => (row.name === rowName ? { ...row, spans } : row))
    : [...timeline.rows, { name: rowName, spans }];
  return { ...timeline, rows };
}
