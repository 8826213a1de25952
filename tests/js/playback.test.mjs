import assert from "node:assert/strict";
import { test } from "node:test";

import { Playback } from "../../js/timeline/playback.mjs";

/** Stands in for an audio element: time passes by `at`. */
class Player extends EventTarget {
  currentTime = 0;
  isPlaying = false;

  async play() {
    this.isPlaying = true;
  }

  pause() {
    this.isPlaying = false;
  }

  at(seconds) {
    this.currentTime = seconds;
    this.dispatchEvent(new Event("timeupdate"));
  }
}

const sound = { start: 10, seconds: 3 }; // of a longer file

test("it plays the part that the timeline shows, and stops at its end", () => {
  const moved = [];
  const playback = new Playback((seconds) => moved.push(seconds));
  const player = new Player();
  playback.start(player, sound, 1);
  assert.deepEqual([player.currentTime, player.isPlaying, playback.isOn], [11, true, true]);
  player.at(12.5);
  player.at(13.2);
  assert.deepEqual(moved, [2.5, 3]);
  assert.deepEqual([player.isPlaying, playback.isOn], [false, false]);
});

test("after a stop, late events move nothing", () => {
  const moved = [];
  const playback = new Playback((seconds) => moved.push(seconds));
  const player = new Player();
  playback.start(player, sound, 0);
  playback.stop();
  player.at(12);
  assert.deepEqual([moved, player.isPlaying], [[], false]);
});

test("a file that the browser cannot play ends it", async () => {
  const playback = new Playback(() => {});
  const player = Object.assign(new Player(), { play: () => Promise.reject(new Error("unsupported")) });
  playback.start(player, sound, 0);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(playback.isOn, false);
});
