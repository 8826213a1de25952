import assert from "node:assert/strict";
import { test } from "node:test";

import { FollowedSound } from "../../js/timeline/followed_sound.mjs";

const file = (filename) => ({ filename, subfolder: "", type: "input" });

/** A sound that is followed, and the loads that wait to be answered. */
function followed() {
  const waiting = {};
  let news = 0;
  const load = ({ filename }) => new Promise((resolve, reject) => (waiting[filename] = { resolve, reject }));
  const sound = new FollowedSound(load, () => (news += 1));
  return { sound, waiting, news: () => news };
}

test("a file is read once, and its outline kept while it is the one", async () => {
  const { sound, waiting, news } = followed();
  assert.deepEqual([sound.seconds, sound.note], [null, "no sound file connected"]);
  const reading = sound.follow(file("a.wav"));
  assert.equal(sound.note, "reading a.wav …");
  waiting["a.wav"].resolve({ seconds: 3 });
  await reading;
  await sound.follow(file("a.wav"));
  assert.deepEqual([sound.seconds, sound.note, news()], [3, "a.wav", 1]);
  await sound.follow(null);
  assert.deepEqual([sound.seconds, sound.note], [null, "no sound file connected"]);
});

test("a file that cannot be read is said, and is no trouble", async () => {
  const { sound, waiting } = followed();
  const reading = sound.follow(file("a.wav"));
  waiting["a.wav"].reject(new Error("not found in the host's input folder"));
  await reading;
  assert.deepEqual([sound.seconds, sound.note], [null, "a.wav: not found in the host's input folder"]);
});

test("of two files the one chosen last is shown, whichever is read first", async () => {
  const { sound, waiting, news } = followed();
  const readings = [sound.follow(file("slow.wav")), sound.follow(file("fast.wav"))];
  waiting["fast.wav"].resolve({ seconds: 1 });
  waiting["slow.wav"].resolve({ seconds: 9 });
  await Promise.all(readings);
  assert.deepEqual([sound.seconds, sound.note, news()], [1, "fast.wav", 1]);
});

test("another trim of the same file is another sound", async () => {
  const { sound, waiting } = followed();
  const whole = { seconds: 3, peaks: new Float32Array(300), levels: new Float32Array(300) };
  for (const [duration, seconds] of [[2, 2], [1, 1], [0, null]]) {
    const reading = sound.follow(file("a.wav"), [{ start: 0, duration }]);
    waiting["a.wav"].resolve(whole);
    await reading;
    assert.equal(sound.seconds, seconds);
  }
  assert.equal(sound.note, "a.wav: nothing is left after Trim Audio Duration");
});
