import assert from "node:assert/strict";
import { test } from "node:test";

import { fileOf, surroundingsOf } from "../../js/timeline/surroundings.mjs";

/** A graph as far as the look goes: nodes that know whom they feed and who feeds them. */
function graph(links) {
  const nodes = {};
  const node = (type) => {
    nodes[type] ??= {
      type: type.replace(/[0-9]$/, ""),
      inputs: [],
      outputs: [{}],
      widgets: [],
      getOutputNodes: () => links.filter(([from]) => from === type).map(([, to]) => node(to)),
      getInputNode: (slot) => nodes[type].feeding[slot] ?? null,
      feeding: [],
    };
    return nodes[type];
  };
  for (const [from, to, input] of links) {
    node(to).inputs.push({ name: input });
    node(to).feeding.push(node(from));
  }
  return nodes;
}

const CHAIN = [
  ["Hallo2TextPrompts", "Reroute1", ""],
  ["Reroute1", "Hallo2SampleVideo", "text"],
  ["Hallo2EncodeSpeech", "Hallo2SampleVideo", "speech"],
];

test("the sound and frame rate are found through the sampler, reroutes included", () => {
  const nodes = graph([...CHAIN, ["LoadAudio", "Reroute2", ""], ["Reroute2", "Hallo2EncodeSpeech", "audio"]]);
  nodes.Hallo2EncodeSpeech.widgets = [{ name: "fps", value: 30 }];
  nodes.LoadAudio.widgets = [{ name: "audio", value: "voices/me.wav" }];
  nodes.Hallo2SampleVideo.widgets = [{ name: "cfg", value: 2 }, { name: "lip_weight", value: 1.4 }];
  nodes.Hallo2TextPrompts.widgets = [{ name: "transition_seconds", value: 0.5 }, { name: "blend", value: "smooth" }];
  assert.deepEqual(surroundingsOf(nodes.Hallo2TextPrompts), {
    fps: 30,
    fpsIsKnown: true,
    file: { filename: "me.wav", subfolder: "voices", type: "input" },
    transition: { seconds: 0.5, blend: "smooth" },
    own: { pose: 1, face: 1, lip: 1.4, cfg: 2 },
    isGiven: false,
  });
});

test("a frame rate that another node gives is taken where that node says it", () => {
  const nodes = graph([...CHAIN, ["PrimitiveFloat", "Hallo2EncodeSpeech", "fps"]]);
  nodes.Hallo2EncodeSpeech.widgets = [{ name: "fps", value: 25 }];
  nodes.PrimitiveFloat.widgets = [{ name: "value", value: 12.5 }];
  assert.equal(surroundingsOf(nodes.Hallo2TextPrompts).fps, 12.5);
  nodes.PrimitiveFloat.widgets = [];
  assert.equal(surroundingsOf(nodes.Hallo2TextPrompts).fpsIsKnown, false);
});

test("another source of sound, or none, or a node alone, is no trouble", () => {
  const other = graph([...CHAIN, ["Hallo2ExampleInputs", "Hallo2EncodeSpeech", "audio"]]);
  assert.equal(surroundingsOf(other.Hallo2TextPrompts).file, null);
  assert.equal(surroundingsOf(graph(CHAIN).Hallo2TextPrompts).file, null);
  const alone = { type: "Hallo2WeightTimeline", getOutputNodes: () => null };
  assert.deepEqual([surroundingsOf(alone).fps, surroundingsOf(alone).fpsIsKnown], [25, false]);
});

test("reroutes in a ring do not hang the editor", () => {
  const ring = graph([["Hallo2TextPrompts", "Reroute1", ""], ["Reroute1", "Reroute1", ""]]);
  assert.equal(surroundingsOf(ring.Hallo2TextPrompts).fpsIsKnown, false);
});

test("a file widget's value names folder and file", () => {
  assert.deepEqual(fileOf("a.wav"), { filename: "a.wav", subfolder: "", type: "input" });
  assert.deepEqual(fileOf("x\\y/a b.wav [temp]"), { filename: "a b.wav", subfolder: "x\\y", type: "temp" });
  assert.equal(fileOf(undefined), null);
  assert.equal(fileOf(""), null);
});

test("a text that another node gives is not the node's own to edit", () => {
  const nodes = graph([...CHAIN, ["PrimitiveString", "Hallo2TextPrompts", "timeline"]]);
  assert.equal(surroundingsOf(nodes.Hallo2TextPrompts).isGiven, true);
});
