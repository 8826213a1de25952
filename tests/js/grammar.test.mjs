import assert from "node:assert/strict";
import { test } from "node:test";

import { formatTimeline, parseTimeline, parseWeight, TimelineError } from "../../js/timeline/grammar.mjs";
import { momentAt, momentText } from "../../js/timeline/moments.mjs";
import { CASES } from "./cases.mjs";

const plainMoment = (moment) =>
  moment && { value: momentText({ ...moment, unit: "seconds" }), unit: moment.unit };
const plainTimes = (span) => ({ start: plainMoment(span.start), end: plainMoment(span.end) });
const plain = {
  prompts: (timeline) => timeline.rows[0].spans.map((span) => ({ ...plainTimes(span), text: span.content })),
  weights: (timeline) =>
    timeline.rows.map(({ name, spans }) => ({
      name,
      spans: spans.map((span) => ({ value: span.content, ...plainTimes(span) })),
    })),
};

for (const kind of ["prompts", "weights"]) {
  for (const example of CASES[kind].valid) {
    test(`${kind}: ${JSON.stringify(example.text).slice(0, 60)} is read as Python reads it`, () => {
      const timeline = parseTimeline(kind, example.text);
      assert.deepEqual(plain[kind](timeline), example.items ?? example.tracks);
      assert.equal(formatTimeline(timeline), example.normal);
      assert.deepEqual(parseTimeline(kind, example.normal), timeline);
    });
  }
  for (const example of CASES[kind].invalid) {
    test(`${kind}: ${example.why} is refused at its place`, () => {
      assert.throws(() => parseTimeline(kind, example.text), (error) => {
        assert.ok(error instanceof TimelineError, error.stack);
        assert.deepEqual([error.line, error.column], [example.line, example.column]);
        return true;
      });
    });
  }
}

test("spans in different units are compared once the frame rate is known", () => {
  assert.throws(() => parseTimeline("prompts", "0-2 a; 25f- b", 25), { line: 1, column: 8 });
  assert.throws(() => parseTimeline("weights", "lip 1 @ 5-4f", 25), { line: 1, column: 9 });
  parseTimeline("prompts", "0-2 a; 25f- b", 12.5);
});

test("a text that is too long is refused", () => {
  const { characters } = CASES.limits;
  parseTimeline("prompts", "0- " + "a".repeat(characters - 3));
  assert.throws(() => parseTimeline("prompts", "0- " + "a".repeat(characters - 2)), TimelineError);
});

test("lines of one's own stay lines", () => {
  const timeline = parseTimeline("prompts", "0-1 a\\; b\n1- c");
  assert.equal(formatTimeline(timeline, "\n"), "0-1 a\\; b\n1- c");
});

test("random texts are read or refused, never worse, and what is read comes back", () => {
  const pieces = ["0", "1.5", "12f", "1:04", "-", " ", ";", "\n", "\\", "\\;", "@", ",", "lip", "cfg", "a", "é", "😀", "s"];
  let state = 1;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  let read = 0;
  for (let i = 0; i < 40_000; i += 1) {
    const text = Array.from({ length: random(9) }, () => pieces[random(pieces.length)]).join("");
    const kind = i % 2 ? "prompts" : "weights";
    try {
      const timeline = parseTimeline(kind, text);
      assert.deepEqual(parseTimeline(kind, formatTimeline(timeline)), timeline);
      read += 1;
    } catch (error) {
      assert.ok(error instanceof TimelineError, `${JSON.stringify(text)}: ${error.stack}`);
      assert.ok(error.line >= 1 && error.column >= 1);
    }
  }
  assert.ok(read > 100, `only ${read} texts were timelines at all`);
});

test("a weight is a number within its track's range", () => {
  assert.equal(parseWeight("lip", "1.20"), "1.2");
  for (const wrong of ["3.1", "-1", "", "a", "1e0", " 1"]) assert.equal(parseWeight("lip", wrong), null);
  assert.equal(parseWeight("cfg", "0.9"), null);
});

test("a frame that was pointed at lies at or after the moment that is written for it, at any rate", () => {
  for (const fps of [8, 24, 25, 29.97, 30, 59.94]) {
    for (let frame = 0; frame < 2000; frame += 1) {
      const seconds = Number(momentText(momentAt(frame / fps, "seconds", fps)));
      assert.ok(seconds <= frame / fps + 1e-9 && (frame === 0 || seconds > (frame - 1) / fps), `${frame} at ${fps}`);
      assert.equal(momentText(momentAt(frame / fps, "frames", fps)), `${frame}f`);
    }
  }
});
