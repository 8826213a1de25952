// Snaps a dragged edge to frames, and to pauses in the voice and other edges if they are near.

/**
 * @param {number} seconds pointed at
 * @param {{fps: number, points: number[], reach: number}} grid points: snap targets, within `reach` seconds
 * @returns {{seconds: number, point: number|null}} a frame's time, and the point it snapped to
 */
export function snap(seconds, { fps, points, reach }) {
  const point = nearest(points, seconds);
  if (point !== null && Math.abs(point - seconds) <= reach) return { seconds: onFrame(point, fps), point };
  return { seconds: onFrame(seconds, fps), point: null };
}

/** Snaps whichever end of a moved span is closer to a target. Returns the start. */
export function snapSpan(start, length, grid) {
  const fromStart = snap(start, grid);
  if (!Number.isFinite(length)) return fromStart;
  const end = snap(start + length, grid);
  const fromEnd = { seconds: end.seconds - length, point: end.point };
  if (fromEnd.point === null) return fromStart;
  if (fromStart.point === null) return fromEnd;
  return Math.abs(fromEnd.seconds - start) < Math.abs(fromStart.seconds - start) ? fromEnd : fromStart;
}

export function onFrame(seconds, fps) {
  return Math.max(0, Math.round(seconds * fps)) / fps;
}

function nearest(points, seconds) {
  return points.reduce(
    (best, point) => (best === null || Math.abs(point - seconds) < Math.abs(best - seconds) ? point : best),
    null,
  );
}
