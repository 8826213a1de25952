// Samples of a sound → its outline, small enough to keep however long it is, and the pauses of the voice.

export const PEAKS_PER_SECOND = 100;

const QUIET = 0.1; // relative to the level of loud parts: -20 dB
const SILENT = 1e-4; // of full scale: below this, all is silence
const SHORTEST_PAUSE_SECONDS = 0.16; // shorter ones are within words
const PAUSE_PEAKS = SHORTEST_PAUSE_SECONDS * PEAKS_PER_SECOND;

/**
 * @param {Float32Array[]} channels of equal length
 * @param {number} rate samples a second
 * @returns {{seconds: number, start: number, peaks: Float32Array, levels: Float32Array}} per hundredth of a second: the
 *   peak magnitude, and the root mean square; start: where it begins in its file, in seconds
 */
export function outline(channels, rate) {
  const samples = channels[0].length;
  const count = Math.ceil((samples * PEAKS_PER_SECOND) / rate);
  const peaks = new Float32Array(count);
  const levels = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const start = Math.floor((i * rate) / PEAKS_PER_SECOND);
    const stop = Math.min(samples, Math.max(start + 1, Math.floor(((i + 1) * rate) / PEAKS_PER_SECOND)));
    let peak = 0;
    let energy = 0;
    for (const channel of channels) {
      for (let at = start; at < stop; at += 1) {
        const value = channel[at];
        peak = Math.max(peak, Math.abs(value));
        energy += value * value;
      }
    }
    peaks[i] = peak;
    levels[i] = Math.sqrt(energy / ((stop - start) * channels.length));
  }
  return { seconds: samples / rate, start: 0, peaks, levels };
}

/**
 * Applies Trim Audio Duration to a sound.
 * @typedef {{start: number, duration: number}} Trim in seconds; a start below 0 counts from the end
 * @param {import("./sound.mjs").Sound} sound
 * @param {Trim} trim
 * @returns {import("./sound.mjs").Sound}
 */
export function trimmed({ seconds, start: skipped, peaks, levels }, { start, duration }) {
  const from = Math.max(0, Math.min(seconds, start < 0 ? seconds + start : start));
  const to = Math.min(seconds, from + duration);
  if (to <= from) throw new Error("nothing is left after Trim Audio Duration");
  const cut = (values) => values.slice(Math.round(from * PEAKS_PER_SECOND), Math.ceil(to * PEAKS_PER_SECOND));
  const shape = { seconds: to - from, start: skipped + from, peaks: cut(peaks), levels: cut(levels) };
  return { ...shape, pauses: pauses(shape) };
}

/** Pauses in speech: [start, end] in seconds. */
export function pauses({ levels, seconds }) {
  const threshold = Math.max(SILENT, loudness(levels) * QUIET);
  const found = [];
  let start = null;
  for (let i = 0; i <= levels.length; i += 1) {
    const quiet = i < levels.length && levels[i] < threshold;
    if (quiet && start === null) start = i;
    if (!quiet && start !== null) {
      if (i - start >= PAUSE_PEAKS) found.push([start / PEAKS_PER_SECOND, Math.min(i / PEAKS_PER_SECOND, seconds)]);
      start = null;
    }
  }
  return found;
}

/** Snap targets of pauses: start, middle and end. */
export function pausePoints(found) {
  return found.flatMap(([start, end]) => [start, (start + end) / 2, end]);
}

/** The level that a twentieth of the sound exceeds (95th percentile). */
function loudness(levels) {
  return Float32Array.from(levels).sort()[Math.floor(levels.length * 0.95)] ?? 0;
}
