import assert from "node:assert/strict";
import { test } from "node:test";

import { removeSpan } from "../../js/timeline/edits.mjs";
import { TimelineText } from "../../js/timeline/timeline_text.mjs";
import { place } from "./cases.mjs";

function opened(text) {
  const node = { text };
  const timeline = new TimelineText("prompts", { read: () => node.text, write: (value) => (node.text = value) });
  timeline.follow(25);
  return { node, timeline };
}

test("a change is written, and undone and redone", () => {
  const { node, timeline } = opened("0-1 a;1- b");
  assert.deepEqual([timeline.canUndo, timeline.canRedo], [false, false]);
  timeline.change(removeSpan(timeline.timeline, place(0)));
  assert.equal(node.text, "1- b");
  timeline.undo();
  assert.equal(node.text, "0-1 a;1- b", "letter by letter what the user wrote");
  timeline.redo();
  assert.deepEqual([node.text, timeline.canRedo], ["1- b", false]);
});

test("a text in lines stays one", () => {
  const { node, timeline } = opened("0-1 a\n1-2 b\n2- c\n");
  timeline.change(removeSpan(timeline.timeline, place(1)));
  assert.equal(node.text, "0-1 a\n2- c");
});

test("a text that cannot be read is left alone, said, and the last good one stays", () => {
  const { node, timeline } = opened("0- a");
  node.text = "0- a; 3- b";
  assert.equal(timeline.follow(25), true);
  assert.match(timeline.error, /^Line 1, column 7: '3-' follows 0-/);
  assert.deepEqual([node.text, timeline.timeline.rows[0].spans.length], ["0- a; 3- b", 1]);
  assert.equal(timeline.follow(25), false);
  timeline.undo();
  assert.deepEqual([node.text, timeline.error], ["0- a", null]);
});

test("another frame rate may make a text wrong, and right again", () => {
  const { timeline } = opened("0-1 a; 25f- b");
  assert.equal(timeline.error, null);
  timeline.follow(30);
  assert.match(timeline.error, /^Line 1, column 8/);
  timeline.follow(20);
  assert.equal(timeline.error, null);
});
