// A moment of a video as written by a user: seconds, frames or a clock time, kept exactly.

const MOST_DIGITS = 9;
const MOST_DECIMALS = 6;
const MILLION = 10n ** BigInt(MOST_DECIMALS);

const NUMBER = `[0-9]{1,${MOST_DIGITS}}(?:\\.[0-9]{1,${MOST_DECIMALS}})?`;
const DECIMAL = new RegExp(`^${NUMBER}$`);
const SECONDS = new RegExp(`^(${NUMBER})s?$`);
const FRAMES = new RegExp(`^([0-9]{1,${MOST_DIGITS}})f$`);
const CLOCK = new RegExp(`^(?:([0-9]{1,${MOST_DIGITS}}):)?([0-9]{1,${MOST_DIGITS}}):(${NUMBER})$`);

/**
 * @typedef {object} Moment
 * @property {"seconds"|"frames"} unit
 * @property {bigint} millionths of a second, or of a frame
 */

/** The moment given by a text, or null: `4.5`, `4.5s`, `112f`, `1:04.5`, `1:00:04.5`. */
export function parseMoment(text) {
  let found;
  if ((found = SECONDS.exec(text))) return { unit: "seconds", millionths: millionths(found[1]) };
  if ((found = FRAMES.exec(text))) return { unit: "frames", millionths: millionths(found[1]) };
  if ((found = CLOCK.exec(text))) {
    const [hours, minutes, seconds] = [BigInt(found[1] ?? 0), BigInt(found[2]), millionths(found[3])];
    if (seconds < 60n * MILLION && (found[1] === undefined || minutes < 60n)) {
      return { unit: "seconds", millionths: (hours * 3600n + minutes * 60n) * MILLION + seconds };
    }
  }
  return null;
}

/** The normal form: no trailing zeros, no "s"; frames keep their "f". */
export function momentText(moment) {
  return decimalText(moment.millionths) + (moment.unit === "frames" ? "f" : "");
}

/** The number given by a text, in normal form, or null. */
export function parseDecimal(text) {
  return DECIMAL.test(text) ? decimalText(millionths(text)) : null;
}

export function secondsOf(moment, fps) {
  const value = Number(moment.millionths) / Number(MILLION);
  return moment.unit === "frames" ? value / fps : value;
}

/** Negative, 0 or positive if a is before, at or after b; null if units differ and no fps is given. */
export function compareMoments(a, b, fps = null) {
  if (a.unit === b.unit) return a.millionths < b.millionths ? -1 : Number(a.millionths > b.millionths);
  if (fps === null) return null;
  const apart = secondsOf(a, fps) - secondsOf(b, fps);
  return Math.abs(apart) < 1e-9 ? 0 : apart;
}

/**
 * The moment closest to a time under the pointer. In frames if `unit` is frames and the time is a frame's; else in
 * seconds to the millisecond, rounded down so that the frame pointed at is still at or after it.
 */
export function momentAt(seconds, unit, fps) {
  const frame = Math.round(seconds * fps);
  if (unit === "frames" && Math.abs(frame / fps - seconds) < 1e-6) {
    return { unit, millionths: BigInt(frame) * MILLION };
  }
  return { unit: "seconds", millionths: BigInt(Math.floor(seconds * 1000 + 1e-6)) * 1000n };
}

function millionths(text) {
  const [whole, decimals = ""] = text.split(".");
  return BigInt(whole + decimals.padEnd(MOST_DECIMALS, "0"));
}

function decimalText(value) {
  const decimals = String(value % MILLION).padStart(MOST_DECIMALS, "0").replace(/0+$/, "");
  return String(value / MILLION) + (decimals && `.${decimals}`);
}
