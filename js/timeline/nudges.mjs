// Small steps, as the arrow keys make them.

import { boundsOf, changeContent, moveEdge, moveSpan, spanAt } from "./edits.mjs";
import { TRACKS } from "./grammar.mjs";

const VALUE_STEP = 0.1;

/**
 * A span, or one of its edges, moved by some seconds.
 * @param {"span"|"start"|"end"} part
 * @param {number} shown seconds that the page shows: where an open end is taken to be
 */
export function nudge(timeline, place, part, seconds, measure, shown) {
  const [start, end] = boundsOf(spanAt(timeline, place), measure.fps);
  if (part === "span") return moveSpan(timeline, place, start + seconds, measure);
  const at = part === "start" ? start : Math.min(end, shown);
  return moveEdge(timeline, place, part, Math.max(0, at + seconds), measure);
}

/** A weight raised or lowered, within its track's range. */
export function nudgeValue(timeline, place, direction) {
  const { least, most } = TRACKS[place.row];
  const value = Number(spanAt(timeline, place).content) + direction * VALUE_STEP;
  return changeContent(timeline, place, String(Number(Math.max(least, Math.min(most, value)).toFixed(3))));
}
