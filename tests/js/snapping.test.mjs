import assert from "node:assert/strict";
import { test } from "node:test";

import { onFrame, snap, snapSpan } from "../../js/timeline/snapping.mjs";

const grid = { fps: 25, points: [1.013, 2.6], reach: 0.1 };

test("a time comes to rest on a frame", () => {
  assert.deepEqual(snap(0.33, grid), { seconds: 0.32, point: null });
  assert.equal(onFrame(-1, 25), 0);
});

test("near a pause it comes to rest on the pause's frame", () => {
  assert.deepEqual(snap(1.1, grid), { seconds: 1, point: 1.013 });
  assert.deepEqual(snap(1.12, grid), { seconds: 1.12, point: null });
  assert.equal(snap(0.5, { ...grid, points: [] }).point, null);
});

test("of a span that moves, the end that is nearer to something decides", () => {
  assert.deepEqual(snapSpan(1.56, 1, grid), { seconds: 1.6, point: 2.6 });
  assert.deepEqual(snapSpan(1.05, 5, grid), { seconds: 1, point: 1.013 });
  assert.deepEqual(snapSpan(1.05, Infinity, grid), { seconds: 1, point: 1.013 });
  assert.deepEqual(snapSpan(0.5, 0.4, grid).point, null);
});
