import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { GrowingVideo, showGrowingVideo } from "../../js/growing_video.mjs";

/** What a browser's video element does, as far as it matters. */
class Video extends EventTarget {
  paused = true;
  ended = false;
  currentTime = 0;
  loads = [];
  style = {};

  set src(address) {
    Object.assign(this, { paused: true, ended: false, currentTime: 0 });
    this.loads.push(address);
  }

  async play() {
    this.paused = false;
  }

  playTo(seconds, ended) {
    Object.assign(this, { currentTime: seconds, paused: ended, ended });
    if (ended) this.dispatchEvent(new Event("ended"));
  }
}

let video, player;

beforeEach(() => {
  video = new Video();
  player = new GrowingVideo(video);
  player.grown("1", 1);
});

test("before it is played the newest version is loaded, and nothing plays unasked", () => {
  player.grown("2", 1);
  assert.deepEqual(video.loads, ["1", "2"]);
  assert.ok(video.paused);
});

test("what plays, or was stopped in the middle, is not interrupted", () => {
  video.playTo(0.3, false);
  player.grown("2", 1);
  video.paused = true;
  player.grown("3", 1);
  assert.deepEqual(video.loads, ["1"]);
});

test("at its end it plays on in the newest version, from there", () => {
  video.playTo(0.3, false);
  player.grown("2", 1);
  player.grown("3", 1);
  video.playTo(0.64, true);
  assert.deepEqual(video.loads, ["1", "3"]);
  assert.ok(video.currentTime === 0.64 && !video.paused);
});

test("where it waits at the end, it plays on when a clip is added", () => {
  video.playTo(0.64, true);
  assert.deepEqual(video.loads, ["1"]);
  player.grown("2", 1);
  assert.deepEqual(video.loads, ["1", "2"]);
  assert.ok(video.currentTime === 0.64 && !video.paused);
});

test("a version that is gone is replaced by the next one at once", () => {
  video.playTo(0.3, false);
  video.dispatchEvent(new Event("error"));
  player.grown("2", 1);
  assert.deepEqual(video.loads, ["1", "2"]);
});

test("another run of the graph begins with its own video", () => {
  video.playTo(0.3, false);
  player.grown("2", 2);
  assert.deepEqual(video.loads, ["1", "2"]);
  assert.ok(video.currentTime === 0 && video.paused);
});

test("a node gets one widget, which is never saved", () => {
  const widgets = [];
  const node = {
    size: [300, 500],
    computeSize: () => [200, 740],
    setSize: (size) => (node.size = size),
    addDOMWidget: (name, type, element, options) => widgets.push({ name, element, options }) && widgets.at(-1),
  };
  globalThis.document = { createElement: () => new Video() };
  showGrowingVideo(node, "1", 1);
  showGrowingVideo(node, "2", 1);
  assert.equal(widgets.length, 1);
  assert.deepEqual(widgets[0].element.loads, ["1", "2"]);
  assert.ok(widgets[0].serialize === false && widgets[0].options.serialize === false);
  assert.deepEqual(node.size, [300, 740]);
});
