import assert from "node:assert/strict";
import { test } from "node:test";

import { nudge, nudgeValue } from "../../js/timeline/nudges.mjs";
import { at25, place, prompts, text, weights } from "./cases.mjs";

test("a span goes by a frame, and so do its edges", () => {
  const by = (part, seconds) => text(nudge(prompts("1-2 a; 3- b"), place(0), part, seconds, at25(), 10));
  assert.equal(by("span", 0.04), "1.04-2.04 a; 3- b");
  assert.equal(by("start", -0.04), "0.96-2 a; 3- b");
  assert.equal(by("end", 1), "1-3 a; 3- b");
});

test("an open end begins its way at the end of what is shown", () => {
  assert.equal(text(nudge(prompts("1- a"), place(0), "end", -0.04, at25(10), 10)), "1-9.96 a");
  assert.equal(text(nudge(prompts("1- a"), place(0), "end", 0.04, at25(10), 10)), "1- a");
});

test("a weight goes by a tenth, within its range", () => {
  const by = (timeline, row, direction) => text(nudgeValue(weights(timeline), place(0, row), direction));
  assert.equal(by("lip 1.2 @ 0-", "lip", 1), "lip 1.3 @ 0-");
  assert.equal(by("lip 2.95 @ 0-", "lip", 1), "lip 3 @ 0-");
  assert.equal(by("cfg 1 @ 0-", "cfg", -1), "cfg 1 @ 0-");
  assert.equal(by("lip 0.000001 @ 0-", "lip", 1), "lip 0.1 @ 0-");
});
