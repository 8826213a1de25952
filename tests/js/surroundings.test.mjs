import assert from "node:assert/strict";
import { test } from "node:test";

import { GraphWalk } from "../../js/timeline/graph_walk.mjs";
import { fileOf, surroundingsOf } from "../../js/timeline/surroundings.mjs";
import { graph } from "./graph.mjs";

/** Load Audio → Encode Speech → sampler ← prompts, each by a reroute where asked. */
function chain({ rerouted = false } = {}) {
  const made = graph();
  const nodes = {
    audio: made.add("LoadAudio", { audio: "voices/me.wav" }),
    encoder: made.add("Hallo2EncodeSpeech", { fps: 30 }),
    sampler: made.add("Hallo2SampleVideo", { cfg: 2, lip_weight: 1.4 }),
    prompts: made.add("Hallo2TextPrompts", { timeline: "", transition_seconds: 0.5, blend: "smooth" }),
  };
  const wire = (from, to, name) => {
    if (!rerouted) return made.wire(from, 0, to, name);
    const reroute = made.add("Reroute");
    made.wire(from, 0, reroute, "");
    return made.wire(reroute, 0, to, name);
  };
  wire(nodes.audio, nodes.encoder, "audio");
  wire(nodes.encoder, nodes.sampler, "speech");
  wire(nodes.prompts, nodes.sampler, "text");
  return { made, ...nodes };
}

const FOUND = {
  fps: 30,
  fpsIsKnown: true,
  file: { filename: "me.wav", subfolder: "voices", type: "input" },
  trims: [],
  transition: { seconds: 0.5, blend: "smooth" },
  own: { pose: 1, face: 1, lip: 1.4, cfg: 2 },
  isGiven: false,
};

for (const rerouted of [false, true]) {
  test(`the sound and frame rate are found through the sampler, reroutes: ${rerouted}`, () => {
    assert.deepEqual(surroundingsOf(chain({ rerouted }).prompts), FOUND);
  });
}

test("a frame rate that another node gives is taken where that node says it", () => {
  const { made, encoder, prompts } = chain();
  const primitive = made.add("PrimitiveFloat", { value: 12.5 });
  made.wire(primitive, 0, encoder, "fps");
  assert.equal(surroundingsOf(prompts).fps, 12.5);
  primitive.widgets = [];
  assert.equal(surroundingsOf(prompts).fpsIsKnown, false);
});

test("another source of sound, or none, or a node alone, is no trouble", () => {
  const { made, audio, encoder, prompts } = chain();
  audio.type = "Hallo2ExampleInputs";
  assert.equal(surroundingsOf(prompts).file, null);
  made.cut(encoder, "audio");
  assert.equal(surroundingsOf(prompts).file, null);
  const alone = made.add("Hallo2WeightTimeline");
  assert.deepEqual([surroundingsOf(alone).fps, surroundingsOf(alone).fpsIsKnown], [25, false]);
  const removed = { ...prompts, graph: null };
  assert.equal(surroundingsOf(removed).fpsIsKnown, false);
});

test("the sound is what the video carries, not the voice taken from it", () => {
  const { made, encoder, prompts } = chain();
  made.wire(made.add("Hallo2SeparateVocals"), 0, encoder, "audio");
  assert.equal(surroundingsOf(prompts).file, null);
  made.wire(made.add("LoadAudio", { audio: "song.mp3" }), 0, encoder, "sound");
  assert.equal(surroundingsOf(prompts).file.filename, "song.mp3");
});

test("what is trimmed off the sound is named, first things first, and nothing where it is not known", () => {
  const { made, audio, encoder, prompts } = chain();
  const first = made.add("TrimAudioDuration", { start_index: 1.5, duration: 4 });
  const second = made.add("TrimAudioDuration", { start_index: -2, duration: 1 });
  made.wire(audio, 0, first, "audio");
  made.wire(first, 0, second, "audio");
  made.wire(second, 0, encoder, "audio");
  assert.deepEqual(surroundingsOf(prompts).trims, [{ start: 1.5, duration: 4 }, { start: -2, duration: 1 }]);
  assert.equal(surroundingsOf(prompts).file.filename, "me.wav");
  first.mode = 4;
  assert.deepEqual(surroundingsOf(prompts).trims, [{ start: -2, duration: 1 }]);
  made.wire(made.add("SomethingElse"), 0, second, "duration");
  assert.deepEqual([surroundingsOf(prompts).file, surroundingsOf(prompts).trims], [null, []]);
});

test("reroutes in a ring do not hang the editor", () => {
  const made = graph();
  const [prompts, one, other] = ["Hallo2TextPrompts", "Reroute", "Reroute"].map((type) => made.add(type));
  made.wire(prompts, 0, one, "");
  made.wire(one, 0, other, "");
  made.wire(other, 0, one, "");
  made.wire(one, 0, prompts, "timeline");
  assert.equal(surroundingsOf(prompts).fpsIsKnown, false);
});

test("a file widget's value names folder and file", () => {
  assert.deepEqual(fileOf("a.wav"), { filename: "a.wav", subfolder: "", type: "input" });
  assert.deepEqual(fileOf("x\\y/a b.wav [temp]"), { filename: "a b.wav", subfolder: "x\\y", type: "temp" });
  assert.equal(fileOf(undefined), null);
  assert.equal(fileOf(""), null);
});

test("a text that another node gives is not the node's own to edit", () => {
  const { made, prompts } = chain();
  made.wire(made.add("PrimitiveString", { value: "" }), 0, prompts, "timeline");
  assert.equal(surroundingsOf(prompts).isGiven, true);
});

test("a sampler and its speech in a subgraph are looked into from outside", () => {
  const outer = graph();
  const inner = outer.subgraph();
  const encoder = inner.add("Hallo2EncodeSpeech", { fps: 30 });
  const sampler = inner.add("Hallo2SampleVideo", { cfg: 2, lip_weight: 1.4 });
  inner.wire(null, 0, encoder, "audio");
  inner.wire(encoder, 0, sampler, "speech");
  inner.wire(null, 1, sampler, "text");
  const holder = outer.add("a uuid", {}, inner);
  outer.wire(outer.add("LoadAudio", { audio: "voices/me.wav" }), 0, holder, "audio");
  const prompts = outer.add("Hallo2TextPrompts", { timeline: "", transition_seconds: 0.5, blend: "smooth" });
  outer.wire(prompts, 0, holder, "text");
  assert.deepEqual(surroundingsOf(prompts), FOUND);
});

test("a timeline in a subgraph finds the sampler and the sound outside", () => {
  const outer = graph();
  const inner = outer.subgraph();
  const prompts = inner.add("Hallo2TextPrompts", { timeline: "", transition_seconds: 0.5, blend: "smooth" });
  const encoder = inner.add("Hallo2EncodeSpeech", { fps: 30 });
  inner.wire(null, 0, encoder, "audio");
  inner.wire(prompts, 0, null, 0);
  inner.wire(encoder, 0, null, 1);
  const holder = outer.add("a uuid", {}, inner);
  const sampler = outer.add("Hallo2SampleVideo", { cfg: 2, lip_weight: 1.4 });
  outer.wire(outer.add("LoadAudio", { audio: "voices/me.wav" }), 0, holder, "audio");
  outer.wire(holder, 0, sampler, "text");
  outer.wire(holder, 1, sampler, "speech");
  assert.deepEqual(surroundingsOf(prompts), FOUND);
});

test("what a subgraph shows of a widget on its outside counts", () => {
  const outer = graph();
  const inner = outer.subgraph();
  const encoder = inner.add("Hallo2EncodeSpeech", { fps: 25 });
  const sampler = inner.add("Hallo2SampleVideo");
  const prompts = inner.add("Hallo2TextPrompts", { timeline: "0- inside" });
  inner.wire(null, 0, encoder, "fps");
  inner.wire(null, 1, prompts, "timeline");
  inner.wire(encoder, 0, sampler, "speech");
  inner.wire(prompts, 0, sampler, "text");
  const holder = outer.add("a uuid", { "frames a second": 12, timeline: "0- outside" }, inner);
  holder.inputs = [{ name: "fps", widget: { name: "frames a second" } }, { name: "timeline" }];
  assert.deepEqual([surroundingsOf(prompts).fps, surroundingsOf(prompts).isGiven], [12, true]);
});

test("the nodes and widgets that a look depends on are named, and no others", () => {
  const { made, audio, encoder, sampler, prompts } = chain();
  made.add("LoadAudio", { audio: "elsewhere.wav" });
  const walk = new GraphWalk();
  surroundingsOf(prompts, walk);
  assert.deepEqual(walk.nodes, new Set([prompts, sampler, encoder, audio]));
  const names = [...walk.widgets].map(({ name }) => name).sort();
  assert.deepEqual(names, ["audio", "blend", "cfg", "fps", "lip_weight", "transition_seconds"]);
});
