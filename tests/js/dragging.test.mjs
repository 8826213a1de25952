import assert from "node:assert/strict";
import { test } from "node:test";

import { attractingPoints, dragged } from "../../js/timeline/dragging.mjs";
import { at25, place, prompts, text } from "./cases.mjs";

const timeline = prompts("0-1 a; 2-3 b; 4-5 c");
const how = (more = {}) => ({ measure: at25(), points: [], reach: 0.1, alone: false, ...more });

test("a span follows the hand from where it was taken hold of", () => {
  const drag = { what: "span", place: place(1), grabbed: 2.7 };
  assert.equal(text(dragged(timeline, drag, 3.113, how()).timeline), "0-1 a; 2.4-3.4 b; 4-5 c");
  assert.equal(text(dragged(timeline, drag, 3.113, how({ points: null })).timeline), "0-1 a; 2.413-3.413 b; 4-5 c");
});

test("an edge goes to the hand, or to what attracts it", () => {
  const drag = { what: "edge", edge: "end", place: place(1), grabbed: 3 };
  assert.equal(text(dragged(timeline, drag, 3.31, how()).timeline), "0-1 a; 2-3.32 b; 4-5 c");
  const drawn = dragged(timeline, drag, 3.31, how({ points: [3.39] }));
  assert.deepEqual([text(drawn.timeline), drawn.point], ["0-1 a; 2-3.4 b; 4-5 c", 3.39]);
});

test("what attracts: pauses, other edges and places named, but not what is dragged itself", () => {
  const sound = { pauses: [[7, 8]] };
  const points = (drag) => attractingPoints(timeline, drag, 25, sound, [9]);
  assert.deepEqual(points({ what: "span", place: place(1) }), [9, 7, 7.5, 8, 0, 1, 4, 5]);
  assert.deepEqual(points({ what: "edge", edge: "end", place: place(1) }), [9, 7, 7.5, 8, 0, 1, 2, 4, 5]);
  assert.deepEqual(attractingPoints(prompts("1- a"), { what: "edge", edge: "end", place: place(0) }, 25, null, []), [1]);
});
