// What a drag makes of the timeline it began with.

import { boundsOf, moveEdge, moveSpan, spanAt } from "./edits.mjs";
import { snap, snapSpan } from "./snapping.mjs";
import { pausePoints } from "./sound_shape.mjs";

/**
 * @typedef {object} Drag
 * @property {"span"|"edge"} what
 * @property {"start"|"end"} [edge]
 * @property {import("./edits.mjs").Place} place
 * @property {number} grabbed the time at which the hand took hold
 *
 * @param {import("./grammar.mjs").Timeline} timeline as it was when the drag began
 * @param {Drag} drag
 * @param {number} pointed the time under the hand now
 * @param {{measure: import("./edits.mjs").Measure, points: number[]|null, reach: number, alone: boolean}} how
 *   points: what attracts from `reach` seconds away; null: nothing does, nor do frames
 * @returns {{timeline, point: number|null}} point: what it was drawn to
 */
export function dragged(timeline, drag, pointed, { measure, points, reach, alone }) {
  const grid = { fps: measure.fps, points, reach };
  if (drag.what === "edge") {
    const found = points ? snap(pointed, grid) : { seconds: pointed, point: null };
    return { timeline: moveEdge(timeline, drag.place, drag.edge, found.seconds, measure, alone), point: found.point };
  }
  const [start, end] = boundsOf(spanAt(timeline, drag.place), measure.fps);
  const to = Math.max(0, start + pointed - drag.grabbed);
  const found = points ? snapSpan(to, end - start, grid) : { seconds: to, point: null };
  return { timeline: moveSpan(timeline, drag.place, found.seconds, measure), point: found.point };
}

/** What attracts: pauses of the voice, the edges that stay where they are, and whatever else is named. */
export function attractingPoints(timeline, drag, fps, sound, others) {
  const edges = timeline.rows.flatMap((row) =>
    row.spans.flatMap((span, index) => {
      const [start, end] = boundsOf(span, fps);
      if (row.name !== drag.place.row || index !== drag.place.index) return [start, end];
      if (drag.what === "span") return [];
      return [drag.edge === "start" ? end : start];
    }),
  );
  const pauses = sound ? pausePoints(sound.pauses) : [];
  return [...others, ...pauses, ...edges].filter(Number.isFinite);
}
