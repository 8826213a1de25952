// A sound file → its outline. Decoded once, whatever the number of nodes that show it; only the outline is kept.

import { outline, pauses } from "./sound_shape.mjs";

const LARGEST_BYTES = 128 * 1024 ** 2; // decoded it takes some ten times that, for a moment
const RATE_HZ = 16_000; // enough for an outline
const MOST_KEPT = 8;

const kept = new Map();

/**
 * @typedef {{seconds: number, peaks: Float32Array, levels: Float32Array, pauses: number[][]}} Sound
 * @param {string} address tells sounds apart
 * @param {() => Promise<Response>} fetchIt
 * @returns {Promise<Sound>} refused, with a reason to show, where the file cannot be had, read or held
 */
export function loadSound(address, fetchIt) {
  if (!kept.has(address)) {
    const loading = decode(fetchIt);
    kept.set(address, loading);
    loading.catch(() => kept.delete(address)); // the file may be there the next time
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(address);
}

async function decode(fetchIt) {
  const response = await fetchIt();
  if (!response.ok) throw new Error("not found in the host's input folder");
  if (Number(response.headers.get("content-length")) > LARGEST_BYTES) throw new Error("too large to be drawn");
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength > LARGEST_BYTES) throw new Error("too large to be drawn");
  const decoded = await new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(bytes).catch(() => {
    throw new Error("no sound that this browser can read");
  });
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  const shape = outline(channels, decoded.sampleRate);
  return { ...shape, pauses: pauses(shape) };
}
