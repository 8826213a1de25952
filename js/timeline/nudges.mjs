// Small steps by arrow keys.

import { boundsOf, changeContent, moveEdge, moveSpan, spanAt } from "./edits.mjs";
import { TRACKS } from "./grammar.mjs";

const VALUE_STEP = 0.1;

/**
 * Moves a span, or one of its edges, by some seconds.
 * @param {"span"|"start"|"end"} part
 * @param {number} shown visible length in seconds, used as the position of an open end
 */
export function nudge(timeline, place, part, seconds, measure, shown) {
  const [start, end] = boundsOf(spanAt(timeline, place), measure.fps);
  if (part === "span") return moveSpan(timeline, place, start + seconds, measure);
  const at = part === "start" ? start : Math.min(end, shown);
  return moveEdge(timeline, place, part, Math.max(0, at + seconds), measure);
}

/** Raises or lowers a weight, within its track's range. */
export function nudgeValue(timeline, place, direction) {
  const { least, most } = TRACKS[place.row];
  const value = Number(spanAt(timeline, place).content) + direction * VALUE_STEP;
  return changeContent(timeline, place, String(Number(Math.max(least, Math.min(most, value)).toFixed(3))));
}
