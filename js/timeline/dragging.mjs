// Applies a drag to the timeline it started from.

import { boundsOf, moveEdge, moveSpan, spanAt } from "./edits.mjs";
import { snap, snapSpan } from "./snapping.mjs";
import { pausePoints } from "./sound_shape.mjs";

/**
 * @typedef {object} Drag
 * @property {"span"|"edge"} what
 * @property {"start"|"end"} [edge]
 * @property {import("./edits.mjs").Place} place
 * @property {number} grabbed the time under the pointer at the start
 *
 * @param {import("./grammar.mjs").Timeline} timeline at the start of the drag
 * @param {Drag} drag
 * @param {number} pointed the time under the pointer now
 * @param {{measure: import("./edits.mjs").Measure, points: number[]|null, reach: number, alone: boolean}} how
 *   points: snap targets, within `reach` seconds; null: no snapping, not even to frames
 * @returns {{timeline, point: number|null}} point: the snap target
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

/** Snap targets: pauses in the voice, the edges that are not moved, and the others given. */
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
