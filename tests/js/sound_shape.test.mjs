import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { outline, pausePoints, pauses, trimmed } from "../../js/timeline/sound_shape.mjs";

const RATE = 8000;

/** A tone where a span is named, and faint noise elsewhere. */
function voice(seconds, ...spoken) {
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    const at = i / RATE;
    return spoken.some(([start, end]) => at >= start && at < end) ? 0.5 * Math.sin(i) : 0.002 * Math.sin(i * 1.7);
  });
}

test("the outline has a hundred peaks a second, the last one in part", () => {
  const { seconds, peaks, levels } = outline([voice(1.234, [0, 2])], RATE);
  assert.equal(seconds, 1.234);
  assert.equal(peaks.length, 124);
  assert.ok(peaks.every((peak) => peak > 0.45 && peak <= 0.5) && levels.every((level) => level > 0.3 && level < 0.4));
});

test("of several channels the loudest counts", () => {
  const { peaks } = outline([voice(1), voice(1, [0, 1])], RATE);
  assert.ok(peaks[50] > 0.4);
});

test("pauses are found where they are, short gaps within words are not", () => {
  const found = pauses(outline([voice(4, [0, 1], [1.5, 2], [2.1, 3.5])], RATE));
  assert.deepEqual(found, [[1, 1.5], [3.5, 4]]);
  assert.deepEqual(pausePoints(found), [1, 1.25, 1.5, 3.5, 3.75, 4]);
});

test("silence is one pause, and an empty sound none", () => {
  assert.deepEqual(pauses(outline([new Float32Array(RATE)], RATE)), [[0, 1]]);
  assert.deepEqual(pauses(outline([new Float32Array(0)], RATE)), []);
});

test("the shipped voice has pauses between its sentences", () => {
  const file = readFileSync(new URL("../../hallo2_core/examples/voice.wav", import.meta.url));
  const data = file.subarray(file.indexOf("data") + 8);
  const samples = Float32Array.from({ length: data.length >> 1 }, (_, i) => data.readInt16LE(2 * i) / 32768);
  const sound = outline([samples], file.readUInt32LE(24));
  const found = pauses(sound);
  const quiet = found.reduce((sum, [start, end]) => sum + end - start, 0);
  assert.ok(found.length > 0 && quiet < sound.seconds / 2, `${found.length} pauses, ${quiet} of ${sound.seconds} s`);
});

test("a trimmed sound is what the trimmed samples would have given", () => {
  const samples = voice(4, [0, 1], [1.5, 2], [2.1, 3.5]);
  const whole = outline([samples], RATE);
  const cut = (from, to) => outline([samples.slice(from * RATE, to * RATE)], RATE);
  for (const [trim, expected] of [
    [{ start: 0.5, duration: 2 }, cut(0.5, 2.5)],
    [{ start: -1, duration: 60 }, cut(3, 4)],
    [{ start: -9, duration: 1 }, cut(0, 1)],
  ]) {
    const { pauses: found, ...shape } = trimmed(whole, trim);
    assert.deepEqual({ ...shape, start: 0 }, expected);
    assert.deepEqual(found, pauses(expected));
  }
});

test("of a sound trimmed twice, the start counts from the file's", () => {
  const once = trimmed(outline([voice(4)], RATE), { start: 0.5, duration: 3 });
  assert.deepEqual([once.start, trimmed(once, { start: -1, duration: 9 }).start], [0.5, 2.5]);
});

test("a trim that leaves nothing is refused, as the host does", () => {
  const whole = outline([voice(2)], RATE);
  for (const trim of [{ start: 2, duration: 1 }, { start: 0, duration: 0 }]) {
    assert.throws(() => trimmed(whole, trim), /nothing is left/);
  }
});
