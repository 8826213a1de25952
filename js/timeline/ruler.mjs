// Marks of the time ruler, and the format of times.

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const LABEL_PX = 56;
const FINEST_MARK_PX = 5;

/** Seconds between labels, and between the small marks (frames, if there is room). */
export function rulerSteps(pxPerSecond, fps) {
  const label = STEPS.find((step) => step * pxPerSecond >= LABEL_PX) ?? STEPS.at(-1);
  const fifth = label / (label === 15 || label === 30 ? 3 : 5);
  const mark = pxPerSecond / fps >= FINEST_MARK_PX ? 1 / fps : fifth;
  return { label, mark };
}

/** 0:07.5, 1:04:00; fractions of a second on request. */
export function clockText(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const ticks = Math.floor(seconds * scale + 1e-6);
  const whole = Math.floor(ticks / scale);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const fraction = decimals ? `.${String(ticks % scale).padStart(decimals, "0")}` : "";
  const rest = String(whole % 60).padStart(2, "0") + fraction;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Total time of the view: the sound, else the spans with some space after them. */
export function lengthShown(soundSeconds, lastSecond) {
  if (soundSeconds !== null) return Math.max(soundSeconds, lastSecond);
  return Math.max(10, Math.ceil(lastSecond * 1.25));
}
