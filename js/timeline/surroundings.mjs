// What the graph around a timeline node says: the frame rate, the sound, and how long transitions take.
// The node has no input for sound: it hands its text to a sampler, whose speech comes from Encode Speech, whose audio
// may come from a file that Load Audio names.

import { TRACKS } from "./grammar.mjs";

const USUAL_FPS = 25;
const MOST_REROUTES = 50;

/**
 * @typedef {object} Surroundings
 * @property {number} fps
 * @property {boolean} fpsIsKnown false: nothing is connected that says it
 * @property {{filename: string, subfolder: string, type: string}|null} file of the sound
 * @property {import("./transitions.mjs").Transition} transition
 * @property {Record<string, number>} own the sampler's own weights, which hold where no span acts
 * @property {boolean} isGiven the node's text is not its own: another node is connected to it
 *
 * @returns {Surroundings}
 */
export function surroundingsOf(node) {
  const samplers = takersOf(node);
  const encoder = samplers.map((taker) => origin(taker, "speech")).find((one) => one?.type === "Hallo2EncodeSpeech");
  const fps = encoder && frameRate(encoder);
  const source = encoder && origin(encoder, "audio");
  const seconds = Number(widgetValue(node, "transition_seconds"));
  const own = Object.entries(TRACKS).map(([track, { usual }]) => {
    const name = track === "cfg" ? "cfg" : `${track}_weight`;
    return [track, Number(samplers.map((taker) => widgetValue(taker, name)).find(Number.isFinite) ?? usual)];
  });
  return {
    fps: fps ?? USUAL_FPS,
    fpsIsKnown: Boolean(fps),
    file: source?.type === "LoadAudio" ? fileOf(widgetValue(source, "audio")) : null,
    transition: { seconds: seconds > 0 ? seconds : 0, blend: widgetValue(node, "blend") },
    own: Object.fromEntries(own),
    isGiven: origin(node, "timeline") !== null,
  };
}

/** "voices/me.wav [output]" as a file widget holds it → what the host's /view asks for. */
export function fileOf(value) {
  if (typeof value !== "string" || value === "") return null;
  const [, path, type = "input"] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(value);
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return { filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(0, cut)), type };
}

function takersOf(node, depth = 0) {
  const direct = (node.outputs ?? []).flatMap((_, slot) => node.getOutputNodes(slot) ?? []);
  return direct.flatMap((taker) =>
    taker.type === "Reroute" && depth < MOST_REROUTES ? takersOf(taker, depth + 1) : [taker],
  );
}

function origin(node, inputName) {
  const slot = (node.inputs ?? []).findIndex((input) => input.name === inputName);
  let found = slot < 0 ? null : node.getInputNode(slot);
  for (let passed = 0; found?.type === "Reroute" && passed < MOST_REROUTES; passed += 1) found = found.getInputNode(0);
  return found ?? null;
}

function frameRate(encoder) {
  const feeding = origin(encoder, "fps");
  const value = Number(feeding ? widgetValue(feeding, "value") : widgetValue(encoder, "fps"));
  return Number.isFinite(value) && value > 0 ? value : null;
}

function widgetValue(node, name) {
  return node.widgets?.find((widget) => widget.name === name)?.value;
}
