// Reads the graph around a timeline node: frame rate, sound, and transitions.
// The node has no sound input: its output goes to a sampler, whose speech comes from Encode Speech, whose sound may
// come from a file in Load Audio, possibly through Trim Audio Duration. Its sound is "sound", what the video carries, or
// if that is not connected, "audio", the voice.

import { TRACKS } from "./grammar.mjs";
import { GraphWalk } from "./graph_walk.mjs";

const USUAL_FPS = 25;
const MOST_TRIMS = 20; // in a row; more are a loop
const BYPASSED = 4; // the front-end's mode of a bypassed node

/**
 * @typedef {object} Surroundings
 * @property {number} fps
 * @property {boolean} fpsIsKnown false: no connected node gives it
 * @property {{filename: string, subfolder: string, type: string}|null} file of the sound
 * @property {import("./sound_shape.mjs").Trim[]} trims applied to the file, in this order
 * @property {import("./transitions.mjs").Transition} transition
 * @property {Record<string, number>} own the sampler's own weights, used where no span acts
 * @property {boolean} isGiven the node's text comes from another node
 *
 * @param {GraphWalk} walk records what the result depends on
 * @returns {Surroundings}
 */
export function surroundingsOf(node, walk = new GraphWalk()) {
  const samplers = walk.takers(node);
  const speeches = samplers.map((taker) => walk.source(taker, "speech"));
  const encoder = speeches.find((one) => one?.type === "Hallo2EncodeSpeech");
  const fps = Number(encoder && walk.value(encoder, "fps"));
  const { file, trims } = soundInto(encoder, walk);
  const seconds = Number(walk.value(node, "transition_seconds"));
  const own = Object.entries(TRACKS).map(([track, { usual }]) => {
    const name = track === "cfg" ? "cfg" : `${track}_weight`;
    return [track, Number(samplers.map((taker) => walk.value(taker, name)).find(Number.isFinite) ?? usual)];
  });
  return {
    fps: fps > 0 ? fps : USUAL_FPS,
    fpsIsKnown: fps > 0,
    file,
    trims,
    transition: { seconds: seconds > 0 ? seconds : 0, blend: walk.value(node, "blend") },
    own: Object.fromEntries(own),
    isGiven: walk.isGiven(node, "timeline"),
  };
}

function soundInto(encoder, walk) {
  const trims = [];
  let source = encoder ? (walk.source(encoder, "sound") ?? walk.source(encoder, "audio")) : null;
  while (source?.type === "TrimAudioDuration" && trims.length < MOST_TRIMS) {
    const [start, duration] = ["start_index", "duration"].map((name) => Number(walk.value(source, name)));
    if (source.mode !== BYPASSED) trims.unshift({ start, duration });
    source = walk.source(source, "audio");
  }
  const isKnown = source?.type === "LoadAudio" && trims.every((trim) => Object.values(trim).every(Number.isFinite));
  return isKnown ? { file: fileOf(walk.value(source, "audio")), trims } : { file: null, trims: [] };
}

/** "voices/me.wav [output]" (value of a file widget) → parameters of the host's /view. */
export function fileOf(value) {
  if (typeof value !== "string" || value === "") return null;
  const [, path, type = "input"] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(value);
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return { filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(0, cut)), type };
}
