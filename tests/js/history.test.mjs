import assert from "node:assert/strict";
import { test } from "node:test";

import { amend, begin, record, redo, undo } from "../../js/timeline/history.mjs";

test("steps go back and forth, and a new one drops what was undone", () => {
  let history = record(record(begin("a"), "b"), "c");
  history = undo(history);
  assert.equal(history.present, "b");
  assert.equal(redo(history).present, "c");
  history = record(undo(history), "d");
  assert.equal(redo(history).present, "d");
  assert.equal(undo(history).present, "a");
  assert.equal(undo(undo(undo(history))).present, "a");
});

test("a gesture is one step, and nothing is none", () => {
  const history = amend(amend(record(begin("a"), "b"), "c"), "d");
  assert.equal(undo(history).present, "a");
  assert.equal(record(history, "d"), history);
});

test("it does not grow for ever", () => {
  let history = begin(0);
  for (let i = 1; i < 1000; i += 1) history = record(history, i);
  assert.equal(history.past.length, 200);
});
