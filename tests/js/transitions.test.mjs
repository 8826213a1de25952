import assert from "node:assert/strict";
import { test } from "node:test";

import { spansOf } from "../../js/timeline/edits.mjs";
import { envelope, valueLine, weightAt } from "../../js/timeline/transitions.mjs";
import { CASES, prompts, weights } from "./cases.mjs";

for (const example of CASES.transitions) {
  test(`${example.timeline} blends as the sampler does (${example.transition_seconds} s, ${example.blend})`, () => {
    const fps = example.fps.split("/").map(Number).reduce((a, b) => a / b);
    const transition = { seconds: example.transition_seconds, blend: example.blend };
    const spans = spansOf(prompts(example.timeline), "prompts");
    example.frames.forEach((frame, row) => {
      spans.forEach((span, column) => {
        const weight = weightAt(span, frame / fps, transition, fps);
        assert.ok(Math.abs(weight - example.weights[row][column]) < 1e-9, `frame ${frame}, span ${column}: ${weight}`);
      });
    });
  });
}

test("the drawn line begins and ends with what is shown, and is flat between transitions", () => {
  const [, span] = spansOf(prompts("0-2 a; 2-4 b"), "prompts");
  const line = envelope(span, { seconds: 1, blend: "linear" }, 25, 5);
  assert.deepEqual(line[0], [0, 0]);
  assert.deepEqual(line.at(-1), [5, 0]);
  assert.deepEqual(line.filter(([, weight]) => weight === 1).map(([time]) => time), [2.5, 3.5]);
  assert.ok(line.every(([time], i) => i === 0 || time >= line[i - 1][0]));
});

test("a hard cut is drawn as one", () => {
  const [span] = spansOf(prompts("1-2 a"), "prompts");
  const line = envelope(span, { seconds: 0, blend: "linear" }, 25, 5);
  assert.ok(line.every(([time, weight]) => weight === Number(time >= 1 && time < 2)));
});

test("a weight is its spans' where they act, and the sampler's own elsewhere", () => {
  const spans = spansOf(weights("lip 2 @ 1-2, 3 @ 2-3"), "lip");
  const line = valueLine(spans, 1, { seconds: 0.5, blend: "linear" }, 25, 5);
  const at = (seconds) => line.find(([time]) => Math.abs(time - seconds) < 1e-9)[1];
  assert.deepEqual([0, 0.75, 1, 1.25, 1.75, 2, 2.25, 3.25, 5].map(at), [1, 1, 1.5, 2, 2, 2.5, 3, 1, 1]);
});
