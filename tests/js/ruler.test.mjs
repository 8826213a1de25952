import assert from "node:assert/strict";
import { test } from "node:test";

import { clockText, lengthShown, rulerSteps } from "../../js/timeline/ruler.mjs";

test("labels have room, marks become frames where frames have room", () => {
  assert.deepEqual(rulerSteps(50, 25), { label: 2, mark: 0.4 });
  assert.deepEqual(rulerSteps(200, 25), { label: 0.5, mark: 1 / 25 });
  assert.equal(rulerSteps(0.01, 25).label, 3600);
});

test("clock times", () => {
  assert.deepEqual([0, 7.96, 64, 3600].map((s) => clockText(s)), ["0:00", "0:07", "1:04", "1:00:00"]);
  assert.deepEqual([0.3, 59.999, 61.28].map((s) => clockText(s, 2)), ["0:00.30", "0:59.99", "1:01.28"]);
});

test("without a sound the view fits the spans and a bit more", () => {
  assert.equal(lengthShown(8.4, 4), 8.4);
  assert.equal(lengthShown(null, 4), 10);
  assert.equal(lengthShown(null, 20), 25);
  assert.equal(lengthShown(3, 20), 20);
});
