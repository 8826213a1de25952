import assert from "node:assert/strict";
import { test } from "node:test";

import { addSpan, changeContent, moveEdge, moveSpan, removeSpan, spanUnder, splitSpan } from "../../js/timeline/edits.mjs";
import { parseTimeline } from "../../js/timeline/grammar.mjs";
import { at25, place, prompts, text, weights } from "./cases.mjs";

test("a new span takes two seconds, or what is free", () => {
  const added = (timeline, seconds, measure = at25()) => {
    const made = addSpan(prompts(timeline), "prompts", seconds, "new", measure);
    return made && [text(made.timeline), made.place.index];
  };
  assert.deepEqual(added("", 1), ["1-3 new", 0]);
  assert.deepEqual(added("0-1 a; 2-3 b", 1.2), ["0-1 a; 1.2-2 new; 2-3 b", 1]);
  assert.deepEqual(added("0-1 a", 8.4, at25(9)), ["0-1 a; 8.4- new", 1]);
  assert.deepEqual(added("0f-25f a", 2), ["0f-25f a; 50f-100f new", 1]);
  assert.equal(added("0-1 a; 1- b", 5), null);
  assert.equal(added("0-1 a; 1.02-2 b", 1), null, "less than a frame is free");
});

test("a new span makes its track, and a track without spans is gone", () => {
  const made = addSpan(weights("cfg 4 @ 2-5"), "lip", 0, "1.2", at25());
  assert.equal(text(made.timeline), "lip 1.2 @ 0-2; cfg 4 @ 2-5");
  assert.equal(text(removeSpan(made.timeline, place(0, "cfg"))), "lip 1.2 @ 0-2");
});

test("a span moves as far as there is room, and keeps its length", () => {
  const moved = (seconds, index = 1, measure = at25()) =>
    text(moveSpan(prompts("0-1 a; 2-3.5 b; 5-6 c"), place(index), seconds, measure));
  assert.equal(moved(2.4), "0-1 a; 2.4-3.9 b; 5-6 c");
  assert.equal(moved(0.2), "0-1 a; 1-2.5 b; 5-6 c");
  assert.equal(moved(9), "0-1 a; 3.5-5 b; 5-6 c");
  assert.equal(moved(-3, 0), "0-1 a; 2-3.5 b; 5-6 c");
  assert.equal(moved(99, 2, at25(10)), "0-1 a; 2-3.5 b; 9-10 c");
});

test("an open end stays open when its span moves", () => {
  assert.equal(text(moveSpan(prompts("1- a"), place(0), 2.4, at25())), "2.4- a");
  assert.equal(text(moveSpan(prompts("1- a"), place(0), 20, at25(10))), "9.96- a");
});

test("an edge moves, but not over a neighbour or its own other edge", () => {
  const edged = (edge, seconds, measure = at25()) =>
    text(moveEdge(prompts("0-1 a; 2-3 b; 4-5 c"), place(1), edge, seconds, measure));
  assert.equal(edged("end", 3.4), "0-1 a; 2-3.4 b; 4-5 c");
  assert.equal(edged("end", 9), "0-1 a; 2-4 b; 4-5 c");
  assert.equal(edged("end", 0), "0-1 a; 2-2.04 b; 4-5 c");
  assert.equal(edged("start", 0), "0-1 a; 1-3 b; 4-5 c");
  assert.equal(edged("start", 8), "0-1 a; 2.96-3 b; 4-5 c");
});

test("a border between two spans that touch moves for both, unless one is meant alone", () => {
  const both = prompts("0-2 a; 2-4 b; 4- c");
  assert.equal(text(moveEdge(both, place(0), "end", 2.4, at25())), "0-2.4 a; 2.4-4 b; 4- c");
  assert.equal(text(moveEdge(both, place(1), "start", 9, at25())), "0-3.96 a; 3.96-4 b; 4- c");
  assert.equal(text(moveEdge(both, place(0), "end", 1.4, at25(), true)), "0-1.4 a; 2-4 b; 4- c");
  assert.equal(text(moveEdge(both, place(0), "end", 3, at25(), true)), "0-2 a; 2-4 b; 4- c");
});

test("the last end, put at the sound's end, is left open; drawn back it closes", () => {
  const open = moveEdge(prompts("0-2 a"), place(0), "end", 12, at25(8.4));
  assert.equal(text(open), "0- a");
  assert.equal(text(moveEdge(open, place(0), "end", 3, at25(8.4))), "0-3 a");
});

test("moments keep their unit, and snap to the neighbour's own words", () => {
  assert.equal(text(moveEdge(prompts("0f-50f a"), place(0), "end", 2.4, at25())), "0f-60f a");
  assert.equal(text(moveEdge(prompts("0f-50f a"), place(0), "end", 2.405, at25())), "0f-2.405 a");
  const odd = parseTimeline("prompts", "0-1 a; 1.234567-2 b");
  assert.equal(text(moveEdge(odd, place(0), "end", 1.5, { fps: 25, length: null })), "0-1.234567 a; 1.234567-2 b");
});

test("a span is split at a time within it", () => {
  const split = (seconds) => splitSpan(prompts("0-4 a; 5- b"), place(0), seconds, at25());
  assert.equal(text(split(1.2).timeline), "0-1.2 a; 1.2-4 a; 5- b");
  assert.deepEqual(split(1.2).place, place(1));
  for (const outside of [0, 0.02, 3.98, 4, 7]) assert.equal(split(outside), null);
  assert.equal(text(splitSpan(prompts("0- a"), place(0), 3, at25()).timeline), "0-3 a; 3- a");
});

test("content changes, and a time finds its span", () => {
  assert.equal(text(changeContent(prompts("0-1 a; 1- b"), place(1), "x; y")), "0-1 a; 1- x\\; y");
  const timeline = prompts("0-1 a; 2- b");
  assert.deepEqual([0.5, 1, 2].map((s) => spanUnder(timeline, "prompts", s, 25)?.index), [0, undefined, 1]);
});

test("whatever is done, the outcome is a timeline that the parser takes, and gives back", () => {
  let state = 7;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  for (const fps of [25, 29.97, 30]) {
    for (const length of [null, 7.777]) {
      const measure = { fps, length };
      let timeline = prompts("0-1 a; 2.5-3 b");
      for (let i = 0; i < 3000; i += 1) {
        const count = timeline.rows[0].spans.length;
        const seconds = random(2) ? random(9000) / 1000 : random(250) / fps;
        const at = place(random(Math.max(1, count)));
        const edited =
          count === 0 || random(5) === 0
            ? addSpan(timeline, "prompts", seconds, "n", measure)?.timeline
            : [
                () => moveSpan(timeline, at, seconds, measure),
                () => moveEdge(timeline, at, "start", seconds, measure, random(2) === 0),
                () => moveEdge(timeline, at, "end", seconds, measure, random(2) === 0),
                () => splitSpan(timeline, at, seconds, measure)?.timeline,
                () => (count > 6 ? removeSpan(timeline, at) : null),
              ][random(5)]();
        timeline = edited ?? timeline;
        const written = text(timeline);
        assert.deepEqual(parseTimeline("prompts", written, fps), timeline, written);
      }
    }
  }
});
