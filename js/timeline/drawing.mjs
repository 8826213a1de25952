// The time ruler and the waveform, on a canvas.

import { clockText, rulerSteps } from "./ruler.mjs";
import { PEAKS_PER_SECOND } from "./sound_shape.mjs";

export const RULER_PX = 20;

/**
 * The stylesheet's colors for a canvas: `color` for letters and marks, `fill` for the sound, `stroke` for pauses.
 * @typedef {{color: string, fill: string, stroke: string, fontFamily: string}} Colors
 * @param {HTMLCanvasElement} canvas
 * @returns {Colors}
 */
export function colorsOf(canvas) {
  const { color, fill, stroke, fontFamily } = getComputedStyle(canvas);
  return { color, fill, stroke, fontFamily };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{width: number, height: number, ratio: number, from: number, pxPerSecond: number, length: number,
 *   fps: number, sound: import("./sound.mjs").Sound|null}} scene `from`: the time at the left edge
 * @param {Colors} colors
 */
export function drawScene(canvas, scene, { color, fill, stroke, fontFamily }) {
  canvas.width = Math.max(1, Math.round(scene.width * scene.ratio));
  canvas.height = Math.max(1, Math.round(scene.height * scene.ratio));
  const pen = canvas.getContext("2d");
  pen.scale(canvas.width / scene.width, canvas.height / scene.height);
  if (scene.sound) {
    drawPauses(pen, scene, stroke);
    drawSound(pen, scene, fill);
  }
  drawRuler(pen, scene, color, fontFamily);
}

function drawPauses(pen, scene, color) {
  pen.fillStyle = color;
  pen.globalAlpha = 0.16;
  for (const [start, end] of scene.sound.pauses) {
    pen.fillRect(xOf(start, scene), RULER_PX, (end - start) * scene.pxPerSecond, scene.height - RULER_PX);
  }
  pen.globalAlpha = 1;
}

function drawSound(pen, { sound, width, height, from, pxPerSecond }, color) {
  const middle = (RULER_PX + height) / 2;
  const loudest = sound.peaks.reduce((most, peak) => Math.max(most, peak), 1e-6);
  const reach = ((height - RULER_PX) / 2 - 2) / loudest;
  const perPx = PEAKS_PER_SECOND / pxPerSecond;
  pen.fillStyle = color;
  for (let x = 0; x < width; x += 1) {
    const first = Math.floor((from + x / pxPerSecond) * PEAKS_PER_SECOND);
    if (first >= sound.peaks.length) break;
    let peak = 0;
    for (let i = first; i < Math.min(sound.peaks.length, Math.max(first + 1, first + perPx)); i += 1) {
      peak = Math.max(peak, sound.peaks[i]);
    }
    const half = Math.max(0.5, peak * reach);
    pen.fillRect(x, middle - half, 0.8, 2 * half);
  }
}

function drawRuler(pen, scene, color, fontFamily) {
  const { label, mark } = rulerSteps(scene.pxPerSecond, scene.fps);
  pen.fillStyle = color;
  pen.globalAlpha = 0.35;
  for (const time of ticks(scene, mark)) pen.fillRect(xOf(time, scene), RULER_PX - 4, 1, 4);
  for (const time of ticks(scene, label)) {
    pen.globalAlpha = 0.6;
    pen.fillRect(xOf(time, scene), RULER_PX - 8, 1, 8);
    pen.globalAlpha = 0.12;
    pen.fillRect(xOf(time, scene), RULER_PX, 1, scene.height - RULER_PX);
  }
  pen.globalAlpha = 0.85;
  pen.font = `10px ${fontFamily}`;
  pen.textBaseline = "top";
  for (const time of ticks(scene, label)) pen.fillText(clockText(time, label < 1 ? 1 : 0), xOf(time, scene) + 4, 2);
  pen.globalAlpha = 1;
}

function* ticks({ from, width, pxPerSecond, length }, step) {
  const last = Math.min(length, from + width / pxPerSecond);
  for (let i = Math.ceil(from / step - 1e-9); i * step <= last + 1e-9; i += 1) yield i * step;
}

const xOf = (time, { from, pxPerSecond }) => Math.round((time - from) * pxPerSecond);
