import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf } from "../../js/timeline/keys.mjs";

const press = (key, held = {}) => ({ key, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...held });
const span = (key, held, kind = "prompts") => commandOf(press(key, held), "span", kind);

test("arrows move a span, with Shift its end, with Alt its start", () => {
  assert.deepEqual(span("ArrowRight"), ["nudge", "span", 1, "frame"]);
  assert.deepEqual(span("ArrowLeft", { shiftKey: true }), ["nudge", "end", -1, "frame"]);
  assert.deepEqual(span("PageDown", { altKey: true }), ["nudge", "start", 1, "second"]);
});

test("undo and redo, everywhere in the widget", () => {
  for (const focus of ["span", "playhead", "other"]) {
    assert.deepEqual(commandOf(press("z", { ctrlKey: true }), focus, "prompts"), ["undo"]);
    assert.deepEqual(commandOf(press("Z", { metaKey: true, shiftKey: true }), focus, "prompts"), ["redo"]);
    assert.deepEqual(commandOf(press("y", { ctrlKey: true }), focus, "prompts"), ["redo"]);
  }
});

test("a span's own keys", () => {
  assert.deepEqual([span("Enter"), span("Delete"), span("S"), span("o")], [["rename"], ["remove"], ["split"], ["toggleOpenEnd"]]);
  assert.equal(span("ArrowUp"), null);
  assert.deepEqual(span("ArrowUp", {}, "weights"), ["nudgeValue", 1]);
  assert.deepEqual(span("1", {}, "weights"), ["rename", "1"]);
  assert.equal(span("1"), null);
});

test("the playhead goes by frames, and between the tracks", () => {
  assert.deepEqual(commandOf(press("ArrowLeft"), "playhead", "prompts"), ["nudgePlayhead", -1, "frame"]);
  assert.deepEqual(commandOf(press("ArrowDown"), "playhead", "weights"), ["nextRow", 1]);
  assert.deepEqual(commandOf(press("n"), "playhead", "prompts"), ["add"]);
});

test("a selected span is copied, and pasted at the playhead", () => {
  assert.deepEqual(span("c", { ctrlKey: true }), ["copy"]);
  assert.deepEqual(span("v", { metaKey: true }), ["paste"]);
  assert.deepEqual(commandOf(press("v", { ctrlKey: true }), "playhead", "prompts"), ["paste"]);
  assert.equal(commandOf(press("c", { ctrlKey: true }), "playhead", "prompts"), null, "copies nodes");
  assert.equal(span("v", { ctrlKey: true, shiftKey: true }), null, "pastes nodes");
});

test("Space plays, except on a button, which it presses", () => {
  assert.deepEqual([span(" "), commandOf(press(" "), "playhead", "weights")], [["play"], ["play"]]);
  assert.equal(commandOf(press(" "), "other", "prompts"), null);
});

test("keys that are the host's stay the host's", () => {
  assert.equal(span("Enter", { ctrlKey: true }), null, "queues the graph");
  assert.equal(span("Tab"), null);
  assert.equal(commandOf(press("Enter"), "other", "prompts"), null, "presses the button");
});
