// A sound file → its waveform outline. Decoded once for all nodes that show it; only the outline is kept.

import { outline, pauses } from "./sound_shape.mjs";
import { t } from "./words.mjs";

const LARGEST_BYTES = 128 * 1024 ** 2; // temporarily about ten times that when decoded
const RATE_HZ = 16_000; // sufficient for an outline
const MOST_KEPT = 8;

const kept = new Map();

/**
 * @typedef {{seconds: number, start: number, peaks: Float32Array, levels: Float32Array, pauses: number[][]}} Sound
 * @param {string} address identifies the sound
 * @param {() => Promise<Response>} fetchIt
 * @returns {Promise<Sound>} rejected, with a reason to show, if the file is missing, unreadable or too large
 */
export function loadSound(address, fetchIt) {
  if (!kept.has(address)) {
    const loading = decode(fetchIt);
    kept.set(address, loading);
    loading.catch(() => kept.delete(address)); // the file may exist the next time
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(address);
}

async function decode(fetchIt) {
  const response = await fetchIt();
  if (!response.ok) throw new Error(t("not found in the host's input folder"));
  if (Number(response.headers.get("content-length")) > LARGEST_BYTES) throw new Error(t("too large to draw"));
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength > LARGEST_BYTES) throw new Error(t("too large to draw"));
  const decoded = await new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(bytes).catch(() => {
    throw new Error(t("this browser cannot decode it"));
  });
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  const shape = outline(channels, decoded.sampleRate);
  return { ...shape, pauses: pauses(shape) };
}
