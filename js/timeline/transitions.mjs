// A span's strength over time, by the pack's own formula, so that the editor shows what the sampler does.

import { boundsOf } from "./edits.mjs";

/** @typedef {{seconds: number, blend: "linear"|"smooth"}} Transition centered on a span's borders; 0 is a hard cut */

/** 0..1: a span's strength at a time. */
export function weightAt(span, seconds, transition, fps) {
  const [start, end] = boundsOf(span, fps);
  const begun = start === 0 ? 1 : ramp(seconds - start, transition);
  return begun - (end === Infinity ? 0 : ramp(seconds - end, transition));
}

/** A span's strength over the visible time, as points [seconds, weight] of a polyline. */
export function envelope(span, transition, fps, length) {
  return drawingTimes([span], transition, fps, length).map((time) => [time, weightAt(span, time, transition, fps)]);
}

/** A weight's points [seconds, value]: the spans' values where they act, `own` elsewhere. */
export function valueLine(spans, own, transition, fps, length) {
  return drawingTimes(spans, transition, fps, length).map((time) => {
    const pulls = spans.map((span) => weightAt(span, time, transition, fps) * (Number(span.content) - own));
    return [time, pulls.reduce((sum, pull) => sum + pull, own)];
  });
}

function drawingTimes(spans, { seconds }, fps, length) {
  const times = [0, length];
  const borders = spans.flatMap((span) => boundsOf(span, fps)).filter((border) => Number.isFinite(border));
  for (const border of new Set(borders)) {
    for (let step = 0; step <= 12; step += 1) times.push(border + (seconds / 2) * (step / 6 - 1));
    if (seconds === 0) times.push(border - 1e-9); // the last moment before a hard cut
  }
  return times.filter((time) => time >= 0 && time <= length).sort((a, b) => a - b);
}

function ramp(seconds, { seconds: length, blend }) {
  const half = length / 2;
  if (seconds >= half) return 1;
  if (seconds <= -half) return 0;
  const x = seconds / length + 0.5;
  return blend === "smooth" ? x * x * (3 - 2 * x) : x;
}
